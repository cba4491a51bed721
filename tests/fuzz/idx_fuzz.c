/* idx_fuzz.c - any bytes as an idx set: what follows the last magic number of labels is the file of labels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/dataset.h"

/* Not rf__file_write: its fsync would be nearly all of the time. */
static void put(const char *path, const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char folder[64], images[96], labels[96];
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/strait-fuzz-XXXXXX");
        if (!mkdtemp(folder)) abort();
        snprintf(images, sizeof images, "%s/train-images-idx3-ubyte", folder);
        snprintf(labels, sizeof labels, "%s/train-labels-idx1-ubyte", folder);
    }
    rf_dataset *set;
    size_t cut = size >= 4 ? size - 4 : 0;
    while (cut > 0 && memcmp(data + cut, "\0\0\x08\x01", 4)) cut--;
    put(images, data, cut ? cut : size);
    put(labels, data + cut, size - cut);
    if (rf__dataset_open(&set, &(rf_dataset_spec){"mnist", folder, "train", 0}) == RF_OK) rf__dataset_free(&set);
    return 0;
}
