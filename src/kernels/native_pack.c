/* native_pack.c - f32 master weights into the panels of native.h. */
#include "native_pack.h"

#include <string.h>

#include "native.h"

rf_native_shape rf__native_pack_shape(const rf_pack_args *a, int nr, int vw) {
    int in = a->transposed ? a->cout : a->cin, out = a->transposed ? a->cin : a->cout;
    return rf__native_shape(a->dtype, in, out, a->kh, a->kw, nr, vw);
}

size_t rf__native_packed_size(const rf_native_shape *s) { return (size_t)4 * s->taps * s->steps * s->width; }

/* Where in the master the value of (first output channel, tap t, step k) lies, and how far apart channels and steps are.
 * After merging k counts all taps; that is still one line of the master unless it is transposed. */
typedef struct walk {
    const float *from;
    int64_t channel, k;
} walk;

static walk walk_of(const rf_pack_args *a, bool merged, int co, int t) {
    const int64_t taps = a->kh * a->kw;
    if (a->transposed) return (walk){a->w + (taps - 1 - t) * a->cin + co, 1, taps * a->cin};
    return (walk){a->w + (co * taps + (merged ? 0 : t)) * a->cin, taps * a->cin, 1};
}

/* `live` cells of step k. */
static void pack_step(const rf_pack_args *a, const walk *at, int k, int last, int live, uint32_t *cell) {
    const float *one = at->from + k * at->k, *two = one + at->k;
    if (a->dtype == RF_F32 && at->channel == 1) memcpy(cell, one, 4 * (size_t)live);
    else if (a->dtype == RF_F32)
        for (int n = 0; n < live; n++) memcpy(&cell[n], one + n * at->channel, 4);
    else
        for (int n = 0; n < live; n++)
            cell[n] = rf__f32_to_bf16(one[n * at->channel]) |
                      (k + 1 < last ? (uint32_t)rf__f32_to_bf16(two[n * at->channel]) << 16 : 0);
}

/* Transposed and merged: taps run backwards, so each step is looked up; its channels are neighbours. */
static void pack_backwards(const rf_pack_args *a, int k, int last, int live, int co, uint32_t *cell) {
    const int taps = a->kh * a->kw, part = a->dtype == RF_BF16 ? 2 : 1;
    for (int i = k; i < k + part && i < last; i++) {
        const float *from = a->w + ((int64_t)(i % a->cout) * taps + taps - 1 - i / a->cout) * a->cin + co;
        if (part == 1) memcpy(cell, from, 4 * (size_t)live);
        else
            for (int n = 0; n < live; n++) cell[n] |= (uint32_t)rf__f32_to_bf16(from[n]) << (i & 1) * 16;
    }
}

void rf__native_pack(const rf_pack_args *a, const rf_native_shape *s, int64_t begin, int64_t end) {
    const int nr = s->nr, cout = a->transposed ? a->cin : a->cout, part = a->dtype == RF_BF16 ? 2 : 1;
    for (int p = (int)begin; p < end; p++) {
        int width = rf__native_panel_width(s, p), left = cout - p * nr, live = left < width ? left : width;
        uint32_t *cell = (uint32_t *)a->packed + p * rf__native_panel(s);
        for (int t = 0; t < s->taps; t++) {
            const walk at = walk_of(a, s->merged, p * nr, t);
            for (int i = 0; i < s->steps; i++, cell += width) {
                memset(cell, 0, sizeof *cell * width);
                if (part * i >= s->k) continue; /* steps that only round up */
                if (a->transposed && s->merged) pack_backwards(a, part * i, s->k, live, p * nr, cell);
                else pack_step(a, &at, part * i, s->k, live, cell);
            }
        }
    }
}
