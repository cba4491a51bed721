/* rng.h - counter-based random numbers (Philox4x32-10, Random123): every number is a function of
 * (seed, stream, index) only, so results never depend on threads, batch neighbours or order. */
#ifndef RF_BASE_RNG_H
#define RF_BASE_RNG_H
#include <stdint.h>

/* A stream names what the numbers are for; two uses in one run never share one. Method-specific streams start at 64, and methods that never meet
 * (a training's and a judge's) may have the same. */
typedef enum rf_rng_stream {
    RF_STREAM_INIT = 1, /* weights; index0 = hash of the parameter name */
    RF_STREAM_NOISE,    /* x0 of generation and training */
    RF_STREAM_TIME,
    RF_STREAM_DATA,     /* which sample */
    RF_STREAM_FLIP,
    RF_STREAM_LABEL_DROP,
    RF_STREAM_DROPOUT,
    RF_STREAM_TOY,
    RF_STREAM_MIX,      /* which of two stores */
} rf_rng_stream;

/* Four 32-bit words at `index`. */
void rf__rng_bits(uint64_t seed, uint32_t stream, uint64_t index, uint32_t out[4]);
/* U[0,1) with 24 bits; numbers index .. index+n-1. */
void rf__rng_uniform(uint64_t seed, uint32_t stream, uint64_t index, int64_t n, float *out);
/* N(0,1) by Box-Muller; numbers index .. index+n-1. */
void rf__rng_normal(uint64_t seed, uint32_t stream, uint64_t index, int64_t n, float *out);
/* The noise of one image of `n` scalars: sample k of `seed` (element i has index k * 2^32 + i). */
void rf__rng_normal_sample(uint64_t seed, uint32_t stream, uint64_t sample, int64_t n, float *out);
/* A uniform integer in [0, bound). */
uint64_t rf__rng_below(uint64_t seed, uint32_t stream, uint64_t index, uint64_t bound);

#endif
