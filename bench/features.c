/* features.c - a feature network on a whole data set: how often a classifier names the picture's class, and how long it takes.
 *
 *   build/bench/features NETWORK WEIGHTS DATASET [SPLIT [bf16]]      e.g. resnet56 resnet56-4bfd9763.th cifar10
 *
 * DATASET is a name or NAME=FOLDER. One warm-up batch is not counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "eval/features.h"
#include "io/dataset.h"

enum { PIECE = 1000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int fail(void) {
    fprintf(stderr, "bench/features: %s\n", rf_last_error());
    return 1;
}

static rf_status run(rf_features *e, const rf_dataset *set, int64_t *right, double *seconds) {
    const rf_features_info m = rf__features_describe(e);
    const rf_picture_shape shape = {set->height, set->width, set->channels};
    int64_t scalars = (int64_t)set->height * set->width * set->channels;
    float *x = rf__alloc_array((size_t)(PIECE * scalars), sizeof *x);
    float *f = rf__alloc_array((size_t)(PIECE * m.feature_width), sizeof *f), *l = rf__alloc_array((size_t)(PIECE * m.classes), sizeof *l);
    rf_status status = x && f && l ? RF_OK : rf__fail(RF_ENOMEM, "no memory for %d pictures", PIECE);
    for (int64_t first = -1; first < set->count && status == RF_OK; first = first < 0 ? 0 : first + PIECE) {
        int64_t at = first < 0 ? 0 : first, n = set->count - at < PIECE ? set->count - at : PIECE;
        if (first < 0 && n > 64) n = 64;
        for (int64_t i = 0; i < n; i++) rf__dataset_image(set, at + i, false, x + i * scalars);
        double start = now();
        status = rf__features_run(e, shape, x, n, f, l);
        if (first < 0) continue;
        *seconds += now() - start;
        for (int64_t i = 0; set->labels && i < n; i++) *right += rf__class_named(l + i * m.classes, m.classes) == set->labels[at + i];
    }
    rf__free(x);
    rf__free(f);
    rf__free(l);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: %s NETWORK WEIGHTS DATASET[=FOLDER] [SPLIT [bf16]]\n", argv[0]);
        return 2;
    }
    char *folder = strchr(argv[3], '=');
    if (folder) *folder++ = 0;
    const rf_dataset_spec spec = {.name = argv[3], .path = folder, .split = argc > 4 ? argv[4] : "test"};
    const rf_features_opts opts = {.dtype = argc > 5 && !strcmp(argv[5], "bf16") ? RF_BF16 : RF_F32};
    rf_pool *pool = rf__pool_create(0);
    rf_features *e;
    rf_dataset *set;
    if (rf__features_open(&e, argv[1], argv[2], &opts, pool) != RF_OK || rf__dataset_open(&set, &spec) != RF_OK) return fail();
    int64_t right = 0;
    double seconds = 0;
    if (run(e, set, &right, &seconds) != RF_OK) return fail();
    printf("%s (%.8s) on %s/%s, %lld pictures, %s, %d threads: %.2f %% right, %.1f s a 10,000\n", argv[1], rf__features_describe(e).sha256, argv[3],
           spec.split, (long long)set->count, opts.dtype == RF_BF16 ? "bf16" : "f32", rf__pool_size(pool), 100.0 * (double)right / (double)set->count,
           1e4 * seconds / (double)set->count);
    rf__features_close(&e);
    rf__dataset_free(&set);
    rf__pool_free(&pool);
    return 0;
}
