/* native_pack.c - f32 master weights into the panels of native.h. */
#include "native_pack.h"

#include <string.h>

#include "native.h"

/* Where value k of tap t for output channel co lies in the master (after merging: t is 0 and k counts all taps). */
static int64_t master_at(const rf_pack_args *a, const rf_native_shape *s, int co, int t, int k) {
    int inner = a->transposed ? a->cout : a->cin, taps = a->kh * a->kw;
    if (s->merged) t = k / inner, k %= inner;
    return a->transposed ? ((int64_t)k * taps + taps - 1 - t) * a->cin + co : ((int64_t)co * taps + t) * a->cin + k;
}

static rf_native_shape shape_of(const rf_pack_args *a, int nr, int vw) {
    int in = a->transposed ? a->cout : a->cin, out = a->transposed ? a->cin : a->cout;
    return rf__native_shape(a->dtype, in, out, a->kh, a->kw, nr, vw);
}

size_t rf__native_packed_size(const rf_pack_args *a, int nr, int vw) {
    rf_native_shape s = shape_of(a, nr, vw);
    return (size_t)4 * s.taps * s.steps * s.width;
}

int64_t rf__native_pack_units(const rf_pack_args *a, int nr, int vw) { return shape_of(a, nr, vw).panels; }

void rf__native_pack(const rf_pack_args *a, int64_t begin, int64_t end, int nr, int vw) {
    rf_native_shape s = shape_of(a, nr, vw);
    int cout = a->transposed ? a->cin : a->cout;
    for (int p = (int)begin; p < end; p++) {
        int width = rf__native_panel_width(&s, p), left = cout - p * nr, live = left < width ? left : width;
        uint32_t *cell = (uint32_t *)a->packed + p * rf__native_panel(&s);
        for (int t = 0; t < s.taps; t++)
            for (int i = 0; i < s.steps; i++, cell += width) {
                memset(cell, 0, sizeof *cell * width);
                for (int n = 0; n < live; n++) {
                    if (a->dtype == RF_F32) {
                        memcpy(&cell[n], &a->w[master_at(a, &s, p * nr + n, t, i)], 4);
                        continue;
                    }
                    cell[n] = rf__f32_to_bf16(a->w[master_at(a, &s, p * nr + n, t, 2 * i)]);
                    if (2 * i + 1 < s.k)
                        cell[n] |= (uint32_t)rf__f32_to_bf16(a->w[master_at(a, &s, p * nr + n, t, 2 * i + 1)]) << 16;
                }
            }
    }
}
