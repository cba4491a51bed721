/* kernels_test.c - the memory-bound kernels of every instruction set against plain C. (Norms, convolution and attention
 * have tests of their own; plain C itself is judged in ref/memory_test.c.) */
#include "kernels_trial.h"

/* One elementwise kernel; where: 0 a fresh y, 1 y over x, 2 y over z. */
static void judge_map(rf_kernel_id id, rf_map_args a, int64_t n, bool two, int where) {
    TRIAL(act, a.dtype, n, "%s n %d act %d place %d", kernel_names[id], (int)n, a.act, where);
    t.kernel = id;
    a.x = add(&t, a.dtype, n, where == 1, 0, id == RF_K_act || id == RF_K_act_bwd ? 12 : 2);
    if (two) a.z = where == 2 ? out(&t, a.dtype, n) : in(&t, a.dtype, n);
    a.y = where == 0 ? out(&t, a.y_dtype, n) : where == 1 ? (void *)(uintptr_t)a.x : (void *)(uintptr_t)a.z;
    t.args = &a;
    judge(&t);
}

static void maps(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, 7, 16, 63, 64, 130, 1037};
    for (int s = 0; s < COUNT(sizes); s++)
        EACH_DTYPE for (int where = 0; where < 3; where++) {
            rf_map_args a = {.dtype = dtype, .y_dtype = dtype, .a = 0.7f, .b = -1.3f};
            judge_map(RF_K_mul, a, sizes[s], true, where);
            judge_map(RF_K_axpby, a, sizes[s], true, where);
            if (where < 2) judge_map(RF_K_axpby, a, sizes[s], false, where);
            for (a.act = RF_ACT_NONE; a.act <= RF_ACT_SIGMOID; a.act++) {
                if (where < 2) judge_map(RF_K_act, a, sizes[s], false, where);
                judge_map(RF_K_act_bwd, a, sizes[s], true, where);
            }
            if (where) continue;
            for (a.act = RF_ACT_NONE, a.y_dtype = RF_F32; a.y_dtype <= RF_BF16; a.y_dtype++) judge_map(RF_K_cast, a, sizes[s], false, 0);
        }
}

static void adam(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, 16, 37, 1000};
    for (int s = 0; s < COUNT(sizes); s++)
        for (int ema = 0; ema < 2; ema++) {
            int64_t n = sizes[s];
            TRIAL(adam, RF_F32, n, "n %d ema %d", (int)n, ema);
            rf_adam_args a = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f, .decay = 0.1f, .c1 = 5.2f, .c2 = 500.0f,
                              .grad_scale = 0.3f, .ema_beta = 0.97f};
            a.w = out(&t, RF_F32, n);
            a.m = out(&t, RF_F32, n);
            a.v = add(&t, RF_F32, n, true, 1, 0.9f);
            a.g = in(&t, RF_F32, n);
            if (ema) a.ema = out(&t, RF_F32, n);
            t.args = &a;
            judge(&t);
        }
}

static const struct row_shape {
    int batch, rows, channels;
} row_shapes[] = {{3, 1, 64}, {2, 600, 3}, {1, 50, 100}, {2, 16, 1200}, {5, 33, 16}, {2, 4, 257}};

/* form: bit 0 gate, 1 shift, 2 residual, 3 one_plus, 4 one vector for all images, 5 in place */
static void row_affines(void **state) {
    (void)state;
    for (int s = 0; s < COUNT(row_shapes); s++)
        EACH_DTYPE for (int form = 0; form < 64; form++) {
            const struct row_shape *c = &row_shapes[s];
            int64_t n = (int64_t)c->batch * c->rows * c->channels, stride = form & 16 ? 0 : c->channels + 1;
            int64_t vectors = (c->batch - 1) * stride + c->channels;
            TRIAL(row_affine, dtype, c->batch, "%dx%dx%d form %d", c->batch, c->rows, c->channels, form);
            rf_row_affine_args a = {.dtype = dtype, .batch = c->batch, .rows = c->rows, .channels = c->channels,
                                    .one_plus = form & 8, .gate_stride = stride, .shift_stride = stride};
            a.x = add(&t, dtype, n, form & 32, 0, 2);
            if (form & 1) a.gate = in(&t, RF_F32, vectors);
            if (form & 2) a.shift = in(&t, RF_F32, vectors);
            if (form & 4) a.residual = in(&t, dtype, n);
            a.y = form & 32 ? (void *)(uintptr_t)a.x : out(&t, dtype, n);
            t.args = &a;
            judge(&t);
        }
}

static void row_reduces(void **state) {
    (void)state;
    for (int s = 0; s < COUNT(row_shapes); s++)
        EACH_DTYPE for (int form = 0; form < 4; form++) {
            const struct row_shape *c = &row_shapes[s];
            int64_t n = (int64_t)c->batch * c->rows * c->channels;
            TRIAL(row_reduce, dtype, c->batch, "%dx%dx%d form %d", c->batch, c->rows, c->channels, form);
            rf_row_reduce_args a = {.dtype = dtype, .batch = c->batch, .rows = c->rows, .channels = c->channels, .a = 0.5f,
                                    .accumulate = form & 1, .y_stride = c->channels + 3};
            a.x = in(&t, dtype, n);
            if (form & 2) a.z = in(&t, dtype, n);
            a.y = out(&t, RF_F32, (c->batch - 1) * a.y_stride + c->channels);
            t.args = &a;
            judge(&t);
        }
}

static void factors_and_sums(void **state) {
    (void)state;
    static const struct {
        int64_t batch, n;
    } shapes[] = {{3, 1}, {2, 100}, {1, 1024}, {4, 1029}, {2, 5000}, {1, 70001}};
    for (int s = 0; s < COUNT(shapes); s++)
        EACH_DTYPE for (int two = 0; two < 2; two++) {
            int64_t n = shapes[s].batch * shapes[s].n;
            for (int k = 0; k < 3; k++) {
                static const rf_kernel_id ids[] = {RF_K_scale_rows, RF_K_dot_rows, RF_K_sum};
                TRIAL(sum, dtype, ids[k] == RF_K_sum ? 1 : shapes[s].batch, "%s %dx%d two %d", kernel_names[ids[k]],
                      (int)shapes[s].batch, (int)shapes[s].n, two);
                t.kernel = ids[k];
                rf_rows_args a = {.dtype = dtype, .batch = shapes[s].batch, .n = shapes[s].n, .a = 0.25f};
                a.x = add(&t, dtype, n, false, 1, 2); /* mean 1: a sum near 0 would have no largest value to compare with */
                if (two) a.z = add(&t, dtype, n, false, 1, 2);
                if (k == 0) a.s = in(&t, RF_F32, shapes[s].batch), a.y = out(&t, dtype, n);
                else a.out = out(&t, RF_F32, shapes[s].batch);
                t.args = &a;
                judge(&t);
            }
        }
}

static void resampling(void **state) {
    (void)state;
    static const struct {
        int batch, h, w, channels;
    } shapes[] = {{2, 4, 4, 64}, {1, 1, 1, 1}, {3, 5, 3, 3}, {2, 7, 7, 100}, {1, 2, 3, 17}};
    for (int s = 0; s < COUNT(shapes); s++)
        EACH_DTYPE for (int up = 0; up < 2; up++) {
            int64_t n = (int64_t)shapes[s].batch * shapes[s].h * shapes[s].w * shapes[s].channels;
            TRIAL(up2, dtype, shapes[s].batch, "%dx%dx%dx%d up %d", shapes[s].batch, shapes[s].h, shapes[s].w, shapes[s].channels, up);
            t.kernel = up ? RF_K_up2 : RF_K_down2;
            rf_resample_args a = {.dtype = dtype, .batch = shapes[s].batch, .h = shapes[s].h, .w = shapes[s].w,
                                  .channels = shapes[s].channels, .scale = up ? 0.7f : 0.25f};
            a.x = in(&t, dtype, up ? n : 4 * n);
            a.y = out(&t, dtype, up ? 4 * n : n);
            t.args = &a;
            judge(&t);
        }
}

static void bilinear(void **state) {
    (void)state;
    static const struct {
        int batch, h, w, oh, ow, channels;
    } shapes[] = {{2, 4, 4, 9, 7, 3}, {1, 1, 1, 5, 4, 1}, {3, 5, 3, 5, 3, 20}, {1, 9, 11, 4, 3, 2}};
    for (int s = 0; s < COUNT(shapes); s++)
        EACH_DTYPE for (int form = 0; form < 4; form++) { /* bits: corner, backward */
            rf_resize_args a = {.dtype = dtype, .batch = shapes[s].batch, .h = shapes[s].h, .w = shapes[s].w, .oh = shapes[s].oh,
                                .ow = shapes[s].ow, .channels = shapes[s].channels, .corner = form & 1};
            int64_t from = a.batch * a.h * a.w * a.channels, to = a.batch * a.oh * a.ow * a.channels;
            TRIAL(resize, dtype, a.batch, "%dx%d to %dx%d form %d", a.h, a.w, a.oh, a.ow, form);
            t.kernel = form & 2 ? RF_K_resize_bwd : RF_K_resize;
            if (form & 2) a.dy = in(&t, dtype, to), a.dx = out(&t, dtype, from);
            else a.x = in(&t, dtype, from), a.y = out(&t, dtype, to);
            t.args = &a;
            judge(&t);
        }
}

static void copies(void **state) {
    (void)state;
    static const struct {
        int64_t rows, cols, x_gap, y_gap;
    } shapes[] = {{1, 1, 0, 0}, {40, 64, 0, 64}, {9, 33, 5, 2}, {7, 1000, 0, 3}, {100, 3, 1, 4}, {12, 16, 16, 0}};
    for (int s = 0; s < COUNT(shapes); s++)
        EACH_DTYPE for (int accumulate = 0; accumulate < 2; accumulate++) {
            int64_t rows = shapes[s].rows, cols = shapes[s].cols;
            TRIAL(copy, dtype, rows, "%dx%d accumulate %d", (int)rows, (int)cols, accumulate);
            rf_copy_args a = {.dtype = dtype, .rows = rows, .cols = cols, .x_stride = cols + shapes[s].x_gap,
                              .y_stride = cols + shapes[s].y_gap, .accumulate = accumulate};
            a.x = in(&t, dtype, (rows - 1) * a.x_stride + cols);
            a.y = out(&t, dtype, (rows - 1) * a.y_stride + cols);
            t.args = &a;
            judge(&t);
        }
}

static void patches(void **state) {
    (void)state;
    static const struct {
        int batch, h, w, channels, patch;
    } shapes[] = {{2, 8, 8, 4, 2}, {1, 6, 9, 3, 3}, {3, 4, 4, 1, 1}, {1, 8, 4, 5, 4}};
    for (int s = 0; s < COUNT(shapes); s++)
        EACH_DTYPE for (int form = 0; form < 4; form++) {
            int64_t n = (int64_t)shapes[s].batch * shapes[s].h * shapes[s].w * shapes[s].channels;
            TRIAL(patch, dtype, shapes[s].batch, "%dx%dx%dx%d patch %d form %d", shapes[s].batch, shapes[s].h, shapes[s].w,
                  shapes[s].channels, shapes[s].patch, form);
            rf_patch_args a = {.dtype = dtype, .batch = shapes[s].batch, .h = shapes[s].h, .w = shapes[s].w,
                               .channels = shapes[s].channels, .patch = shapes[s].patch, .channel_first = form & 1, .inverse = form & 2};
            a.x = in(&t, dtype, n);
            a.y = out(&t, dtype, n);
            t.args = &a;
            judge(&t);
        }
}

static void dropouts(void **state) {
    (void)state;
    static const struct {
        int batch, n;
        float p;
        uint32_t layer;
    } shapes[] = {{3, 1000, 0.1f, 0}, {2, 64, 0.5f, 7}, {1, 1, 0.3f, 1u << 20}, {4, 67, 0.9f, 3}, {2, 200, 0, 5}};
    for (int s = 0; s < COUNT(shapes); s++)
        EACH_DTYPE {
            int64_t n = (int64_t)shapes[s].batch * shapes[s].n;
            TRIAL(dropout, dtype, shapes[s].batch, "%dx%d p %g", shapes[s].batch, shapes[s].n, (double)shapes[s].p);
            rf_dropout_args a = {.dtype = dtype, .batch = shapes[s].batch, .n = shapes[s].n, .p = shapes[s].p, .layer = shapes[s].layer};
            a.key = in(&t, RF_I32, 2 * shapes[s].batch);
            a.seed = in(&t, RF_I32, 2);
            a.x = in(&t, dtype, n);
            a.y = out(&t, dtype, n);
            t.args = &a;
            judge(&t);
        }
}

static void pools(void **state) {
    (void)state;
    static const struct {
        int batch, h, w, channels, size, stride, pad, extra; /* extra: windows that reach beyond the image (ceil mode) */
    } shapes[] = {{2, 8, 8, 32, 2, 2, 0}, {1, 9, 7, 5, 3, 2, 1}, {3, 5, 5, 20, 3, 1, 1}, {1, 8, 8, 64, 8, 8, 0}, {2, 6, 8, 20, 3, 2, 0, 1}};
    for (int s = 0; s < COUNT(shapes); s++)
        EACH_DTYPE for (int form = 0; form < 8; form++) { /* bits: max, count_pad, backward */
            int size = shapes[s].size, stride = shapes[s].stride, pad = shapes[s].pad;
            rf_pool_args a = {.dtype = dtype, .batch = shapes[s].batch, .h = shapes[s].h, .w = shapes[s].w,
                              .channels = shapes[s].channels, .size = size, .stride = stride, .pad = pad, .max = form & 1,
                              .count_pad = form & 2, .oh = (shapes[s].h + 2 * pad - size) / stride + 1 + shapes[s].extra,
                              .ow = (shapes[s].w + 2 * pad - size) / stride + 1 + shapes[s].extra};
            int64_t large = a.batch * a.h * a.w * a.channels, small = a.batch * a.oh * a.ow * a.channels;
            TRIAL(pool, dtype, a.batch, "%dx%dx%d size %d stride %d form %d", a.h, a.w, a.channels, size, stride, form);
            t.kernel = form & 4 ? RF_K_pool_bwd : RF_K_pool;
            a.x = in(&t, dtype, large);
            if (form & 4) a.dy = in(&t, dtype, small), a.dx = out(&t, dtype, large);
            else a.y = out(&t, dtype, small);
            t.args = &a;
            judge(&t);
        }
}

/* Labels or rows of a table, below `bound`. */
static int32_t *indices(trial *t, int64_t n, uint32_t bound) {
    int32_t *index = in(t, RF_I32, n);
    for (int64_t i = 0; i < n; i++) index[i] = (int32_t)(random_bits() % bound);
    memcpy(t->buffers[t->count - 1].start, index, (size_t)n * sizeof *index);
    return index;
}

static void embeddings(void **state) {
    (void)state;
    enum { BATCH = 9, ENTRIES = 5, CHANNELS = 19 };
    for (int backward = 0; backward < 2; backward++) {
        TRIAL(embed, RF_F32, backward ? 1 : BATCH, "backward %d", backward);
        t.kernel = backward ? RF_K_embed_bwd : RF_K_embed;
        rf_embed_args a = {.batch = BATCH, .entries = ENTRIES, .channels = CHANNELS};
        a.index = indices(&t, BATCH, ENTRIES);
        if (backward) a.dy = in(&t, RF_F32, BATCH * CHANNELS), a.dtable = out(&t, RF_F32, ENTRIES * CHANNELS);
        else a.table = in(&t, RF_F32, ENTRIES * CHANNELS), a.y = out(&t, RF_F32, BATCH * CHANNELS);
        t.args = &a;
        judge(&t);
    }
}

static void time_features(void **state) {
    (void)state;
    for (int form = 0; form < 4; form++) {
        TRIAL(time_features, RF_F32, 7, "form %d", form);
        rf_time_args a = {.batch = 7, .channels = 20, .scale = 1000, .max_period = 10000, .shift = 1, .sin_first = form & 1};
        if (form & 2) a.frequency = in(&t, RF_F32, 10);
        a.t = add(&t, RF_F32, 7, false, 0.5f, 0.5f);
        a.y = out(&t, RF_F32, 7 * 20);
        t.args = &a;
        judge(&t);
    }
}

static double half_and_twice(double t, const float *with) { return (double)with[0] + (double)with[1] * t; }

static void time_maps(void **state) {
    (void)state;
    TRIAL(time_map, RF_F32, 9, "%d rows", 9);
    rf_time_map_args a = {.batch = 9, .of = half_and_twice, .with = {0.5f, 2}};
    a.t = add(&t, RF_F32, 9, false, 0.5f, 0.5f);
    a.y = out(&t, RF_F32, 9);
    t.args = &a;
    judge(&t);
}

static void cross_entropies(void **state) {
    (void)state;
    enum { BATCH = 6, CLASSES = 11 };
    for (int backward = 0; backward < 2; backward++) {
        TRIAL(xent, RF_F32, BATCH, "backward %d", backward);
        t.kernel = backward ? RF_K_xent_bwd : RF_K_xent;
        rf_xent_args a = {.batch = BATCH, .classes = CLASSES};
        a.x = in(&t, RF_F32, BATCH * CLASSES);
        a.label = indices(&t, BATCH, CLASSES);
        if (backward) a.dloss = in(&t, RF_F32, BATCH), a.dx = out(&t, RF_F32, BATCH * CLASSES);
        else a.loss = out(&t, RF_F32, BATCH);
        t.args = &a;
        judge(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps), cmocka_unit_test(adam), cmocka_unit_test(row_affines),
        cmocka_unit_test(row_reduces), cmocka_unit_test(factors_and_sums), cmocka_unit_test(resampling), cmocka_unit_test(bilinear),
        cmocka_unit_test(copies), cmocka_unit_test(patches), cmocka_unit_test(dropouts), cmocka_unit_test(pools), cmocka_unit_test(embeddings),
        cmocka_unit_test(time_features), cmocka_unit_test(time_maps), cmocka_unit_test(cross_entropies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
