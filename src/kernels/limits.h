/* limits.h - what the processor's units can do when nothing else limits them: the yardstick of `strait bench limits` and of every
 * "share of the limit". Loops on registers for arithmetic, long reads and copies for memory. */
#ifndef RF_KERNELS_LIMITS_H
#define RF_KERNELS_LIMITS_H
#include <stdbool.h>
#include <stddef.h>

#include "../base/threads.h"
#include "strait.h"

typedef struct rf_limit {
    const char *name, *unit, *help; /* unit: of a billion a second: "GFLOP/s", "GB/s" */
    uint32_t needs;                 /* RF_CPU_ flags */
    size_t bytes;                   /* memory a thread works on; 0: registers only */
    /* Work done by n rounds, in flop (2 per multiply-add) or bytes read and written. memory: [bytes] of this thread. */
    double (*run)(void *memory, long n);
} rf_limit;

extern const rf_limit rf__limits[]; /* ends with an entry whose name is NULL */

/* Billions a second on all threads of a pool together (threads.h), the second best of seven samples that take about `budget` seconds. 0:
 * this processor lacks the unit, or STRAIT_CPU hides it; -1: no memory. */
double rf__limit_measure(const rf_limit *limit, rf_pool *pool, double budget);
/* The entry of a name, which must be there. */
const rf_limit *rf__limit_find(const char *name);

/* The arithmetic that bounds dense kernels of a type here: tiles fed from the first-level cache, or dot products where there are some, otherwise multiply-adds. 0 without AVX2. */
double rf__limit_dense(rf_dtype dtype, rf_pool *pool, double budget);

/* Rounds on registers, by instruction set. */
double rf__peak_fma_avx2(void *memory, long n);
double rf__peak_fma_avx512(void *memory, long n);
double rf__peak_dot_bf16(void *memory, long n);
double rf__peak_dot_int8(void *memory, long n);
/* Of the tile unit: registers only, and with operands from 24 KiB of memory. */
double rf__peak_tiles_bf16(void *memory, long n);
double rf__peak_tiles_l1(void *memory, long n);
double rf__peak_tiles_bytes(void *memory, long n);
/* Reads the block n times; returns bytes read. */
double rf__read_avx2(const void *memory, size_t bytes, long n);

#endif
