/* rng.c - Philox4x32-10 under our counter layout: key = seed, counter = (index low, index high, stream, 0). */
#include "rng.h"

#include <Random123/philox.h>
#include <math.h>

static philox4x32_ctr_t block_at(uint64_t seed, uint32_t stream, uint64_t block) {
    philox4x32_ctr_t counter = {{(uint32_t)block, (uint32_t)(block >> 32), stream, 0}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return philox4x32(counter, key);
}

void rf__rng_bits(uint64_t seed, uint32_t stream, uint64_t index, uint32_t out[4]) {
    philox4x32_ctr_t r = block_at(seed, stream, index);
    for (int i = 0; i < 4; i++) out[i] = r.v[i];
}

/* Number i comes from word i % 4 of block i / 4. */
static void uniforms(philox4x32_ctr_t r, float out[4]) {
    for (int i = 0; i < 4; i++) out[i] = (float)(r.v[i] >> 8) * 0x1p-24f;
}

/* Box-Muller on two pairs of words; the radius takes (0,1], so that the logarithm is finite. */
static void normals(philox4x32_ctr_t r, float out[4]) {
    for (int pair = 0; pair < 2; pair++) {
        float u = ((float)(r.v[2 * pair] >> 8) + 1.0f) * 0x1p-24f;
        float angle = (float)(r.v[2 * pair + 1] >> 8) * (float)(2.0 * 3.14159265358979323846 / 16777216.0);
        float radius = sqrtf(-2.0f * logf(u));
        out[2 * pair] = radius * cosf(angle);
        out[2 * pair + 1] = radius * sinf(angle);
    }
}

typedef void (*convert_fn)(philox4x32_ctr_t r, float out[4]);

static void fill(uint64_t seed, uint32_t stream, uint64_t index, int64_t n, float *out, convert_fn convert) {
    float four[4];
    int64_t i = 0;
    while (i < n) {
        uint64_t at = index + (uint64_t)i;
        convert(block_at(seed, stream, at / 4), four);
        for (unsigned k = (unsigned)(at % 4); k < 4 && i < n; k++) out[i++] = four[k];
    }
}

void rf__rng_uniform(uint64_t seed, uint32_t stream, uint64_t index, int64_t n, float *out) {
    fill(seed, stream, index, n, out, uniforms);
}

void rf__rng_normal(uint64_t seed, uint32_t stream, uint64_t index, int64_t n, float *out) {
    fill(seed, stream, index, n, out, normals);
}

void rf__rng_normal_sample(uint64_t seed, uint32_t stream, uint64_t sample, int64_t n, float *out) {
    rf__rng_normal(seed, stream, sample << 32, n, out);
}

/* 64 bits times the bound, high half: the bias is below bound * 2^-64. */
uint64_t rf__rng_below(uint64_t seed, uint32_t stream, uint64_t index, uint64_t bound) {
    uint32_t words[4];
    rf__rng_bits(seed, stream, index, words);
    uint64_t bits = (uint64_t)words[1] << 32 | words[0];
    return (uint64_t)((unsigned __int128)bits * bound >> 64);
}
