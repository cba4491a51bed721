/* int8.h - how f32 numbers become whole ones: symmetric, -127..127, rounded to nearest even; for kernel files only. */
#ifndef RF_KERNELS_INT8_H
#define RF_KERNELS_INT8_H
#include <math.h>

#include "kernels.h"

#define RF_INT8_LEAST 1e-30f /* below it 127 / peak would overflow */

static inline float rf__int8_peak(const float *w, int64_t n) {
    float peak = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(fabsf(w[i]) <= peak)) peak = fabsf(w[i]);
        if (peak != peak) break; /* NaN stays */
    }
    return peak;
}

/* What to multiply with before rounding; *scale turns back. Not finite or tiny: zeros. */
static inline float rf__int8_inverse(float peak, float *scale) {
    *scale = peak / 127.0f;
    return peak >= RF_INT8_LEAST && peak < INFINITY ? 127.0f / peak : 0.0f;
}

/* 0 for NaN and infinities, whose inverse is 0. */
static inline int8_t rf__int8_round(float value, float inverse) { return inverse == 0 ? 0 : (int8_t)lrintf(value * inverse); }

#endif
