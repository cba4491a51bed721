/* features_test.c - extractors at work: golden logits of the public CIFAR ResNets, the shipped classifier, batching, wrong files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../base/file.h"
#include "../base/rng.h"
#include "../io/dataset.h"
#include "features.h"
#include "perceptual.h"

static char shared_path[512];

/* ../shared/data/NAME, or below $STRAIT_SHARED; skips the test when it is not there. */
static const char *shared(const char *name) {
    const char *root = getenv("STRAIT_SHARED");
    snprintf(shared_path, sizeof shared_path, "%s/data/%s", root ? root : "../shared", name);
    if (!rf__file_exists(shared_path)) {
        print_message("%s is not here: skipped\n", shared_path);
        skip();
    }
    return shared_path;
}

/* The first 8 pictures of the CIFAR-10 test set. */
static float *cifar_pictures(void) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s", shared("cifar10/test_batch.png"));
    *strrchr(folder, '/') = 0;
    rf_dataset *set;
    const rf_dataset_spec spec = {.name = "cifar10", .path = folder, .split = "test", .limit = 8};
    if (rf__dataset_open(&set, &spec) != RF_OK) fail_msg("%s", rf_last_error());
    float *x = malloc(8 * 3072 * sizeof *x);
    for (int i = 0; i < 8; i++) rf__dataset_image(set, i, false, x + i * 3072);
    rf__dataset_free(&set);
    return x;
}

/* By an independent NumPy implementation, printed with five decimals. f32 through 56 layers keeps 1e-5 of the largest (32). */
static void golden_logits(void **state) {
    (void)state;
    static const char *const files[][2] = {{"resnet20", "weights/cifar10-resnet/resnet20-12fca82f.th"},
                                           {"resnet56", "weights/cifar10-resnet/resnet56-4bfd9763.th"}};
    float *x = cifar_pictures(), logits[80], features[8 * 64];
    json_t *golden = json_load_file(shared("weights/cifar10-resnet/golden_logits.json"), 0, NULL);
    assert_non_null(golden);
    for (int n = 0; n < 2; n++) {
        rf_features *f;
        if (rf__features_open(&f, files[n][0], shared(files[n][1]), NULL, NULL) != RF_OK) fail_msg("%s", rf_last_error());
        assert_int_equal(rf__features_run(f, (rf_picture_shape){32, 32, 3}, x, 8, features, logits), RF_OK);
        json_t *rows = json_object_get(json_object_get(golden, "logits"), files[n][0]);
        for (int i = 0; i < 80; i++) {
            double want = json_number_value(json_array_get(json_array_get(rows, (size_t)i / 10), (size_t)i % 10));
            if (!(fabs(logits[i] - want) <= 2e-4)) fail_msg("%s: logit %d is %g, expected %g", files[n][0], i, (double)logits[i], want);
        }
        rf__features_close(&f);
    }
    json_decref(golden);
    free(x);
}

#define CLASSIFIER "models/fashion-classifier.safetensors"

/* A row is the same alone, in a batch, from one thread or two; and a picture of another size is resized. */
static void batches(void **state) {
    (void)state;
    enum { N = 71 };
    rf_features *f, *two;
    rf_pool *pool = rf__pool_create(2);
    if (rf__features_open(&f, "classifier", CLASSIFIER, NULL, NULL) != RF_OK) fail_msg("%s", rf_last_error());
    assert_int_equal(rf__features_open(&two, "classifier", CLASSIFIER, NULL, pool), RF_OK);
    rf_features_info info = rf__features_describe(f);
    assert_int_equal(info.classes, 10);
    const rf_picture_shape shape = {info.height, info.width, info.channels};
    int64_t scalars = (int64_t)shape.height * shape.width * shape.channels;
    size_t width = (size_t)info.feature_width;
    float *x = malloc((size_t)(N * scalars) * sizeof *x), *all = malloc(3 * N * width * sizeof *all), *other = all + N * width;
    float logits[2][N * 10];
    rf__rng_normal(3, 9, 0, N * scalars, x);
    assert_int_equal(rf__features_run(f, shape, x, N, all, logits[0]), RF_OK);
    assert_int_equal(rf__features_run(two, shape, x, N, other, logits[1]), RF_OK);
    assert_memory_equal(all, other, N * width * sizeof *all);
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_int_equal(rf__features_run(f, shape, x + 70 * scalars, 1, other, NULL), RF_OK);
    assert_memory_equal(all + 70 * width, other, width * sizeof *all);
    assert_int_equal(rf__features_run(f, (rf_picture_shape){7, 7, 1}, x, 2, other, NULL), RF_OK);
    assert_int_equal(rf__features_run(f, (rf_picture_shape){28, 28, 3}, x, 1, other, NULL), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "channels"));
    rf_sample_set set = {0};
    assert_int_equal(rf__sample_set_init(&set, N, info.feature_width, info.classes, 0), RF_OK);
    assert_int_equal(rf__features_judge(f, shape, x, N, NULL, &set), RF_OK);
    assert_int_equal(set.count, N);
    rf__sample_set_fini(&set);
    free(x);
    free(all);
    rf__features_close(&f);
    rf__features_close(&two);
    rf__pool_free(&pool);
}

static void wrong_files(void **state) {
    (void)state;
    rf_features *f;
    assert_int_equal(rf__features_open(&f, "inception", CLASSIFIER, NULL, NULL), RF_EMISMATCH);
    assert_null(f);
    assert_non_null(strstr(rf_last_error(), "6726825d"));
    assert_int_equal(rf__features_open(&f, "resnet56", CLASSIFIER, &(rf_features_opts){.any_file = true}, NULL), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "conv1.weight"));
    assert_int_equal(rf__features_open(&f, "classifier", "models/fashion-rf.safetensors", NULL, NULL), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "unet"));
    assert_int_equal(rf__features_open(&f, "vgg16", NULL, NULL, NULL), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "vgg16-397923af.pth"));
    assert_int_equal(rf__features_open(&f, "vgg16", "missing.pth", NULL, NULL), RF_ENOTFOUND);
    rf_perceptual *p;
    assert_int_equal(rf__perceptual_open(&p, "lpips-alex", CLASSIFIER, CLASSIFIER, false, RF_F32, NULL), RF_EMISMATCH);
    assert_null(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden_logits), cmocka_unit_test(batches), cmocka_unit_test(wrong_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
