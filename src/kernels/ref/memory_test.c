/* memory_test.c - plain C kernels against formulas in double, worked examples, and, for the backward ones, against finite
 * differences of the forward ones. (Other instruction sets are then held against plain C.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory_test.h"

/* ---- maps ---- */
static double act_in_double(rf_act act, double x) {
    switch (act) {
    case RF_ACT_NONE: return x;
    case RF_ACT_SILU: return x / (1 + exp(-x));
    case RF_ACT_GELU_TANH: return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case RF_ACT_GELU_ERF: return x / 2 * erfc(-x / sqrt(2));
    case RF_ACT_RELU: return x > 0 ? x : 0;
    case RF_ACT_TANH: return tanh(x);
    case RF_ACT_SIGMOID: return 1 / (1 + exp(-x));
    }
    return x;
}

static void activations(void **state) {
    (void)state;
    enum { COUNT = 400 };
    for (rf_act act = RF_ACT_NONE; act <= RF_ACT_SIGMOID; act++) {
        float x[COUNT], ones[COUNT], y[COUNT], slope[COUNT];
        for (int i = 0; i < COUNT; i++) x[i] = (float)(i - COUNT / 2) * 0.0537f + 0.01f, ones[i] = 1;
        rf_map_args a = {.act = act, .x = x, .y = y};
        rf__ref_act(&a, 0, COUNT, NULL);
        a.z = ones;
        a.y = slope;
        rf__ref_act_bwd(&a, 0, COUNT, NULL);
        for (int i = 0; i < COUNT; i++) {
            double h = 1e-4, v = (double)x[i];
            close_to((double)y[i], act_in_double(act, v), 5e-7 * fmax(1, fabs(v)), "act", i);
            close_to((double)slope[i], (act_in_double(act, v + h) - act_in_double(act, v - h)) / (2 * h), 2e-6, "act_bwd", i);
        }
    }
}

/* Three updates against Kingma & Ba 2015, algorithm 1, with decoupled decay (Loshchilov & Hutter 2019). */
static void adam_follows_the_paper(void **state) {
    (void)state;
    float w = 0.7f, m = 0, v = 0, ema = 0.7f, grads[3] = {0.5f, -0.2f, 0.9f};
    double W = 0.7f, M = 0, V = 0, E = 0.7f;
    for (int t = 1; t <= 3; t++) {
        float g = grads[t - 1];
        rf_adam_args a = {.w = &w, .m = &m, .v = &v, .ema = &ema, .g = &g, .lr = 0.1f, .beta1 = 0.9f, .beta2 = 0.99f, .eps = 1e-3f,
                          .decay = 0.05f, .c1 = (float)(1 / (1 - pow(0.9, t))), .c2 = (float)(1 / (1 - pow(0.99, t))),
                          .grad_scale = 0.5f, .ema_beta = 0.8f};
        rf__ref_adam(&a, 0, 1, NULL);
        double d = (double)g / 2;
        M = 0.9 * M + 0.1 * d;
        V = 0.99 * V + 0.01 * d * d;
        W -= 0.1 * (M / (1 - pow(0.9, t)) / (sqrt(V / (1 - pow(0.99, t))) + 1e-3) + 0.05 * W);
        E = 0.8 * E + 0.2 * W;
        close_to((double)w, W, 1e-6, "adam w", t);
        close_to((double)ema, E, 1e-6, "adam ema", t);
    }
}

/* ---- rows ---- */
enum { B = 2, P = 6, C = 6, G = 3, N = B * P * C };
static void rows(void **state) {
    (void)state;
    float x[N], z[N], gate[B * C], shift[B * C], y[N], sums[B * C], dots[B], all;
    randomise(x, N, 0, 1);
    randomise(z, N, 0, 1);
    randomise(gate, B * C, 0, 1);
    randomise(shift, B * C, 0, 1);
    rf_row_affine_args affine = {.batch = B, .rows = P, .channels = C, .one_plus = true, .x = x, .residual = z, .gate = gate,
                                 .shift = shift, .gate_stride = C, .shift_stride = C, .y = y};
    rf__ref_row_affine(&affine, 0, B, NULL);
    rf_row_reduce_args reduce = {.batch = B, .rows = P, .channels = C, .a = 2, .x = x, .z = z, .y = sums, .y_stride = C};
    rf__ref_row_reduce(&reduce, 0, B, NULL);
    rf_rows_args dot = {.batch = B, .n = P * C, .a = 0.5f, .x = x, .z = z, .out = dots};
    rf__ref_dot_rows(&dot, 0, B, NULL);
    dot.out = &all;
    rf__ref_sum(&dot, 0, 1, NULL);
    double total = 0;
    for (int b = 0; b < B; b++) {
        double row = 0;
        for (int c = 0; c < C; c++) {
            double column = 0;
            for (int p = 0; p < P; p++) {
                int i = (b * P + p) * C + c, v = b * C + c;
                close_to((double)y[i], (double)x[i] * (1 + (double)gate[v]) + (double)shift[v] + (double)z[i], 1e-6, "row_affine", i);
                column += (double)x[i] * (double)z[i];
            }
            close_to((double)sums[b * C + c], 2 * column, 1e-6, "row_reduce", c);
            row += column;
        }
        close_to((double)dots[b], row / 2, 1e-6, "dot_rows", b);
        total += row;
    }
    close_to((double)all, total / 2, 2e-6, "sum", 0);
}

/* <up2 x, y> = <x, down2 y>: each is the gradient of the other. */
static void resampling_is_adjoint(void **state) {
    (void)state;
    enum { H = 3, W = 2, CH = 2, SMALL = H * W * CH };
    float x[SMALL], large[4 * SMALL], y[4 * SMALL], small[SMALL];
    randomise(x, SMALL, 0, 1);
    randomise(y, 4 * SMALL, 0, 1);
    rf__ref_up2(&(rf_resample_args){.batch = 1, .h = H, .w = W, .channels = CH, .scale = 0.5f, .x = x, .y = large}, 0, 1, NULL);
    rf__ref_down2(&(rf_resample_args){.batch = 1, .h = H, .w = W, .channels = CH, .scale = 0.5f, .x = y, .y = small}, 0, 1, NULL);
    double left = 0, right = 0;
    for (int i = 0; i < 4 * SMALL; i++) left += (double)large[i] * (double)y[i];
    for (int i = 0; i < SMALL; i++) right += (double)x[i] * (double)small[i];
    close_to(left, right, 1e-5, "up2 and down2", 0);
    close_to((double)large[(5 * 2 * W + 3) * CH + 1], 0.5 * (double)x[(2 * W + 1) * CH + 1], 0, "up2", 0); /* pixel (5,3) comes from (2,1) */
}

static void patches_by_hand(void **state) {
    (void)state;
    /* a 2x4 image of 2 channels, value = 100 y + 10 x + c; its second 2x2 patch begins at x = 2 */
    float x[16], y[16], back[16];
    for (int i = 0; i < 16; i++) x[i] = (float)(100 * (i / 8) + 10 * (i / 2 % 4) + i % 2);
    static const float last[] = {20, 21, 30, 31, 120, 121, 130, 131}, first[] = {20, 30, 120, 130, 21, 31, 121, 131};
    for (int channel_first = 0; channel_first < 2; channel_first++) {
        rf_patch_args a = {.batch = 1, .h = 2, .w = 4, .channels = 2, .patch = 2, .channel_first = channel_first, .x = x, .y = y};
        rf__ref_patch(&a, 0, 1, NULL);
        assert_memory_equal(y + 8, channel_first ? first : last, sizeof last);
        a = (rf_patch_args){.batch = 1, .h = 2, .w = 4, .channels = 2, .patch = 2, .channel_first = channel_first, .inverse = true, .x = y, .y = back};
        rf__ref_patch(&a, 0, 1, NULL);
        assert_memory_equal(back, x, sizeof x);
    }
}

/* ---- look-ups, dropout, pooling, cross-entropy ---- */
static void time_features_by_formula(void **state) {
    (void)state;
    float t[2] = {0.3f, 0.999f}, y[16];
    rf__ref_time_features(&(rf_time_args){.batch = 2, .channels = 8, .scale = 1000, .max_period = 10000, .t = t, .y = y}, 0, 2, NULL);
    for (int i = 0; i < 16; i++) {
        double angle = 1000 * (double)t[i / 8] * pow(10000, -(i % 4) / 4.0);
        close_to((double)y[i], i % 8 < 4 ? cos(angle) : sin(angle), 1e-6, "time_features", i);
    }
    rf__ref_time_features(&(rf_time_args){.batch = 2, .channels = 8, .scale = 1, .max_period = 100, .shift = 1, .sin_first = true, .t = t, .y = y},
                          0, 2, NULL);
    close_to((double)y[3], sin((double)t[0] / 100), 1e-6, "time_features, shift 1: the last frequency is 1/max_period", 3);
    const float frequency[2] = {0.5f, 3};
    rf__ref_time_features(&(rf_time_args){.batch = 2, .channels = 4, .scale = 2, .sin_first = true, .t = t, .frequency = frequency, .y = y}, 0, 2, NULL);
    for (int i = 0; i < 8; i++) {
        double angle = 2 * (double)t[i / 4] * (double)frequency[i % 2];
        close_to((double)y[i], i % 4 < 2 ? sin(angle) : cos(angle), 1e-6, "time_features, given frequencies", i);
    }
}

static double fifth_power(double t, const float *with) { return (double)with[4] * pow(t, 5); }

static void time_map_by_formula(void **state) {
    (void)state;
    float t[3] = {0, 0.5f, 0.99f}, y[3] = {7, 7, 7};
    rf__ref_time_map(&(rf_time_map_args){.batch = 3, .of = fifth_power, .with = {[4] = 2}, .t = t, .y = y}, 1, 3, NULL);
    assert_true(y[0] == 7 && y[1] == 0.0625f);
    close_to((double)y[2], 2 * pow(0.99, 5), 1e-6, "time_map", 2);
}

static void run_dropout(float *y, int32_t key, int32_t seed, uint32_t layer, float p) {
    enum { COUNT = 20000 };
    static float ones[COUNT];
    for (int i = 0; i < COUNT; i++) ones[i] = 1;
    int32_t keys[2] = {key, 0}, seeds[2] = {seed, 0};
    rf_dropout_args a = {.batch = 1, .n = COUNT, .p = p, .layer = layer, .key = keys, .seed = seeds, .x = ones, .y = y};
    rf__ref_dropout(&a, 0, 1, NULL);
}

/* Rates within 5 deviations of a binomial; masks of other samples, layers and seeds agree as often as chance has it. */
static void dropout_masks(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    static float base[COUNT], other[COUNT];
    run_dropout(base, 1, 2, 3, 0.25f);
    int kept = 0;
    for (int i = 0; i < COUNT; i++) {
        kept += base[i] != 0;
        assert_true(base[i] == 0 || fabsf(base[i] - 4.0f / 3) < 1e-6f);
    }
    assert_in_range(kept, 15000 - 306, 15000 + 306); /* sd 61 */
    for (int which = 0; which < 3; which++) {
        run_dropout(other, which == 0 ? 2 : 1, which == 1 ? 3 : 2, which == 2 ? 4 : 3, 0.25f);
        int same = 0;
        for (int i = 0; i < COUNT; i++) same += (base[i] != 0) == (other[i] != 0);
        assert_in_range(same, 12500 - 342, 12500 + 342); /* 0.75^2 + 0.25^2 = 0.625; sd 68 */
    }
    run_dropout(other, 1, 2, 3, 0.25f);
    assert_memory_equal(base, other, sizeof base);
}

static void pooling(void **state) {
    (void)state;
    enum { H = 5, W = 4, CH = 2, OH = 3, OW = 2, LARGE = H * W * CH, SMALL = OH * OW * CH };
    for (int form = 0; form < 4; form++) { /* bits: max, count_pad */
        float x[LARGE], y[SMALL], dy[SMALL], dx[LARGE];
        for (int i = 0; i < LARGE; i++) x[i] = (float)(i * 17 % LARGE) * 0.1f; /* all different: the arg max does not move */
        randomise(dy, SMALL, 0, 1);
        rf_pool_args a = {.batch = 1, .h = H, .w = W, .channels = CH, .oh = OH, .ow = OW, .size = 3, .stride = 2, .pad = 1,
                          .max = form & 1, .count_pad = form & 2, .x = x, .y = y, .dy = dy, .dx = dx};
        rf__ref_pool(&a, 0, 1, NULL);
        double corner = form & 1 ? fmax(fmax((double)x[0], (double)x[CH]), fmax((double)x[W * CH], (double)x[(W + 1) * CH]))
                                 : ((double)x[0] + (double)x[CH] + (double)x[W * CH] + (double)x[(W + 1) * CH]) / (form & 2 ? 9 : 4);
        close_to((double)y[0], corner, 1e-6, "pool, corner", form);
        rf__ref_pool_bwd(&a, 0, 1, NULL);
        check_gradient(&(probe){rf__ref_pool, &a, 1, y, dy, SMALL}, x, dx, LARGE, "pool dx");
    }
}

static void cross_entropy(void **state) {
    (void)state;
    enum { ROWS = 3, CLASSES = 5 };
    float x[ROWS * CLASSES], loss[ROWS], weight[ROWS], dx[ROWS * CLASSES];
    int32_t label[ROWS] = {4, 0, 2};
    randomise(x, ROWS * CLASSES, 0, 3);
    randomise(weight, ROWS, 0, 1);
    rf_xent_args a = {.batch = ROWS, .classes = CLASSES, .x = x, .label = label, .loss = loss, .dloss = weight, .dx = dx};
    rf__ref_xent(&a, 0, ROWS, NULL);
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++) sum += exp((double)x[r * CLASSES + c]);
        close_to((double)loss[r], -log(exp((double)x[r * CLASSES + label[r]]) / sum), 1e-6, "xent", r);
    }
    rf__ref_xent_bwd(&a, 0, ROWS, NULL);
    check_gradient(&(probe){rf__ref_xent, &a, ROWS, loss, weight, ROWS}, x, dx, ROWS * CLASSES, "xent dx");
}

static void embedding(void **state) {
    (void)state;
    enum { ROWS = 4, ENTRIES = 3, CH = 2 };
    float table[ENTRIES * CH], y[ROWS * CH], dy[ROWS * CH], dtable[ENTRIES * CH] = {0};
    int32_t index[ROWS] = {2, 0, 2, 2};
    randomise(table, ENTRIES * CH, 0, 1);
    randomise(dy, ROWS * CH, 0, 1);
    rf_embed_args a = {.batch = ROWS, .entries = ENTRIES, .channels = CH, .index = index, .table = table, .dy = dy, .y = y, .dtable = dtable};
    rf__ref_embed_bwd(&a, 0, 1, NULL);
    check_gradient(&(probe){rf__ref_embed, &a, ROWS, y, dy, ROWS * CH}, table, dtable, ENTRIES * CH, "embed dtable");
}

static void bf16_rounds_to_even(void **state) {
    (void)state;
    /* 1 + 2^-8 lies half-way between 1 and 1 + 2^-7: to even; a little more goes up; NaN stays NaN, overflow is infinite */
    float x[5] = {0x1.01p0f, 0x1.010002p0f, 0x1.03p0f, NAN, 0x1.fffffep127f}, back[5];
    uint16_t narrow[5];
    rf__ref_cast(&(rf_map_args){.dtype = RF_F32, .y_dtype = RF_BF16, .x = x, .y = narrow}, 0, 5, NULL);
    rf__ref_cast(&(rf_map_args){.dtype = RF_BF16, .y_dtype = RF_F32, .x = narrow, .y = back}, 0, 5, NULL);
    assert_true(back[0] == 1.0f && back[1] == 0x1.02p0f && back[2] == 0x1.04p0f && isnan(back[3]) && isinf(back[4]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations), cmocka_unit_test(adam_follows_the_paper),
        cmocka_unit_test(rows), cmocka_unit_test(resampling_is_adjoint), cmocka_unit_test(patches_by_hand),
        cmocka_unit_test(time_features_by_formula), cmocka_unit_test(time_map_by_formula), cmocka_unit_test(dropout_masks), cmocka_unit_test(pooling),
        cmocka_unit_test(cross_entropy), cmocka_unit_test(embedding), cmocka_unit_test(bf16_rounds_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
