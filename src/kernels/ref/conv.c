/* conv.c - provider "ref": convolution, its weight gradient and packing in plain C; the truth for the others.
 * Packed weights are [cout][kh][kw][cin] in the activations' dtype; with RF_INT8 a scale for each cout follows. One fixed
 * order: taps, then channels. */
#include "../fill.h"
#include "../int8.h"
#include "../scalar.h"

static size_t packed_size(const rf_pack_args *a) {
    size_t scales = a->dtype == RF_INT8 ? sizeof(float) * (size_t)a->cout : 0;
    return (size_t)a->cin * a->cout * a->kh * a->kw * rf__dtype_size(a->dtype) + scales;
}

static void pack_int8(const rf_pack_args *a, int64_t begin, int64_t end) {
    const int64_t count = (int64_t)a->kh * a->kw * a->cin;
    int8_t *q = a->packed;
    float *scale = (float *)(void *)(q + count * a->cout);
    for (int64_t co = begin; co < end; co++) {
        const float *w = a->w + co * count;
        const float inverse = rf__int8_inverse(rf__int8_peak(w, count), &scale[co]);
        for (int64_t i = 0; i < count; i++) q[co * count + i] = rf__int8_round(w[i], inverse);
    }
}

static int64_t pack_units(const rf_pack_args *a) { return a->transposed ? a->cin : a->cout; }

static void pack(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_pack_args *a = args;
    int taps = a->kh * a->kw, inner = a->transposed ? a->cout : a->cin;
    if (a->dtype == RF_INT8) {
        pack_int8(a, begin, end);
        return;
    }
    for (int64_t out = begin; out < end; out++)
        for (int t = 0; t < taps; t++)
            for (int in = 0; in < inner; in++) {
                int64_t from = a->transposed ? ((int64_t)in * taps + taps - 1 - t) * a->cin + out
                                             : (out * taps + t) * a->cin + in;
                rf__put(a->dtype, a->packed, (out * taps + t) * inner + in, a->w[from]);
            }
}

/* Input row or column of an output position and tap, or -1 where it lies in the padding or between dilated pixels. */
static int source(int o, int k, int stride, int pad, int dilate, int limit) {
    int at = o * stride + k - pad;
    if (at < 0 || at % dilate || at / dilate >= limit) return -1;
    return at / dilate;
}

static float dot(const rf_conv_args *a, int64_t b, int oy, int ox, int co) {
    float sum = 0;
    for (int ky = 0; ky < a->kh; ky++)
        for (int kx = 0; kx < a->kw; kx++) {
            int iy = source(oy, ky, a->stride, a->pad_h, a->dilate, a->h);
            int ix = source(ox, kx, a->stride, a->pad_w, a->dilate, a->w);
            if (iy < 0 || ix < 0) continue;
            int64_t x = ((b * a->h + iy) * a->w + ix) * a->cin;
            int64_t w = (((int64_t)co * a->kh + ky) * a->kw + kx) * a->cin;
            for (int ci = 0; ci < a->cin; ci++)
                sum += rf__get(a->dtype, a->x, x + ci) * rf__get(a->dtype, a->packed, w + ci);
        }
    return sum;
}

/* Whole numbers: the order of the sum does not matter, every instruction set gets the same. */
static float dot_int8(const rf_conv_args *a, int64_t b, int oy, int ox, int co) {
    const int64_t count = (int64_t)a->kh * a->kw * a->cin, pixel = (b * a->oh + oy) * a->ow + ox;
    const int8_t *q = a->packed, *w = q + co * count;
    const float *scale = (const float *)(const void *)(q + count * a->cout);
    int32_t sum = 0;
    for (int ky = 0; ky < a->kh; ky++)
        for (int kx = 0; kx < a->kw; kx++, w += a->cin) {
            int iy = source(oy, ky, a->stride, a->pad_h, a->dilate, a->h);
            int ix = source(ox, kx, a->stride, a->pad_w, a->dilate, a->w);
            if (iy < 0 || ix < 0) continue;
            const uint8_t *x = (const uint8_t *)a->x + ((b * a->h + iy) * a->w + ix) * a->cin;
            for (int ci = 0; ci < a->cin; ci++) sum += (x[ci] - 128) * w[ci];
        }
    return (float)sum * (a->x_scale[pixel / a->x_group] * scale[co]);
}

static int64_t conv_units(const rf_conv_args *a) { return a->batch * a->oh; }

static void conv(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_conv_args *a = args;
    for (int64_t row = begin; row < end; row++) {
        int64_t b = row / a->oh;
        for (int ox = 0; ox < a->ow; ox++)
            for (int co = 0; co < a->cout; co++) {
                int64_t at = (row * a->ow + ox) * a->cout + co;
                int oy = (int)(row % a->oh);
                float v = a->dtype == RF_INT8 ? dot_int8(a, b, oy, ox, co) : dot(a, b, oy, ox, co);
                if (a->bias) v += a->bias[co];
                if (a->rows) v += a->rows[b * a->rows_stride + co];
                v *= a->scale;
                if (a->gate) v *= a->gate[b * a->gate_stride + co];
                if (a->residual) v += rf__get(a->y_dtype, a->residual, at) * a->residual_scale;
                rf__put(a->y_dtype, a->y, at, rf__act_value(a->act, v));
            }
    }
}

static int64_t dw_units(const rf_conv_dw_args *a) { return a->cout; }

static float dw_sum(const rf_conv_dw_args *a, int co, int ky, int kx, int ci) {
    float sum = 0;
    for (int64_t b = 0; b < a->batch; b++)
        for (int oy = 0; oy < a->oh; oy++)
            for (int ox = 0; ox < a->ow; ox++) {
                int iy = source(oy, ky, a->stride, a->pad_h, 1, a->h), ix = source(ox, kx, a->stride, a->pad_w, 1, a->w);
                if (iy < 0 || ix < 0) continue;
                sum += rf__get(a->dtype, a->dy, ((b * a->oh + oy) * a->ow + ox) * a->cout + co) *
                       rf__get(a->dtype, a->x, ((b * a->h + iy) * a->w + ix) * a->cin + ci);
            }
    return sum;
}

static void conv_dw(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_conv_dw_args *a = args;
    for (int co = (int)begin; co < end; co++) {
        for (int ky = 0; ky < a->kh; ky++)
            for (int kx = 0; kx < a->kw; kx++)
                for (int ci = 0; ci < a->cin; ci++)
                    a->dw[(((int64_t)co * a->kh + ky) * a->kw + kx) * a->cin + ci] += dw_sum(a, co, ky, kx, ci);
        if (!a->dbias) continue;
        float sum = 0;
        for (int64_t p = 0; p < a->batch * a->oh * a->ow; p++) sum += rf__get(a->dtype, a->dy, p * a->cout + co);
        a->dbias[co] += sum;
    }
}

static size_t conv_nothing(const rf_conv_args *a) { (void)a; return 0; }
static size_t dw_nothing(const rf_conv_dw_args *a) { (void)a; return 0; }
static int64_t dw_no_units(const rf_conv_dw_args *a) { (void)a; return 0; }

void rf__fill_ref_conv(rf_kernels *table) {
    table->conv = (rf_conv_provider){
        .name = "ref", .help = "plain C, the truth for tests",
        .packed_size = packed_size, .pack_units = pack_units, .pack = pack,
        .conv_units = conv_units, .conv_scratch = conv_nothing, .conv = conv,
        .dw_units = dw_units, .dw_scratch = dw_nothing, .dw_shared = dw_nothing,
        .dw_prepare_units = dw_no_units, .conv_dw = conv_dw, .exact = true,
    };
    table->conv_int8 = table->conv;
}
