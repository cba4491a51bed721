/* conv_test.c - forward convolution of every provider and instruction set against provider "ref" on shaped random input. */
#include "conv_trial.h"
#include "onednn_rod.h"

typedef struct conv_data {
    rf_conv_args args;
    float *weights; /* [cout][k][k][cin], or with transposed [cin][k][k][cout] */
    int64_t outputs;
    double *magnitude; /* sum of |x| |w| of each output */
} conv_data;

static void *pack_with(const rf_conv_provider *p, const conv_data *d, const conv_case *c) {
    rf_pack_args k = {.dtype = d->args.dtype, .kh = c->kernel, .kw = width_of(c), .transposed = c->transposed};
    k.cin = c->transposed ? c->cout : c->cin;
    k.cout = c->transposed ? c->cin : c->cout;
    k.w = d->weights;
    size_t bytes = p->packed_size(&k);
    k.packed = canary_buffer(bytes);
    int64_t units = p->pack_units(&k);
    for (int64_t u = units - 1; u >= 0; u--) p->pack(&k, u, u + 1, NULL);
    check_canary(k.packed, bytes, p->name);
    return k.packed;
}

/* Run units [0, n) in pieces of `piece` (0: at once); returns y. */
static void *run_conv(const rf_conv_provider *p, const conv_data *d, const conv_case *c, int64_t piece) {
    rf_conv_args a = d->args;
    void *packed = pack_with(p, d, c);
    size_t bytes = d->outputs * rf__dtype_size(a.y_dtype);
    a.packed = packed;
    a.y = canary_buffer(bytes);
    if (p->conv_prepare) assert_int_equal(p->conv_prepare(&a), RF_OK);
    size_t scratch_bytes = p->conv_scratch(&a);
    void *scratch = canary_buffer(scratch_bytes);
    int64_t units = p->conv_units(&a);
    if (!piece) piece = units;
    for (int64_t u = 0; u < units; u += piece) p->conv(&a, u, u + piece < units ? u + piece : units, scratch);
    check_canary(scratch, scratch_bytes, "scratch");
    check_canary(a.y, bytes, "y");
    if (p->state_free) p->state_free(a.provider_state);
    rf__free(scratch);
    rf__free(packed);
    return a.y;
}

static conv_data make_conv(const conv_case *c, rf_dtype dtype) {
    conv_data d = {.args = {.dtype = dtype, .y_dtype = c->epilogue & WIDE ? RF_F32 : dtype, .batch = c->batch, .h = c->h,
                            .w = c->w, .cin = c->cin, .cout = c->cout, .kh = c->kernel, .kw = width_of(c),
                            .stride = c->stride, .pad_h = c->pad, .pad_w = pad_w_of(c), .dilate = c->dilate, .scale = 1, .residual_scale = 1}};
    rf_conv_args *a = &d.args;
    a->oh = out_height(c);
    a->ow = out_width(c);
    d.outputs = a->batch * a->oh * a->ow * a->cout;
    a->x = random_buffer(dtype, a->batch * a->h * a->w * a->cin);
    d.weights = random_buffer(RF_F32, (int64_t)a->cin * a->cout * a->kh * a->kw);
    random_epilogue(c, a, d.outputs);

    conv_data m = d;
    m.args = (rf_conv_args){.dtype = RF_F32, .y_dtype = RF_F32, .batch = c->batch, .h = c->h, .w = c->w, .cin = c->cin,
                            .oh = a->oh, .ow = a->ow, .cout = c->cout, .kh = c->kernel, .kw = width_of(c),
                            .stride = c->stride, .pad_h = c->pad, .pad_w = pad_w_of(c), .dilate = c->dilate, .scale = 1};
    int64_t inputs = a->batch * a->h * a->w * a->cin, weights = (int64_t)a->cin * a->cout * a->kh * a->kw;
    float *x = rf__alloc_array(inputs, 4), *w = rf__alloc_array(weights, 4);
    for (int64_t i = 0; i < inputs; i++) x[i] = fabsf(rf__get(dtype, a->x, i));
    for (int64_t i = 0; i < weights; i++) w[i] = fabsf(d.weights[i]);
    m.args.x = x;
    m.weights = w;
    float *sum = run_conv(&ref.conv, &m, c, 0);
    d.magnitude = rf__alloc_array(d.outputs, sizeof(double));
    for (int64_t i = 0; i < d.outputs; i++) d.magnitude[i] = sum[i];
    rf__free(sum);
    rf__free(x);
    rf__free(w);
    return d;
}

static void free_conv(conv_data *d) {
    rf__free((void *)d->args.x);
    rf__free(d->weights);
    rf__free((void *)d->args.bias);
    rf__free((void *)d->args.rows);
    rf__free((void *)d->args.gate);
    rf__free((void *)d->args.residual);
    rf__free(d->magnitude);
}

static void compare(const char *name, const conv_case *c, const conv_data *d, const void *got, const void *want) {
    for (int64_t i = 0; i < d->outputs; i++) {
        double g = rf__get(d->args.y_dtype, got, i), w = rf__get(d->args.y_dtype, want, i);
        double limit = SUM_TOLERANCE * (d->magnitude[i] + 4) + (d->args.y_dtype == RF_BF16 ? BF16_STEP * fabs(w) : 0);
        if (!(fabs(g - w) <= limit))
            fail_msg("%s: %s %dx%dx%dx%d -> %d k%dx%d s%d p%d,%d d%d%s epilogue %x: output %lld is %g, expected %g +- %g", name,
                     d->args.dtype == RF_BF16 ? "bf16" : "f32", c->batch, c->h, c->w, c->cin, c->cout, c->kernel,
                     width_of(c), c->stride, c->pad, pad_w_of(c), c->dilate, c->transposed ? " transposed" : "", c->epilogue, (long long)i, g, w,
                     limit);
    }
}

static void check_conv(const conv_case *c) {
    for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++) {
        conv_data d = make_conv(c, dtype);
        const size_t bytes = d.outputs * rf__dtype_size(d.args.y_dtype);
        void *want = run_conv(&ref.conv, &d, c, 0), *emulated = NULL;
        for (int i = 0; i < variant_count; i++) {
            const rf_conv_provider *p = &variants[i].table.conv;
            void *got = run_conv(p, &d, c, 0), *cut = run_conv(p, &d, c, 1);
            compare(variants[i].name, c, &d, got, want);
            if (p->exact) assert_memory_equal(got, cut, bytes);
            if (!strcmp(variants[i].table.isa, "amx") && emulated && p->exact) assert_memory_equal(got, emulated, bytes); /* the copy in plain C is the unit */
            if (!strcmp(variants[i].table.isa, "amx-emulated")) {
                emulated = got;
                got = NULL;
            }
            rf__free(got);
            rf__free(cut);
        }
        rf__free(want);
        rf__free(emulated);
        free_conv(&d);
    }
}

static void conv_shapes(void **state) {
    (void)state;
    const conv_case cases[] = {
        {2, 8, 8, 16, 16, 3, 1, 1, 1, false, BIAS},  {1, 7, 5, 1, 1, 3, 1, 1, 1, false, 0},
        {3, 6, 6, 3, 64, 3, 1, 1, 1, false, BIAS},   {2, 6, 6, 64, 3, 3, 1, 1, 1, false, BIAS | WIDE},
        {1, 1, 1, 70, 70, 1, 1, 0, 1, false, BIAS},  {2, 1, 9, 33, 130, 1, 1, 0, 1, false, 0},
        {2, 9, 7, 17, 19, 3, 2, 1, 1, false, BIAS},  {1, 12, 12, 5, 24, 7, 1, 3, 1, false, 0},
        {1, 11, 11, 20, 9, 7, 2, 2, 1, false, BIAS}, {2, 4, 4, 24, 40, 3, 1, 2, 2, true, 0},
        {2, 3, 5, 7, 6, 3, 1, 1, 2, true, 0},        {1, 5, 5, 31, 65, 3, 1, 1, 1, true, WIDE},
        {5, 3, 3, 48, 112, 3, 1, 1, 1, false, BIAS}, {1, 4, 4, 13, 17, 2, 2, 0, 1, false, 0},
        {1, 5, 6, 15, 33, 4, 1, 3, 3, true, BIAS},   {2, 6, 6, 8, 32, 1, 2, 0, 1, false, BIAS},
        {1, 6, 6, 22, 11, 1, 1, 0, 2, true, WIDE},   {1, 20, 20, 32, 64, 3, 1, 1, 1, false, BIAS},
        {64, 1, 1, 32, 80, 1, 1, 0, 1, false, BIAS}, {1, 1, 130, 40, 200, 1, 1, 0, 1, true, 0},
        {1, 1, 579, 64, 200, 1, 1, 0, 1, false, BIAS},
        {2, 6, 6, 3, 70, 3, 1, 1, 1, true, BIAS},    {2, 5, 5, 11, 20, 3, 1, 2, 2, true, 0},
        {1, 40, 40, 30, 20, 3, 1, 1, 1, false, BIAS}, {1, 40, 40, 20, 12, 3, 1, 1, 1, false, WIDE},
        {2, 9, 8, 20, 33, 1, 1, 0, 1, false, BIAS, 7, 3}, {2, 9, 8, 33, 20, 7, 1, 3, 1, false, BIAS, 1, 0}, /* Inception's */
        {1, 6, 7, 3, 20, 3, 1, 1, 1, false, 0, 1, 0},     {2, 9, 9, 17, 24, 1, 1, 0, 1, true, 0, 7, 3},
        {2, 9, 5, 18, 9, 3, 2, 1, 1, false, BIAS, 5, 2},  {1, 6, 6, 20, 70, 1, 1, 1, 1, false, BIAS}, /* a 1x1 kernel with a border */
        {1, 6, 6, 20, 12, 1, 1, -1, 1, true, 0},          /* and its gradient */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_conv(&cases[i]);
}

static void conv_random_shapes(void **state) {
    (void)state;
    for (int i = 0; i < 40; i++) {
        conv_case c = random_case();
        if (i % 3 == 1) c.stride = 2;
        if (i % 3 == 2) c.dilate = 2;
        c.transposed = random_bits() & 1;
        if (i % 4 == 0) c.kw = 1 + (int)(random_bits() % 4), c.pad_w = (int)(random_bits() % (unsigned)c.kw);
        c.epilogue = random_bits() % 64 | random_bits() % 7 << 8;
        if (out_height(&c) < 1 || out_width(&c) < 1) continue;
        check_conv(&c);
    }
}

static void conv_epilogues(void **state) {
    (void)state;
    for (unsigned act = RF_ACT_NONE; act <= RF_ACT_SIGMOID; act++)
        for (unsigned bits = act ? 5 : 0; bits < 64; bits += act ? 13 : 1) {
            conv_case c = {2, 3, 3, 10, 21, 3, 1, 1, 1, false, bits | act << 8};
            check_conv(&c);
        }
}

/* Rows do not see each other: a batch of three equals three batches of one, bit for bit. */
static void conv_rows_are_isolated(void **state) {
    (void)state;
    const conv_case cases[] = {{3, 5, 7, 18, 70, 3, 1, 1, 1, false, 63}, {3, 1, 10, 33, 40, 1, 1, 0, 1, false, 31 | 3 << 8},
                               {3, 9, 9, 3, 20, 3, 2, 1, 1, false, 1},   {3, 4, 4, 20, 24, 3, 1, 1, 2, true, 0}};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++)
            for (int i = 0; i < variant_count; i++) {
                const rf_conv_provider *p = &variants[i].table.conv;
                if (!p->exact) continue;
                conv_data d = make_conv(&cases[n], dtype);
                char *all = run_conv(p, &d, &cases[n], 0);
                size_t image = d.outputs / 3 * rf__dtype_size(d.args.y_dtype);
                for (int b = 0; b < 3; b++) {
                    conv_data one = d;
                    rf_conv_args *a = &one.args;
                    a->batch = 1;
                    a->x = (const char *)a->x + (int64_t)b * a->h * a->w * a->cin * rf__dtype_size(dtype);
                    if (a->rows) a->rows += b * a->rows_stride;
                    if (a->gate) a->gate += b * a->gate_stride;
                    if (a->residual) a->residual = (const char *)a->residual + b * image;
                    one.outputs = d.outputs / 3;
                    void *y = run_conv(p, &one, &cases[n], 0);
                    assert_memory_equal(y, all + b * image, image);
                    rf__free(y);
                }
                rf__free(all);
                free_conv(&d);
            }
}

static void unknown_provider_is_named(void **state) {
    (void)state;
    rf_kernels table;
    assert_int_equal(rf__kernels_select(&table, 0, "mkl"), RF_ENOTFOUND);
    assert_non_null(strstr(rf_last_error(), "mkl"));
    assert_int_equal(rf__kernels_select(&table, 0, "native"), RF_ENOTFOUND);
    assert_int_equal(rf__kernels_select(&table, 0, ""), RF_OK);
    assert_string_equal(table.conv.name, "ref");
}

/* The measuring rod runs every direction, or says that the build has none. */
static void rod_measures(void **state) {
    (void)state;
    rf_conv_provider provider;
    const rf_conv_args a = {.dtype = RF_F32, .batch = 1, .h = 8, .w = 8, .cin = 16, .oh = 8, .ow = 8, .cout = 16, .kh = 3,
                            .kw = 3, .stride = 1, .pad_h = 1, .pad_w = 1, .dilate = 1};
    for (int direction = RF_ROD_FORWARD; direction <= RF_ROD_WEIGHTS; direction++) {
        double seconds = rf__onednn_seconds(&a, direction, 1, 0.001);
        assert_true(rf__conv_provider_onednn(&provider) ? seconds > 0 && seconds < 1 : seconds == -1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_provider_is_named), cmocka_unit_test(conv_shapes),
        cmocka_unit_test(conv_random_shapes),        cmocka_unit_test(conv_epilogues),
        cmocka_unit_test(conv_rows_are_isolated),    cmocka_unit_test(rod_measures),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
