/* conv_int8_test.c - dense layers in whole numbers: plain C against a formula in double, every instruction set against plain C. */
#include "conv_trial.h"

typedef struct bytes_case {
    rf_conv_args args;
    float *weights;
    int64_t inputs, outputs;
    uint16_t *x;
    uint8_t *q;
    float *x_scale;
} bytes_case;

/* Bytes and scales of x by one table's kernels, in pieces of `piece` pixels. */
static void quantise(const rf_kernels *table, bytes_case *t, int64_t piece) {
    const rf_conv_args *a = &t->args;
    const int64_t pixels = a->batch * a->h * a->w, group = a->x_group == 1 ? 1 : a->h * a->w;
    rf_quantise_args q = {.pixels = pixels, .group = group, .channels = a->cin, .x = t->x, .q = t->q, .scale = t->x_scale};
    q.peak = group > 1 ? rf__alloc_array((size_t)pixels, sizeof(float)) : NULL;
    for (int64_t p = 0; group > 1 && p < pixels; p += piece)
        table->fn[RF_K_peak](&q, p, p + piece < pixels ? p + piece : pixels, NULL);
    for (int64_t p = 0; p < pixels; p += piece) table->fn[RF_K_quantise](&q, p, p + piece < pixels ? p + piece : pixels, NULL);
    rf__free(q.peak);
}

static bytes_case make(const conv_case *c) {
    bytes_case t = {.args = {.dtype = RF_INT8, .y_dtype = c->epilogue & WIDE ? RF_F32 : RF_BF16, .batch = c->batch, .h = c->h, .w = c->w,
                             .cin = c->cin, .oh = out_height(c), .ow = out_width(c), .cout = c->cout, .kh = c->kernel, .kw = width_of(c),
                             .stride = c->stride, .pad_h = c->pad, .pad_w = pad_w_of(c), .dilate = 1, .scale = 1, .residual_scale = 1}};
    rf_conv_args *a = &t.args;
    bool one = a->kh == 1 && a->kw == 1 && a->stride == 1 && !a->pad_h && !a->pad_w;
    a->x_group = one ? 1 : (int64_t)a->oh * a->ow;
    t.inputs = a->batch * a->h * a->w * a->cin;
    t.outputs = a->batch * a->oh * a->ow * a->cout;
    t.x = random_buffer(RF_BF16, t.inputs);
    t.q = canary_buffer((size_t)t.inputs);
    t.x_scale = rf__alloc_array((size_t)(a->batch * a->h * a->w), sizeof(float));
    t.weights = random_buffer(RF_F32, (int64_t)a->cin * a->cout * a->kh * a->kw);
    random_epilogue(c, a, t.outputs);
    quantise(&ref, &t, 1000000);
    check_canary(t.q, (size_t)t.inputs, "q");
    a->x = t.q;
    a->x_scale = t.x_scale;
    return t;
}

static void drop(bytes_case *t) {
    rf__free(t->x);
    rf__free(t->q);
    rf__free(t->x_scale);
    rf__free(t->weights);
    rf__free((void *)t->args.bias);
    rf__free((void *)t->args.rows);
    rf__free((void *)t->args.gate);
    rf__free((void *)t->args.residual);
}

static void *run(const rf_conv_provider *p, const bytes_case *t, int64_t piece) {
    rf_conv_args a = t->args;
    rf_pack_args k = {.dtype = RF_INT8, .cin = a.cin, .cout = a.cout, .kh = a.kh, .kw = a.kw, .w = t->weights};
    size_t packed_bytes = p->packed_size(&k), bytes = (size_t)t->outputs * rf__dtype_size(a.y_dtype), scratch_bytes = p->conv_scratch(&a);
    k.packed = canary_buffer(packed_bytes);
    for (int64_t u = p->pack_units(&k) - 1; u >= 0; u--) p->pack(&k, u, u + 1, NULL);
    check_canary(k.packed, packed_bytes, p->name);
    a.packed = k.packed;
    a.y = canary_buffer(bytes);
    void *scratch = canary_buffer(scratch_bytes);
    int64_t units = p->conv_units(&a);
    if (!piece) piece = units;
    for (int64_t u = 0; u < units; u += piece) p->conv(&a, u, u + piece < units ? u + piece : units, scratch);
    check_canary(scratch, scratch_bytes, "scratch");
    check_canary(a.y, bytes, "y");
    rf__free(scratch);
    rf__free(k.packed);
    return a.y;
}

static const conv_case cases[] = {
    {2, 8, 8, 16, 16, 3, 1, 1, 1, false, BIAS | WIDE},   {1, 1, 9, 36, 130, 1, 1, 0, 1, false, WIDE},
    {2, 9, 7, 20, 19, 3, 2, 1, 1, false, BIAS | WIDE},   {1, 20, 20, 32, 64, 3, 1, 1, 1, false, BIAS | WIDE},
    {3, 3, 3, 48, 112, 3, 1, 1, 1, false, BIAS},         {1, 6, 6, 20, 70, 1, 1, 1, 1, false, WIDE}, /* a border of zeros */
    {2, 6, 6, 16, 32, 1, 2, 0, 1, false, BIAS | WIDE},   {1, 4, 4, 64, 70, 2, 2, 0, 1, false, BIAS},
    {2, 9, 8, 20, 33, 1, 1, 0, 1, false, WIDE, 7, 3},    {1, 2, 2, 128, 33, 3, 1, 1, 1, false, WIDE},
    {2, 1, 130, 40, 200, 1, 1, 0, 1, false, WIDE},       {16, 1, 1, 32, 80, 1, 1, 0, 1, false, BIAS},
};
enum { CASES = sizeof cases / sizeof *cases };

static float plain_value(const bytes_case *t, int64_t i) {
    const rf_conv_args *a = &t->args;
    int64_t co = i % a->cout, pixel = i / a->cout, b = pixel / (a->oh * a->ow);
    int oy = (int)(pixel / a->ow % a->oh), ox = (int)(pixel % a->ow);
    double sum = 0, error = 0;
    for (int ky = 0; ky < a->kh; ky++)
        for (int kx = 0; kx < a->kw; kx++) {
            int iy = oy * a->stride + ky - a->pad_h, ix = ox * a->stride + kx - a->pad_w;
            if (iy < 0 || ix < 0 || iy >= a->h || ix >= a->w) continue;
            for (int ci = 0; ci < a->cin; ci++) {
                double x = (double)rf__get(RF_BF16, t->x, ((b * a->h + iy) * a->w + ix) * a->cin + ci);
                double w = (double)t->weights[((co * a->kh + ky) * a->kw + kx) * a->cin + ci];
                sum += x * w;
                error += (fabs(x) + fabs(w) + 0.5 / 127) * 0.5 / 127; /* both rounded by half a step of at most 1/127 */
            }
        }
    double got = (double)rf__get(a->y_dtype, t->args.y, i) - (a->bias ? (double)a->bias[co] : 0);
    if (!(fabs(got - sum) <= error + (a->y_dtype == RF_BF16 ? BF16_STEP * (fabs(sum) + 1) : 1e-5)))
        fail_msg("output %lld is %g, expected %g +- %g", (long long)i, got, sum, error);
    return error > 0 ? (float)((got - sum) * (got - sum) / (error * error)) : 0; /* all taps in the border: exactly zero */
}

/* Plain C: within the rounding of its inputs of the product in double, and on the whole far inside it. */
static void int8_is_close_to_the_product(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        bytes_case t = make(&cases[i]);
        t.args.y = run(&ref.conv_int8, &t, 0);
        double share = 0;
        for (int64_t k = 0; k < t.outputs; k++) share += (double)plain_value(&t, k);
        if (t.args.y_dtype == RF_F32) assert_true(share / (double)t.outputs < 0.02);
        rf__free(t.args.y);
        drop(&t);
    }
}

/* Whole sums are the same everywhere; so are scale and bias, which are one product and one sum each. */
static void every_set_gives_the_same_bytes(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        bytes_case t = make(&cases[i]);
        const size_t bytes = (size_t)t.outputs * rf__dtype_size(t.args.y_dtype);
        void *want = run(&ref.conv_int8, &t, 0);
        for (int v = 0; v < variant_count; v++) {
            void *got = run(&variants[v].table.conv_int8, &t, 0), *cut = run(&variants[v].table.conv_int8, &t, 1);
            if (memcmp(got, want, bytes)) fail_msg("%s: case %d differs from plain C", variants[v].name, i);
            assert_memory_equal(got, cut, bytes);
            rf__free(got);
            rf__free(cut);
        }
        rf__free(want);
        drop(&t);
    }
}

/* Epilogues fuse multiply-adds and have an exponential of their own: close, not equal. */
static void epilogues(void **state) {
    (void)state;
    for (unsigned act = RF_ACT_NONE; act <= RF_ACT_SIGMOID; act++)
        for (unsigned bits = 0; bits < 64; bits += act ? 13 : 1) {
            const conv_case c = {2, 3, 3, 20, 37, 3, 1, 1, 1, false, bits | act << 8};
            bytes_case t = make(&c);
            void *want = run(&ref.conv_int8, &t, 0);
            for (int v = 0; v < variant_count; v++) {
                void *got = run(&variants[v].table.conv_int8, &t, 0);
                for (int64_t i = 0; i < t.outputs; i++) {
                    double g = (double)rf__get(t.args.y_dtype, got, i), w = (double)rf__get(t.args.y_dtype, want, i);
                    double limit = 1e-5 * (fabs(w) + 4) + (t.args.y_dtype == RF_BF16 ? BF16_STEP * fabs(w) : 0);
                    if (!(fabs(g - w) <= limit)) fail_msg("%s: epilogue %x: %g, expected %g", variants[v].name, c.epilogue, g, w);
                }
                rf__free(got);
            }
            rf__free(want);
            drop(&t);
        }
}

static void bytes_of_activations(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        bytes_case t = make(&cases[i]);
        const int64_t scales = t.args.x_group == 1 ? t.args.batch * t.args.h * t.args.w : t.args.batch;
        if (i % 3 == 1) t.x[t.inputs - 1] = 0x7fc0;                                          /* NaN */
        if (i % 3 == 2) memset(t.x, 0, (size_t)t.args.cin * 2 * t.args.h * t.args.w);         /* an image of zeros */
        quantise(&ref, &t, 1000000);
        uint8_t *want = rf__alloc((size_t)t.inputs);
        float *scale = rf__alloc_array((size_t)scales, sizeof(float));
        memcpy(want, t.q, (size_t)t.inputs);
        memcpy(scale, t.x_scale, (size_t)scales * sizeof(float));
        for (int v = 0; v < variant_count; v++)
            for (int64_t piece = 1; piece < 200; piece = piece * 7) {
                quantise(&variants[v].table, &t, piece);
                assert_memory_equal(want, t.q, (size_t)t.inputs);
                assert_memory_equal(scale, t.x_scale, (size_t)scales * sizeof(float));
                check_canary(t.q, (size_t)t.inputs, "q");
            }
        rf__free(want);
        rf__free(scale);
        drop(&t);
    }
}

static int with_vnni(void **state) {
    int failed = setup(state);
    add_variant(RF_CPU_AVX2 | RF_CPU_AVX512 | RF_CPU_AVX512_VNNI, "native");
    return failed;
}

/* A diverged network must not come out as zeros. */
static void not_a_number_shows(void **state) {
    (void)state;
    const conv_case c = {2, 4, 4, 16, 32, 3, 1, 1, 1, false, WIDE};
    bytes_case t = make(&c);
    t.x[0] = 0x7f80; /* infinity in the first image */
    for (int v = 0; v < variant_count; v++) {
        quantise(&variants[v].table, &t, 5);
        float *y = run(&variants[v].table.conv_int8, &t, 0);
        assert_true(isnan(y[0]) && isfinite(y[t.outputs - 1]));
        rf__free(y);
    }
    drop(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int8_is_close_to_the_product), cmocka_unit_test(every_set_gives_the_same_bytes),
        cmocka_unit_test(epilogues), cmocka_unit_test(bytes_of_activations), cmocka_unit_test(not_a_number_shows),
    };
    return cmocka_run_group_tests(tests, with_vnni, NULL);
}
