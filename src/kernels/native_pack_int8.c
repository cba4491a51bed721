/* native_pack_int8.c - f32 master weights into panels of whole numbers, and the provider's functions for dtype RF_INT8.
 *
 * Panels as in native.h with four bytes a cell (neighbours in cin), then two vectors over the output channels rounded up to
 * lanes: the scale of each and 128 times the sum of its weights, which the bytes' offset has added to a sum of products. */
#include <string.h>

#include "../base/cpu.h"
#include "fill.h"
#include "int8.h"
#include "native_pack.h"

enum { LANES = 16, PANEL = 64 };

void rf__conv_int8_avx512(const rf_conv_args *, int64_t, int64_t, void *);

static rf_native_shape shape_of(const rf_pack_args *a) {
    return rf__native_shape(RF_INT8, a->cin, a->cout, a->kh, a->kw, PANEL, LANES);
}

size_t rf__native_int8_size(const rf_native_shape *s) { return (size_t)rf__native_int8_tail(s) + (size_t)s->width * (sizeof(float) + sizeof(int32_t)); }

static size_t packed_size(const rf_pack_args *a) {
    const rf_native_shape s = shape_of(a);
    return rf__native_int8_size(&s);
}

static int64_t pack_units(const rf_pack_args *a) { return shape_of(a).panels; }

/* Channel n of a panel: its bytes stand 4 * width apart. Returns 128 times their sum. */
static int32_t pack_channel(const float *w, int64_t count, int width, int8_t *to, float *scale) {
    const float inverse = rf__int8_inverse(rf__int8_peak(w, count), scale);
    int32_t sum = 0;
    for (int64_t i = 0; i < count; i++) {
        int8_t q = rf__int8_round(w[i], inverse);
        to[i / 4 * 4 * width + i % 4] = q;
        sum += q;
    }
    return 128 * sum;
}

void rf__native_pack_int8(const rf_pack_args *a, const rf_native_shape *s, int64_t begin, int64_t end) {
    const int64_t count = (int64_t)s->taps * s->k;
    float *scale = (float *)(void *)((char *)a->packed + rf__native_int8_tail(s));
    int32_t *offset = (int32_t *)(void *)(scale + s->width);
    for (int p = (int)begin; p < end; p++) {
        const int width = rf__native_panel_width(s, p), first = p * s->nr;
        int8_t *panel = (int8_t *)a->packed + 4 * p * rf__native_panel(s);
        memset(panel, 0, (size_t)4 * s->taps * s->steps * width);
        for (int n = 0; n < width; n++) {
            const int co = first + n;
            scale[co] = 0;
            offset[co] = co < a->cout ? pack_channel(a->w + co * count, count, width, panel + 4 * n, &scale[co]) : 0;
        }
    }
}

static void pack(const void *args, int64_t begin, int64_t end, void *scratch) {
    (void)scratch;
    const rf_native_shape s = shape_of(args);
    rf__native_pack_int8(args, &s, begin, end);
}

static int64_t conv_units(const rf_conv_args *a) {
    rf_native_cut c = rf__native_cut(a, PANEL, LANES);
    return c.groups * c.blocks;
}

static size_t conv_scratch(const rf_conv_args *a) {
    rf_native_cut c = rf__native_cut(a, PANEL, LANES);
    return rf__native_scratch(a, &c).total;
}

static void conv(const void *args, int64_t begin, int64_t end, void *scratch) { rf__conv_int8_avx512(args, begin, end, scratch); }

void rf__fill_avx512_int8(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX512)) return;
    rf__fill_avx512_quantise(table);
    if (!(table->cpu_flags & RF_CPU_AVX512_VNNI)) return;
    table->conv_int8 = (rf_conv_provider){
        .name = "native", .help = "AVX-512 VNNI",
        .packed_size = packed_size, .pack_units = pack_units, .pack = pack,
        .conv_units = conv_units, .conv_scratch = conv_scratch, .conv = conv, .exact = true,
    };
}
