/* make_frames.c - moving pictures for the tests of `strait stream`:
 *   make_frames FORMAT OUT COUNT [SIZE [CHANNELS [STILL]]]
 * Garments of Fashion-MNIST (random blobs where that data set is not installed) that drift over the frame and change every 40 frames;
 * SIZE pixels a side (28), 1 or 3 channels (1); STILL 1: the first frame COUNT times. FORMAT is y4m, raw or folder. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/rng.h"
#include "../src/io/dataset.h"
#include "../src/io/frames.h"

enum { SIDE = 28, SCENE = 40 };

static void garment(const rf_dataset *set, int64_t scene, uint8_t picture[SIDE * SIDE]) {
    if (set) {
        memcpy(picture, set->pixels + scene % set->count * SIDE * SIDE, SIDE * SIDE);
        return;
    }
    float at[4];
    rf__rng_uniform(1, RF_STREAM_TOY, (uint64_t)scene * 4, 4, at);
    for (int i = 0; i < SIDE * SIDE; i++) {
        float x = (float)(i % SIDE) / SIDE - 0.3f - 0.4f * at[0], y = (float)(i / SIDE) / SIDE - 0.3f - 0.4f * at[1];
        picture[i] = (uint8_t)(255 * expf(-(x * x / (0.01f + 0.05f * at[2]) + y * y / (0.01f + 0.05f * at[3]))));
    }
}

static void draw(const rf_dataset *set, int64_t frame, const rf_frame_info *info, uint8_t *pixels) {
    uint8_t picture[SIDE * SIDE];
    garment(set, frame / SCENE, picture);
    int dx = (int)(6 * sin((double)frame * 0.1)), dy = (int)(6 * cos((double)frame * 0.07));
    memset(pixels, 0, (size_t)info->width * (size_t)info->height * (size_t)info->channels);
    for (int y = 0; y < info->height; y++)
        for (int x = 0; x < info->width; x++) {
            int sx = x * SIDE / info->width - dx, sy = y * SIDE / info->height - dy;
            if (sx < 0 || sy < 0 || sx >= SIDE || sy >= SIDE) continue;
            for (int c = 0; c < info->channels; c++)
                pixels[(y * info->width + x) * info->channels + c] = (uint8_t)(picture[sy * SIDE + sx] * (3 - c) / 3);
        }
}

static rf_status make(const char *format, const char *path, int64_t count, const rf_frame_info *info, int still) {
    rf_dataset *set = NULL;
    rf_frame_sink *sink = NULL;
    uint8_t *pixels = malloc((size_t)info->width * (size_t)info->height * (size_t)info->channels);
    if (rf__dataset_open(&set, &(rf_dataset_spec){.name = "fashion-mnist", .split = "test", .limit = 100}) != RF_OK)
        fprintf(stderr, "make_frames: %s; blobs instead\n", rf_last_error());
    rf_status status = pixels ? rf__frame_sink_open(&sink, path, format, info) : RF_ENOMEM;
    for (int64_t k = 0; status == RF_OK && k < count; k++) {
        draw(set, still ? 0 : k, info, pixels);
        status = rf__frame_sink_put(sink, pixels);
    }
    if (status == RF_OK) status = rf__frame_sink_commit(&sink);
    rf__frame_sink_abort(&sink);
    rf__dataset_free(&set);
    free(pixels);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: make_frames FORMAT OUT COUNT [SIZE [CHANNELS [STILL]]]\n");
        return 2;
    }
    int size = argc > 4 ? atoi(argv[4]) : SIDE;
    const rf_frame_info info = {size, size, argc > 5 ? atoi(argv[5]) : 1, 25, 1};
    if (make(argv[1], argv[2], atoll(argv[3]), &info, argc > 6 && atoi(argv[6])) == RF_OK) return 0;
    fprintf(stderr, "make_frames: %s\n", rf_last_error());
    return 1;
}
