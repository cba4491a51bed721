/* rng.c - Philox4x32-10 with the seed as key and (index, stream) as counter; number i is made from block i / 4.
 * Logarithm and sine are our own polynomials: libm picks a variant by processor, and the same seed
 * must give the same bits on every machine. Plain loops over LANES blocks, so that the compiler vectorises. */
#include "rng.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <Random123/philox.h>

#define LANES 16 /* Philox blocks made at once */

void rf__rng_bits(uint64_t seed, uint32_t stream, uint64_t index, uint32_t out[4]) {
    philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), stream, 0}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t bits = philox4x32(counter, key);
    memcpy(out, bits.v, sizeof bits.v);
}

typedef struct words {
    uint32_t at[4][LANES]; /* word w of block l */
} words;

/* Blocks first .. first + LANES - 1: the ten rounds of philox4x32, LANES at a time. */
static void philox_lanes(uint64_t seed, uint32_t stream, uint64_t first, words *out) {
    for (int l = 0; l < LANES; l++) {
        out->at[0][l] = (uint32_t)(first + (uint64_t)l);
        out->at[1][l] = (uint32_t)((first + (uint64_t)l) >> 32);
        out->at[2][l] = stream;
        out->at[3][l] = 0;
    }
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        for (int l = 0; l < LANES; l++) {
            uint64_t p0 = (uint64_t)PHILOX_M4x32_0 * out->at[0][l], p1 = (uint64_t)PHILOX_M4x32_1 * out->at[2][l];
            uint32_t c1 = out->at[1][l], c3 = out->at[3][l];
            out->at[0][l] = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
            out->at[1][l] = (uint32_t)p1;
            out->at[2][l] = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
            out->at[3][l] = (uint32_t)p0;
        }
        k0 += PHILOX_W32_0;
        k1 += PHILOX_W32_1;
    }
}

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/* ln of a positive normal number; Cephes logf, error about 1 ulp. */
static inline float ln(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    /* m in [sqrt(1/2), sqrt(2)): shift the cut of the exponent by the bits of sqrt(1/2). */
    uint32_t shifted = bits - 0x3f3504f3u;
    float e = (float)((int32_t)shifted >> 23);
    float m = float_of_bits((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float z = m * m;
    float p = 7.0376836292e-2f;
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    return m + (p * m * z - 2.12194440e-4f * e - 0.5f * z) + 0.693359375f * e;
}

/* Cosine and sine of turn / 2^32 of a full circle; quadrant split in integers, so exactly. */
static inline void cos_sin(uint32_t turn, float *c_out, float *s_out) {
    uint32_t quadrant = (turn + 0x20000000u) >> 30;
    int32_t rest = (int32_t)(turn - (quadrant << 30)); /* [-2^29, 2^29): an eighth of a circle to each side */
    float a = (float)rest * 1.46291807926715968e-9f;   /* 2 pi / 2^32 */
    float z = a * a;
    float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * a + a;
    float c = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
    uint32_t sb, cb, swap = 0u - (quadrant & 1u);
    memcpy(&sb, &s, 4);
    memcpy(&cb, &c, 4);
    uint32_t differ = (sb ^ cb) & swap;
    sb ^= differ;
    cb ^= differ;
    *s_out = float_of_bits(sb ^ (quadrant & 2u) << 30);
    *c_out = float_of_bits(cb ^ ((quadrant + 1u) & 2u) << 30);
}

/* Two normals from two words. u in (0, 1]: 31 bits plus a half, so ln never sees 0; |n| <= 6.7. */
static inline void box_muller(uint32_t w0, uint32_t w1, float *n0, float *n1) {
    float u = ((float)(int32_t)(w0 >> 1) + 0.5f) * 4.6566128730773926e-10f;
    float square = -2.0f * ln(u);
    float r = sqrtf(square > 0.0f ? square : 0.0f);
    float c, s;
    cos_sin(w1, &c, &s);
    *n0 = r * c;
    *n1 = r * s;
}

static void normal_lanes(const words *in, float *out) {
    float columns[4][LANES];
    for (int l = 0; l < LANES; l++) {
        box_muller(in->at[0][l], in->at[1][l], &columns[0][l], &columns[1][l]);
        box_muller(in->at[2][l], in->at[3][l], &columns[2][l], &columns[3][l]);
    }
    for (int l = 0; l < LANES; l++)
        for (int w = 0; w < 4; w++) out[4 * l + w] = columns[w][l];
}

static void uniform_lanes(const words *in, float *out) {
    for (int l = 0; l < LANES; l++)
        for (int w = 0; w < 4; w++) out[4 * l + w] = (float)(int32_t)(in->at[w][l] >> 8) * 5.9604644775390625e-8f;
}

/* Numbers index .. index + n - 1, cut out of whole groups of 4 * LANES that start at a block. */
static void fill(uint64_t seed, uint32_t stream, uint64_t index, int64_t n, float *out,
                 void (*convert)(const words *, float *)) {
    words bits;
    float group[4 * LANES];
    while (n > 0) {
        int64_t skip = (int64_t)(index & 3);
        int64_t take = 4 * LANES - skip < n ? 4 * LANES - skip : n;
        philox_lanes(seed, stream, index / 4, &bits);
        bool whole = skip == 0 && take == 4 * LANES;
        convert(&bits, whole ? out : group);
        if (!whole) memcpy(out, group + skip, (size_t)take * sizeof *out);
        index += (uint64_t)take;
        out += take;
        n -= take;
    }
}

void rf__rng_uniform(uint64_t seed, uint32_t stream, uint64_t index, int64_t n, float *out) {
    fill(seed, stream, index, n, out, uniform_lanes);
}

void rf__rng_normal(uint64_t seed, uint32_t stream, uint64_t index, int64_t n, float *out) {
    fill(seed, stream, index, n, out, normal_lanes);
}

void rf__rng_normal_sample(uint64_t seed, uint32_t stream, uint64_t sample, int64_t n, float *out) {
    rf__rng_normal(seed, stream, sample << 32, n, out);
}

uint64_t rf__rng_below(uint64_t seed, uint32_t stream, uint64_t index, uint64_t bound) {
    uint32_t w[4];
    rf__rng_bits(seed, stream, index, w);
    /* Fixed-point multiply: the bias is below bound / 2^64. */
    uint64_t u = (uint64_t)w[1] << 32 | w[0];
    return (uint64_t)(((unsigned __int128)u * bound) >> 64);
}
