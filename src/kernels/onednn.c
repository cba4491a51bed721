/* onednn.c - provider "onednn": convolution and products through oneDNN, on one thread a call.
 *
 * Rules. (1) The library gets plain sums plus bias; scale, rows, gate, residual and activation are our own pass over
 * f32 sums, because its post-operations round to bf16 first or lack a form. (2) What falls back to our own kernels, by
 * decision of `prepare`: dilated input (gradients of strided convolutions), and whatever the library answers
 * "unimplemented" to, such as bf16 on a processor without AVX-512. (3) Packed weights are plain f32 [cout][kh][kw][cin]
 * behind a version number, since the library's order depends on the image size; each plan step re-orders them into its
 * own buffer when the version has changed. */
#include "fill.h"

#ifdef RF_WITH_ONEDNN
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../base/cpu.h"
#include "../base/memory.h"
#include "../base/status.h"
#include "native.h"
#include "onednn_op.h"
#include "scalar.h"

void rf__conv_finish_avx2(const rf_conv_args *, const float *, int64_t, int64_t);
void rf__conv_finish_avx512(const rf_conv_args *, const float *, int64_t, int64_t);

typedef struct state {
    dense shape;              /* of one unit */
    op plain, wide;           /* y in y_dtype; y in f32 for our epilogue (the same when y is f32) */
    int64_t units;
    rf_conv_provider own;     /* in use when plain.primitive is NULL */
    void *weights;            /* as the primitive, or `own`, wants them */
    float *no_bias;
    uint64_t seen;            /* version of the packed weights in `weights` */
    pthread_mutex_t lock;     /* lanes share a plan and so this state */
} state;

/* ---- packing ---- */
enum { HEADER = 64 };
static atomic_uint_fast64_t versions;

static size_t packed_size(const rf_pack_args *a) { return HEADER + (size_t)4 * a->cin * a->cout * a->kh * a->kw; }
static int64_t pack_units(const rf_pack_args *a) { return a->transposed ? a->cin : a->cout; }

static void pack(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_pack_args *a = args;
    int taps = a->kh * a->kw, inner = a->transposed ? a->cout : a->cin;
    float *to = (float *)(void *)((char *)a->packed + HEADER) + begin * taps * inner;
    if (begin == 0) *(uint64_t *)a->packed = atomic_fetch_add(&versions, 1) + 1;
    for (int64_t out = begin; out < end; out++)
        for (int t = 0; t < taps; t++)
            for (int64_t in = 0; in < inner; in++)
                *to++ = a->transposed ? a->w[(in * taps + taps - 1 - t) * a->cin + out] : a->w[(out * taps + t) * a->cin + in];
}

/* Our order of weights, [cout][kh][kw][cin] in f32. */
static bool plain_weights(md_own *m, const dense *d) {
    const dnnl_dim_t dims[] = {d->oc, d->ic, d->kh, d->kw};
    return md_make(m, d->linear ? 2 : 4, dims, dnnl_f32, d->linear ? dnnl_ab : dnnl_acdb);
}

static dnnl_data_type_t type_of(rf_dtype dtype) { return dtype == RF_BF16 ? dnnl_bf16 : dnnl_f32; }

static state *state_new(void) {
    state *s = rf__onednn_engine() ? rf__alloc(sizeof *s) : NULL;
    rf_kernels own;
    if (!s) return NULL;
    pthread_mutex_init(&s->lock, NULL);
    if (rf__kernels_select(&own, rf__cpu_flags(), "") == RF_OK) s->own = own.conv;
    return s;
}

static void state_free(void *provider_state) {
    state *s = provider_state;
    if (!s) return;
    if (s->wide.primitive != s->plain.primitive) rf__onednn_op_free(&s->wide);
    rf__onednn_op_free(&s->plain);
    rf__free(s->weights);
    rf__free(s->no_bias);
    pthread_mutex_destroy(&s->lock);
    rf__free(s);
}

/* ---- forward ---- */
static rf_pack_args own_pack(const rf_conv_args *a, void *to) {
    return (rf_pack_args){.dtype = a->dtype, .cin = a->cin, .cout = a->cout, .kh = a->kh, .kw = a->kw, .packed = to,
                          .w = a->packed ? (const float *)(const void *)((const char *)a->packed + HEADER) : NULL};
}

/* Units are equal groups of images (or rows): the primitive is made for one size. */
static int64_t split(int64_t n) {
    for (int64_t units = n < 8 ? n : 8; units > 1; units--)
        if (n % units == 0) return units;
    return 1;
}

/* Kernels are chosen for the number of threads at creation; the host's own OpenMP keeps its number. */
static bool make(op *o, const dense *shape, int direction) {
    int before = rf__onednn_threads(1);
    bool made = rf__onednn_op_make(o, shape, direction);
    rf__onednn_threads(before);
    return made;
}

static rf_status conv_prepare(rf_conv_args *a) {
    state *s = state_new();
    if (!s) return rf__fail(RF_ENOMEM, "no memory for a oneDNN convolution, or no CPU engine");
    bool linear = a->kh == 1 && a->kw == 1 && a->stride == 1 && a->pad_h == 0 && a->pad_w == 0 && a->dilate == 1;
    int64_t n = linear ? a->batch * a->oh * a->ow : a->batch;
    s->units = split(n);
    s->shape = (dense){.linear = linear, .type = type_of(a->dtype), .y_type = type_of(a->y_dtype), .n = n / s->units,
                       .ih = a->h, .iw = a->w, .ic = a->cin, .oh = a->oh, .ow = a->ow, .oc = a->cout, .kh = a->kh,
                       .kw = a->kw, .stride = a->stride,
                       .pad_h = a->pad_h, .pad_w = a->pad_w};
    if (a->dilate == 1 && make(&s->plain, &s->shape, DENSE_FORWARD)) {
        dense wide = s->shape;
        wide.y_type = dnnl_f32;
        s->wide = s->plain;
        if (s->shape.y_type != dnnl_f32 && !make(&s->wide, &wide, DENSE_FORWARD)) rf__onednn_op_free(&s->plain);
        /* Both forms read one weight buffer. */
        md_view w = s->plain.pd ? pd_view(s->plain.pd, dnnl_query_weights_md) : NULL;
        if (w && !dnnl_memory_desc_equal(w, pd_view(s->wide.pd, dnnl_query_weights_md))) {
            rf__onednn_op_free(&s->wide);
            rf__onednn_op_free(&s->plain);
        }
    }
    rf_pack_args pack_args = own_pack(a, NULL);
    s->weights = rf__alloc(s->plain.pd ? md_bytes(pd_view(s->plain.pd, dnnl_query_weights_md)) : s->own.packed_size(&pack_args));
    s->no_bias = rf__alloc_array(a->cout, sizeof(float));
    a->provider_state = s;
    if (s->weights && s->no_bias) return RF_OK;
    a->provider_state = NULL;
    state_free(s);
    return rf__fail(RF_ENOMEM, "no memory for the weights of a oneDNN convolution");
}

static rf_conv_args own_args(const rf_conv_args *a, const state *s) {
    rf_conv_args own = *a;
    own.packed = s->weights;
    own.provider_state = NULL;
    return own;
}

static int64_t conv_units(const rf_conv_args *a) {
    const state *s = a->provider_state;
    return s->plain.pd ? s->units : s->own.conv_units(a);
}

static size_t conv_scratch(const rf_conv_args *a) {
    const state *s = a->provider_state;
    if (!s->plain.pd) return s->own.conv_scratch(a);
    size_t plain = rf__onednn_op_scratch(&s->plain), wide = rf__onednn_op_scratch(&s->wide);
    return (plain > wide ? plain : wide) + (size_t)4 * (a->batch * a->oh * a->ow / s->units) * a->cout;
}

/* Bring the step's own copy of the weights up to date; false when the library could not. */
static bool refresh(const rf_conv_args *a, state *s) {
    uint64_t version = *(const uint64_t *)a->packed;
    pthread_mutex_lock(&s->lock);
    bool fresh = s->seen == version;
    if (!fresh) {
        void *from = (char *)(uintptr_t)a->packed + HEADER;
        md_own plain;
        if (!s->plain.pd) {
            rf_pack_args p = own_pack(a, s->weights);
            s->own.pack(&p, 0, s->own.pack_units(&p), NULL);
            fresh = true;
        } else if (plain_weights(&plain, &s->shape)) {
            fresh = rf__onednn_reorder(md_of(&plain), from, pd_view(s->plain.pd, dnnl_query_weights_md), s->weights);
            md_drop(&plain);
        }
        if (fresh) s->seen = version;
    }
    pthread_mutex_unlock(&s->lock);
    return fresh;
}

static void finish(const rf_conv_args *a, const float *sums, int64_t first, int64_t count) {
    uint32_t flags = rf__cpu_flags();
    if (flags & RF_CPU_AVX512) rf__conv_finish_avx512(a, sums, first, count);
    else if (flags & RF_CPU_AVX2) rf__conv_finish_avx2(a, sums, first, count);
    else
        for (int64_t i = first * a->cout, end = (first + count) * a->cout; i < end; i++, sums++) {
            int64_t b = i / a->cout / a->oh / a->ow, c = i % a->cout;
            float v = *sums + (a->bias ? a->bias[c] : 0) + (a->rows ? a->rows[b * a->rows_stride + c] : 0);
            v *= a->scale * (a->gate ? a->gate[b * a->gate_stride + c] : 1);
            if (a->residual) v += rf__get(a->y_dtype, a->residual, i) * a->residual_scale;
            rf__put(a->y_dtype, a->y, i, rf__act_value(a->act, v));
        }
}

static void fill_nan(float *to, int64_t count) {
    for (int64_t i = 0; i < count; i++) to[i] = NAN;
}

/* ready: the weights are there. Without them, or when the library fails, the answer is NaN. */
static void conv_unit(const rf_conv_args *a, const state *s, int64_t unit, char *scratch, bool ready) {
    const dnnl_dim_t cout = a->cout;
    md_own bias_md;
    bool described = md_make(&bias_md, 1, &cout, dnnl_f32, dnnl_a), plain = !a->rows && !a->gate && !a->residual && a->scale == 1.0f && a->act == RF_ACT_NONE;
    const op *o = plain ? &s->plain : &s->wide;
    const int64_t in = a->batch * a->h * a->w / s->units, out = a->batch * a->oh * a->ow / s->units;
    char *x = (char *)(uintptr_t)a->x + unit * in * a->cin * (int64_t)rf__dtype_size(a->dtype);
    char *y = (char *)a->y + unit * out * a->cout * (int64_t)rf__dtype_size(a->y_dtype), *sums = scratch + rf__onednn_op_scratch(o);
    /* Our epilogue adds the bias itself. */
    void *bias = plain && a->bias ? (void *)(uintptr_t)a->bias : s->no_bias;
    const binding b[] = {{DNNL_ARG_SRC, pd_view(o->pd, dnnl_query_src_md), x},
                         {DNNL_ARG_WEIGHTS, pd_view(o->pd, dnnl_query_weights_md), s->weights},
                         {DNNL_ARG_BIAS, described ? md_of(&bias_md) : NULL, bias},
                         {DNNL_ARG_DST, pd_view(o->pd, dnnl_query_dst_md), plain ? y : sums},
                         {DNNL_ARG_SCRATCHPAD, pd_view(o->pd, dnnl_query_scratchpad_md), scratch}};
    bool done = ready && described && rf__onednn_op_run(o->primitive, b, 5);
    if (described) md_drop(&bias_md);
    if (!done) fill_nan((float *)(void *)sums, out * a->cout);
    if (!plain || !done) finish(a, (float *)(void *)sums, unit * out, out);
}

static void conv(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_conv_args *a = args;
    state *s = a->provider_state;
    bool ready = refresh(a, s);
    if (!s->plain.pd) {
        rf_conv_args own = own_args(a, s);
        s->own.conv(&own, begin, end, scratch);
        return;
    }
    int before = rf__onednn_threads(1);
    for (int64_t unit = begin; unit < end; unit++) conv_unit(a, s, unit, scratch, ready);
    rf__onednn_threads(before);
}

/* ---- weight gradient: one unit; the library overwrites, we add ---- */
static rf_status dw_state_prepare(rf_conv_dw_args *a) {
    state *s = state_new();
    if (!s) return rf__fail(RF_ENOMEM, "no memory for a oneDNN weight gradient, or no CPU engine");
    bool linear = a->kh == 1 && a->kw == 1 && a->stride == 1 && a->pad_h == 0 && a->pad_w == 0;
    s->shape = (dense){.linear = linear, .type = type_of(a->dtype), .y_type = type_of(a->dtype),
                       .n = linear ? a->batch * a->oh * a->ow : a->batch, .ih = a->h, .iw = a->w, .ic = a->cin, .oh = a->oh,
                       .ow = a->ow, .oc = a->cout, .kh = a->kh, .kw = a->kw, .stride = a->stride,
                       .pad_h = a->pad_h, .pad_w = a->pad_w};
    make(&s->plain, &s->shape, DENSE_WEIGHTS);
    s->wide = s->plain;
    a->provider_state = s;
    return RF_OK;
}

static int64_t dw_units(const rf_conv_dw_args *a) {
    const state *s = a->provider_state;
    return s->plain.pd ? 1 : s->own.dw_units(a);
}

/* Asked before the state exists: what our own kernels would need. */
static size_t dw_shared(const rf_conv_dw_args *a) {
    rf_kernels own;
    if (rf__kernels_select(&own, rf__cpu_flags(), "") != RF_OK) return 0;
    return own.conv.dw_shared(a);
}

static int64_t dw_prepare_units(const rf_conv_dw_args *a) {
    const state *s = a->provider_state;
    return s->plain.pd || !s->own.dw_prepare ? 0 : s->own.dw_prepare_units(a);
}

static void dw_prepare(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_conv_dw_args *a = args;
    const state *s = a->provider_state;
    if (!s->plain.pd) s->own.dw_prepare(args, begin, end, scratch);
}

static int64_t plain_count(const rf_conv_dw_args *a) { return (int64_t)a->cin * a->cout * a->kh * a->kw; }
static size_t plain_bytes(const rf_conv_dw_args *a) { return rf__native_round64((size_t)4 * (size_t)plain_count(a)); }

static size_t library_bytes(const state *s) {
    return rf__native_round64(md_bytes(pd_view(s->plain.pd, dnnl_query_diff_weights_md)));
}

/* scratchpad, gradient in the library's order, in ours, bias gradient */
static size_t dw_scratch(const rf_conv_dw_args *a) {
    const state *s = a->provider_state;
    if (!s->plain.pd) return s->own.dw_scratch(a);
    return rf__onednn_op_scratch(&s->plain) + library_bytes(s) + plain_bytes(a) + (size_t)4 * a->cout;
}

static void conv_dw(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_conv_dw_args *a = args;
    state *s = a->provider_state;
    md_own plain, bias;
    if (!s->plain.pd) {
        s->own.conv_dw(args, begin, end, scratch);
        return;
    }
    const dnnl_dim_t cout = a->cout;
    if (begin >= end) return;
    bool described = plain_weights(&plain, &s->shape) && md_make(&bias, 1, &cout, dnnl_f32, dnnl_a);
    char *theirs = (char *)scratch + rf__onednn_op_scratch(&s->plain), *ours = theirs + library_bytes(s);
    float *dbias = (float *)(void *)(ours + plain_bytes(a)), *dw = (float *)(void *)ours;
    md_view w = pd_view(s->plain.pd, dnnl_query_diff_weights_md);
    const binding b[] = {{DNNL_ARG_SRC, pd_view(s->plain.pd, dnnl_query_src_md), (void *)(uintptr_t)a->x},
                         {DNNL_ARG_DIFF_DST, pd_view(s->plain.pd, dnnl_query_diff_dst_md), (void *)(uintptr_t)a->dy},
                         {DNNL_ARG_DIFF_WEIGHTS, w, theirs},
                         {DNNL_ARG_DIFF_BIAS, described ? md_of(&bias) : NULL, dbias},
                         {DNNL_ARG_SCRATCHPAD, pd_view(s->plain.pd, dnnl_query_scratchpad_md), scratch}};
    /* 2.6.3's bf16 kernel multiplies scratch that it has not written by zeros (12 -> 62 channels, 5x8x1, k2 s2 p1): a NaN left
     * there by an earlier step would reach the gradient. */
    memset(scratch, 0, rf__onednn_op_scratch(&s->plain));
    int before = rf__onednn_threads(1);
    bool done = described && rf__onednn_op_run(s->plain.primitive, b, 5) && rf__onednn_reorder(w, theirs, md_of(&plain), ours);
    rf__onednn_threads(before);
    if (!done) fill_nan(dw, plain_count(a)), fill_nan(dbias, a->cout);
    for (int64_t i = 0, n = plain_count(a); i < n; i++) a->dw[i] += dw[i];
    for (int i = 0; i < a->cout && a->dbias; i++) a->dbias[i] += dbias[i];
    if (described) md_drop(&plain), md_drop(&bias);
}

bool rf__conv_provider_onednn(rf_conv_provider *out) {
    *out = (rf_conv_provider){
        .name = "onednn", .help = "oneDNN, one thread a call (a second opinion and a yardstick)",
        .packed_size = packed_size, .pack_units = pack_units, .pack = pack,
        .conv_units = conv_units, .conv_scratch = conv_scratch, .conv = conv,
        .dw_units = dw_units, .dw_scratch = dw_scratch, .dw_shared = dw_shared, .dw_prepare_units = dw_prepare_units,
        .dw_prepare = dw_prepare, .conv_dw = conv_dw,
        .conv_prepare = conv_prepare, .dw_state_prepare = dw_state_prepare, .state_free = state_free,
        .exact = false,
    };
    return true;
}

#else

bool rf__conv_provider_onednn(rf_conv_provider *out) {
    (void)out;
    return false;
}

#endif
