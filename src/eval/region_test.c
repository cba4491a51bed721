/* region_test.c - marks of a part of a picture: all of it is the plain mark, and what happens in one part is not seen in the other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/rng.h"
#include "paired.h"
#include "region.h"

enum { H = 28, W = 24, C = 3, N = H * W };

static void noise(float *x, int64_t n, uint64_t seed) { rf__rng_normal(seed, 0, 0, n, x); }

static void left_part(float *region, int columns, float value) {
    for (int i = 0; i < N; i++) region[i] = i % W < columns ? value : 0;
}

static void everything_is_the_plain_mark(void **state) {
    (void)state;
    float a[N * C], b[N * C], region[N];
    noise(a, N * C, 1);
    noise(b, N * C, 2);
    left_part(region, W, 1);
    rf_paired plain = {0}, inside = {0};
    assert_int_equal(rf__paired_add(&plain, a, b, H, W, C), RF_OK);
    assert_int_equal(rf__paired_add_inside(&inside, a, b, region, H, W, C), RF_OK);
    assert_true(plain.count == 1 && inside.count == 1 && inside.similar == 1);
    assert_true(fabs(inside.mse / plain.mse - 1) < 1e-12);
    assert_true(inside.ssim == plain.ssim && fabs(inside.psnr - plain.psnr) < 1e-9);
    left_part(region, W, 0.25f); /* weights are shares: their size does not matter */
    rf_paired quarter = {0};
    assert_int_equal(rf__paired_add_inside(&quarter, a, b, region, H, W, C), RF_OK);
    assert_true(fabs(quarter.mse / plain.mse - 1) < 1e-12 && fabs(quarter.ssim / plain.ssim - 1) < 1e-12);
}

/* The two parts, weighed by their size, make the whole. */
static void parts_make_the_whole(void **state) {
    (void)state;
    float a[N * C], b[N * C], in[N], out[N];
    noise(a, N * C, 3);
    noise(b, N * C, 4);
    left_part(in, 9, 1);
    for (int i = 0; i < N; i++) out[i] = 1 - in[i];
    rf_paired plain = {0}, part[2] = {{0}};
    assert_int_equal(rf__paired_add(&plain, a, b, H, W, C), RF_OK);
    assert_int_equal(rf__paired_add_inside(&part[0], a, b, in, H, W, C), RF_OK);
    assert_int_equal(rf__paired_add_inside(&part[1], a, b, out, H, W, C), RF_OK);
    double share = 9.0 / W, windows = 4.0 / (W - 10); /* of 14 columns of windows, 4 have their middle in the first 9 of the picture */
    assert_true(fabs((share * part[0].mse + (1 - share) * part[1].mse) / plain.mse - 1) < 1e-12);
    assert_true(fabs(windows * part[0].ssim + (1 - windows) * part[1].ssim - plain.ssim) < 1e-12);
}

/* A window is 11 wide: a change more than 5 pixels off leaves the SSIM of the region too. */
static void a_change_outside_leaves_the_inside_perfect(void **state) {
    (void)state;
    float a[N * C], b[N * C], region[N];
    noise(a, N * C, 5);
    memcpy(b, a, sizeof a);
    for (int y = 0; y < H; y++)
        for (int k = 0; k < C; k++) b[(y * W + W - 1) * C + k] += 1;
    left_part(region, W - 6, 1);
    rf_paired inside = {0}, outside = {0};
    assert_int_equal(rf__paired_add_inside(&inside, a, b, region, H, W, C), RF_OK);
    assert_true(inside.equal == 1 && inside.mse == 0 && inside.ssim == 1);
    for (int i = 0; i < N; i++) region[i] = 1 - region[i];
    assert_int_equal(rf__paired_add_inside(&outside, a, b, region, H, W, C), RF_OK);
    assert_true(outside.equal == 0 && fabs(outside.mse - 1.0 / 6) < 1e-6 && outside.similar == 1 && outside.ssim < 1);
    left_part(region, W, 0);
    assert_int_equal(rf__paired_add_inside(&outside, a, b, region, H, W, C), RF_OK);
    assert_int_equal(outside.count, 1); /* nothing there does not count */
}

static void pasting(void **state) {
    (void)state;
    float x[N * C], y[N * C], out[N * C], region[N];
    const rf_picture_shape shape = {H, W, C};
    noise(x, N * C, 6);
    noise(y, N * C, 7);
    left_part(region, W, 1);
    rf__region_paste(region, x, y, shape, out);
    assert_memory_equal(out, x, sizeof x);
    left_part(region, 5, 1);
    rf__region_paste(region, x, y, shape, out);
    for (int i = 0; i < N * C; i++) assert_true(out[i] == (i / C % W < 5 ? x : y)[i]);
}

static void object(void **state) {
    (void)state;
    float x[N], region[N];
    for (int i = 0; i < N; i++) x[i] = -1;
    x[10 * W + 12] = 0.5f;
    x[10 * W + 13] = 0.5f;
    x[20 * W + 3] = -0.85f; /* too faint */
    const rf_region_case of = {{H, W, 1}, x, -1, NULL};
    assert_int_equal(rf__region_make(rf__region_find("object"), &of, region), RF_OK);
    for (int i = 0; i < N; i++) {
        int row = i / W, column = i % W;
        assert_true(region[i] == (row >= 8 && row <= 12 && column >= 10 && column <= 15 ? 1.0f : 0.0f));
    }
}

#define CLASSIFIER "models/fashion-classifier.safetensors"

/* Half of the pixels. A judge who sees a shoe needs the shoe: most of what is bright lies inside. */
static void occlusion(void **state) {
    (void)state;
    enum { SIDE = 28 };
    float x[SIDE * SIDE], region[SIDE * SIDE], features[1024], logits[10];
    const rf_picture_shape shape = {SIDE, SIDE, 1};
    for (int i = 0; i < SIDE * SIDE; i++) {
        int row = i / SIDE, column = i % SIDE;
        x[i] = row > 14 && row < 24 && column > 2 && column < 25 && column + 6 > 2 * (24 - row) ? 0.6f : -1;
    }
    rf_features *judge;
    assert_int_equal(rf__features_open(&judge, "classifier", CLASSIFIER, NULL, NULL), RF_OK);
    assert_true(rf__features_describe(judge).feature_width <= 1024);
    assert_int_equal(rf__features_run(judge, shape, x, 1, features, logits), RF_OK);
    int seen = 0;
    for (int i = 1; i < 10; i++)
        if (logits[i] > logits[seen]) seen = i;
    const rf_region *entry = rf__region_find("occlusion");
    rf_region_case of = {shape, x, seen, judge};
    assert_int_equal(rf__region_make(entry, &of, region), RF_OK);
    double area = 0, bright = 0, covered = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        assert_true(region[i] == 0 || region[i] == 1);
        area += (double)region[i];
        bright += x[i] > 0;
        covered += x[i] > 0 && region[i] > 0;
    }
    assert_true(area == SIDE * SIDE / 2);
    if (!(covered > 0.6 * bright)) fail_msg("%g of %g bright pixels are in the region", covered, bright);
    of.label = 10;
    assert_int_equal(rf__region_make(entry, &of, region), RF_EINVAL);
    of.judge = NULL;
    assert_int_equal(rf__region_make(entry, &of, region), RF_EINVAL);
    assert_null(rf__region_find("magic"));
    assert_non_null(strstr(rf_last_error(), "object, occlusion"));
    rf__features_close(&judge);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_the_plain_mark), cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(a_change_outside_leaves_the_inside_perfect), cmocka_unit_test(pasting), cmocka_unit_test(object), cmocka_unit_test(occlusion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
