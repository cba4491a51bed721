/* norm_test.c - group and layer normalisation of every instruction set against plain C. */
#include "kernels_trial.h"

static const struct norm_shape {
    int batch, pixels, channels, groups;
    float mean; /* of the input: a mean of many deviations must not cost accuracy */
} group_shapes[] = {
    {2, 16, 64, 32, 0}, {3, 49, 32, 8, 0},  {1, 1, 8, 1, 0},     {2, 600, 6, 2, 0},   {2, 5, 100, 5, 3}, {1, 33, 257, 1, 0},
    {1, 17, 96, 96, 0}, {2, 64, 16, 4, 30}, {1, 7, 2304, 32, 0}, {1, 4, 2100, 1, 0},  {3, 9, 3, 1, 0},
};

static void group_norms(void **state) {
    (void)state;
    for (int s = 0; s < COUNT(group_shapes); s++)
        EACH_DTYPE for (int act = 0; act < 2; act++) {
            const struct norm_shape *c = &group_shapes[s];
            int64_t n = (int64_t)c->batch * c->pixels * c->channels;
            rf_group_norm_args a = {.dtype = dtype, .batch = c->batch, .pixels = c->pixels, .channels = c->channels,
                                    .groups = c->groups, .eps = 1e-5f, .act = act ? RF_ACT_SILU : RF_ACT_NONE};
            TRIAL(group_norm, dtype, c->batch, "%dx%dx%d groups %d act %d", c->batch, c->pixels, c->channels, c->groups, act);
            a.x = add(&t, dtype, n, false, c->mean, 2);
            a.gamma = in(&t, RF_F32, c->channels);
            a.beta = in(&t, RF_F32, c->channels);
            a.y = out(&t, dtype, n);
            a.stats = out(&t, RF_F32, 2 * c->batch * c->groups);
            t.args = &a;
            judge(&t);
        }
}

static void group_norms_backward(void **state) {
    (void)state;
    for (int s = 0; s < COUNT(group_shapes); s++)
        EACH_DTYPE for (int act = 0; act < 2; act++) {
            const struct norm_shape *c = &group_shapes[s];
            int64_t n = (int64_t)c->batch * c->pixels * c->channels;
            rf_group_norm_args a = {.dtype = dtype, .batch = c->batch, .pixels = c->pixels, .channels = c->channels,
                                    .groups = c->groups, .eps = 1e-5f, .act = act ? RF_ACT_SILU : RF_ACT_NONE};
            TRIAL(group_norm_bwd, dtype, c->batch, "%dx%dx%d groups %d act %d", c->batch, c->pixels, c->channels, c->groups, act);
            a.x = in(&t, dtype, n);
            a.gamma = in(&t, RF_F32, c->channels);
            a.beta = in(&t, RF_F32, c->channels);
            a.stats = add(&t, RF_F32, 2 * c->batch * c->groups, false, 0.9f, 0.3f); /* any mean and 1/sd: they are inputs here */
            a.dy = in(&t, dtype, n);
            a.dx = out(&t, dtype, n);
            a.partial = out(&t, RF_F32, 2 * c->batch * c->channels);
            t.args = &a;
            judge(&t);
        }
}

static const struct norm_shape layer_shapes[] = {
    {2, 16, 64, 0, 0}, {3, 5, 384, 0, 0}, {1, 3, 1, 0, 0}, {2, 7, 100, 0, 3}, {1, 33, 257, 0, 0}, {2, 9, 15, 0, 20}, {1, 2, 1500, 0, 0},
};

/* form: bit 0 mul, bit 1 shift, bit 2 one_plus, bit 3 one vector for all images */
static rf_layer_norm_args layer_args(trial *t, const struct norm_shape *c, rf_dtype dtype, int form) {
    int64_t stride = form & 8 ? 0 : c->channels + 5;
    rf_layer_norm_args a = {.dtype = dtype, .batch = c->batch, .tokens = c->pixels, .channels = c->channels, .eps = 1e-6f,
                            .one_plus = form & 4, .mul_stride = stride, .shift_stride = stride};
    int64_t vectors = (c->batch - 1) * stride + c->channels;
    a.x = add(t, dtype, (int64_t)c->batch * c->pixels * c->channels, false, c->mean, 2);
    if (form & 1) a.mul = in(t, RF_F32, vectors);
    if (form & 2) a.shift = in(t, RF_F32, vectors);
    return a;
}

static void layer_norms(void **state) {
    (void)state;
    for (int s = 0; s < COUNT(layer_shapes); s++)
        EACH_DTYPE for (int form = 0; form < 16; form++) {
            const struct norm_shape *c = &layer_shapes[s];
            TRIAL(layer_norm, dtype, c->batch, "%dx%dx%d form %d", c->batch, c->pixels, c->channels, form);
            rf_layer_norm_args a = layer_args(&t, c, dtype, form);
            a.y = out(&t, dtype, (int64_t)c->batch * c->pixels * c->channels);
            if (form & 3) a.stats = out(&t, RF_F32, 2 * c->batch * c->pixels);
            t.args = &a;
            judge(&t);
        }
}

static void layer_norms_backward(void **state) {
    (void)state;
    for (int s = 0; s < COUNT(layer_shapes); s++)
        EACH_DTYPE for (int form = 0; form < 16; form++) {
            const struct norm_shape *c = &layer_shapes[s];
            int64_t n = (int64_t)c->batch * c->pixels * c->channels;
            TRIAL(layer_norm_bwd, dtype, c->batch, "%dx%dx%d form %d", c->batch, c->pixels, c->channels, form);
            rf_layer_norm_args a = layer_args(&t, c, dtype, form);
            a.stats = add(&t, RF_F32, 2 * c->batch * c->pixels, false, 0.9f, 0.3f);
            a.dy = in(&t, dtype, n);
            a.dx = out(&t, dtype, n);
            a.partial = out(&t, RF_F32, 2 * c->batch * c->channels);
            t.args = &a;
            judge(&t);
        }
}

static void unit_norms(void **state) {
    (void)state;
    static const struct {
        int rows, channels;
    } shapes[] = {{5, 64}, {9, 384}, {3, 1}, {7, 100}, {33, 257}, {50, 15}, {2, 512}};
    for (int s = 0; s < COUNT(shapes); s++)
        EACH_DTYPE for (int backward = 0; backward < 2; backward++) {
            int64_t n = (int64_t)shapes[s].rows * shapes[s].channels;
            TRIAL(unit_norm, dtype, shapes[s].rows, "%dx%d backward %d", shapes[s].rows, shapes[s].channels, backward);
            t.kernel = backward ? RF_K_unit_norm_bwd : RF_K_unit_norm;
            rf_unit_norm_args a = {.dtype = dtype, .channels = shapes[s].channels, .eps = 1e-10f};
            char *x = in(&t, dtype, n);
            memset(x, 0, (size_t)shapes[s].channels * rf__dtype_size(dtype)); /* the first row has no direction */
            memcpy(t.buffers[0].start, x, (size_t)shapes[s].channels * rf__dtype_size(dtype));
            a.x = x;
            if (backward) a.dy = in(&t, dtype, n), a.dx = out(&t, dtype, n);
            else a.y = out(&t, dtype, n);
            t.args = &a;
            judge(&t);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_norms),
        cmocka_unit_test(group_norms_backward),
        cmocka_unit_test(layer_norms),
        cmocka_unit_test(layer_norms_backward),
        cmocka_unit_test(unit_norms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
