/* conv_dw_test.c - weight gradients of every provider and instruction set against provider "ref". */
#include "conv_trial.h"

/* One unit at a time (piece 1) must give the same bits as all at once (piece 0) where the provider is exact. */
static float *run_dw(const rf_conv_provider *p, const rf_conv_dw_args *args, const float *start, int64_t weights,
                     int64_t piece, float *dbias) {
    rf_conv_dw_args a = *args;
    a.dw = canary_buffer(weights * sizeof(float));
    memcpy(a.dw, start, weights * sizeof(float));
    for (int i = 0; i < a.cout; i++) dbias[i] = 0.25f * (float)i;
    a.dbias = args->dbias ? dbias : NULL;
    if (p->dw_state_prepare) assert_int_equal(p->dw_state_prepare(&a), RF_OK);
    size_t shared = p->dw_shared(&a), scratch_bytes = p->dw_scratch(&a);
    void *scratch = canary_buffer(scratch_bytes);
    a.shared = canary_buffer(shared);
    int64_t prepare = p->dw_prepare_units(&a), units = p->dw_units(&a);
    for (int64_t u = prepare - 1; u >= 0; u--) p->dw_prepare(&a, u, u + 1, scratch);
    check_canary(a.shared, shared, "shared");
    if (!piece) piece = units;
    for (int64_t u = 0; u < units; u += piece) p->conv_dw(&a, u, u + piece < units ? u + piece : units, scratch);
    check_canary(a.dw, weights * sizeof(float), "dw");
    check_canary(scratch, scratch_bytes, "scratch");
    if (p->state_free) p->state_free(a.provider_state);
    rf__free(a.shared);
    rf__free(scratch);
    return a.dw;
}

/* Sums of |dy| |x|, by the reference on absolute values. */
static float *dw_magnitude(const rf_conv_dw_args *args, int64_t weights, float *dbias) {
    rf_conv_dw_args a = *args;
    int64_t inputs = a.batch * a.h * a.w * a.cin, outputs = a.batch * a.oh * a.ow * a.cout;
    float *x = rf__alloc_array(inputs, 4), *dy = rf__alloc_array(outputs, 4), *zero = rf__alloc_array(weights, 4);
    for (int64_t i = 0; i < inputs; i++) x[i] = fabsf(rf__get(a.dtype, a.x, i));
    for (int64_t i = 0; i < outputs; i++) dy[i] = fabsf(rf__get(a.dtype, a.dy, i));
    a.dtype = RF_F32;
    a.x = x;
    a.dy = dy;
    float *sum = run_dw(&ref.conv, &a, zero, weights, 0, dbias);
    rf__free(x);
    rf__free(dy);
    rf__free(zero);
    return sum;
}

static void check_close(const char *name, const rf_conv_dw_args *a, const char *what, const float *got,
                        const float *want, const float *magnitude, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= SUM_TOLERANCE * (magnitude[i] + 4)))
            fail_msg("%s: %s of %s %lldx%dx%dx%d -> %d k%dx%d s%d p%d,%d: element %lld is %g, expected %g", name, what,
                     a->dtype == RF_BF16 ? "bf16" : "f32", (long long)a->batch, a->h, a->w, a->cin, a->cout, a->kh,
                     a->kw, a->stride, a->pad_h, a->pad_w, (long long)i, got[i], want[i]);
}

static void check_dw(const conv_case *c) {
    for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++) {
        float bias[3][256];
        rf_conv_dw_args a = {.dtype = dtype, .batch = c->batch, .h = c->h, .w = c->w, .cin = c->cin, .cout = c->cout,
                             .kh = c->kernel, .kw = width_of(c), .stride = c->stride, .pad_h = c->pad,
                             .pad_w = pad_w_of(c)};
        a.oh = out_height(c);
        a.ow = out_width(c);
        a.dbias = c->epilogue & BIAS ? bias[0] : NULL;
        int64_t weights = (int64_t)a.cin * a.cout * a.kh * a.kw;
        a.x = random_buffer(dtype, a.batch * a.h * a.w * a.cin);
        a.dy = random_buffer(dtype, a.batch * a.oh * a.ow * a.cout);
        float *start = random_buffer(RF_F32, weights);
        float *magnitude = dw_magnitude(&a, weights, bias[2]), *want = run_dw(&ref.conv, &a, start, weights, 0, bias[0]);
        for (int i = 0; i < variant_count; i++) {
            const rf_conv_provider *p = &variants[i].table.conv;
            float cut_bias[256];
            float *got = run_dw(p, &a, start, weights, 0, bias[1]), *cut = run_dw(p, &a, start, weights, 1, cut_bias);
            check_close(variants[i].name, &a, "dw", got, want, magnitude, weights);
            check_close(variants[i].name, &a, "dbias", bias[1], bias[0], bias[2], a.cout);
            if (p->exact) assert_memory_equal(got, cut, weights * sizeof(float));
            if (p->exact) assert_memory_equal(bias[1], cut_bias, a.cout * sizeof(float));
            rf__free(got);
            rf__free(cut);
        }
        rf__free(start);
        rf__free(magnitude);
        rf__free(want);
        rf__free((void *)a.x);
        rf__free((void *)a.dy);
    }
}

static void dw_shapes(void **state) {
    (void)state;
    const conv_case cases[] = {
        {2, 8, 8, 16, 16, 3, 1, 1, 1, false, BIAS}, {3, 8, 8, 3, 64, 3, 1, 1, 1, false, BIAS},
        {5, 7, 9, 1, 5, 3, 1, 1, 1, false, 0},      {3, 6, 6, 64, 3, 3, 1, 1, 1, false, BIAS},
        {2, 9, 9, 33, 20, 3, 2, 1, 1, false, BIAS}, {1, 8, 8, 70, 7, 7, 1, 3, 1, false, 0},
        {1, 1, 37, 48, 96, 1, 1, 0, 1, false, BIAS}, {65, 1, 1, 17, 130, 1, 1, 0, 1, false, BIAS},
        {1, 6, 5, 65, 31, 1, 2, 0, 1, false, 0},    {3, 11, 11, 5, 12, 7, 2, 2, 1, false, BIAS},
        {1, 3, 300, 18, 9, 3, 1, 2, 1, false, BIAS}, {2, 4, 4, 20, 20, 4, 4, 0, 1, false, 0},
        {1, 1, 300, 16, 6, 1, 1, 0, 1, false, BIAS}, {5, 8, 1, 12, 62, 2, 2, 1, 1, false, 0},
        {2, 9, 8, 20, 33, 1, 1, 0, 1, false, BIAS, 7, 3}, {3, 9, 8, 33, 20, 7, 1, 3, 1, false, BIAS, 1, 0},
        {2, 7, 9, 3, 20, 5, 2, 2, 1, false, 0, 3, 1},     {2, 6, 6, 20, 34, 1, 1, 1, 1, false, BIAS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_dw(&cases[i]);
}

static void dw_random_shapes(void **state) {
    (void)state;
    for (int i = 0; i < 40; i++) {
        conv_case c = random_case();
        c.stride = 1 + (int)(random_bits() % 2);
        c.epilogue = random_bits() & BIAS;
        if (i % 4 == 0) c.kw = 1 + (int)(random_bits() % 4), c.pad_w = (int)(random_bits() % (unsigned)c.kw);
        if (c.h + 2 * c.pad < c.kernel || c.w + 2 * pad_w_of(&c) < width_of(&c)) continue;
        check_dw(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dw_shapes),
        cmocka_unit_test(dw_random_shapes),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
