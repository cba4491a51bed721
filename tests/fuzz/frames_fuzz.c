/* frames_fuzz.c - any bytes as moving pictures of 6x4: Y4M when they begin like it, else bare pixels, in one channel and in three. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/frames.h"

static void read_all(const char *path, int channels) {
    const rf_frame_source_opts opts = {.path = path, .format = "auto", .want = {.width = 6, .height = 4, .channels = channels}, .raw_channels = 3};
    rf_frame_source *source;
    uint8_t pixels[6 * 4 * 3];
    bool more = true;
    if (rf__frame_source_open(&source, &opts) != RF_OK) return;
    while (more && rf__frame_source_next(source, pixels, &more) == RF_OK) continue;
    rf__frame_source_close(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char path[64];
    if (!path[0]) {
        snprintf(path, sizeof path, "/tmp/strait-fuzz-XXXXXX");
        if (mkstemp(path) < 0) abort();
    }
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
    read_all(path, 1);
    read_all(path, 3);
    return 0;
}
