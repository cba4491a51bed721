/* idx_fuzz.c - any bytes as the pictures of an idx set, with labels that fit nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "io/dataset.h"

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
    if (rf__file_write(images, data, size) != RF_OK || rf__file_write(labels, data, size) != RF_OK) abort();
    if (rf__dataset_open(&set, &(rf_dataset_spec){"mnist", folder, "train", 0}) == RF_OK) rf__dataset_free(&set);
    return 0;
}
