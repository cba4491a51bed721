/* limits.c - the table of limits, its memory loops, and all threads at it together. */
#include "limits.h"

#include <string.h>

#include "../base/cpu.h"
#include "../base/memory.h"
#include "../base/stopwatch.h"
#include "../base/threads.h"

enum { L1 = 24 << 10, L2 = 512 << 10, DRAM = 256 << 20, ROUND = 1 << 16 /* about as much work as fills some microseconds */ };

static double copy_bytes(void *memory, size_t bytes, long n) {
    char *to = memory, *from = to + bytes / 2;
    for (long k = 0; k < n; k++) {
        memcpy(to, from, bytes / 2);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    return (double)bytes * (double)n;
}

static double read_l1(void *memory, long n) { return rf__read_avx2(memory, L1, n); }
static double read_l2(void *memory, long n) { return rf__read_avx2(memory, L2, n / 16 + 1); }
static double read_dram(void *memory, long n) { return rf__read_avx2(memory, DRAM, n / ROUND + 1); }
static double copy_dram(void *memory, long n) { return copy_bytes(memory, DRAM, n / ROUND + 1); }

const rf_limit rf__limits[] = {
    {"fma-avx2", "GFLOP/s", "f32 multiply-adds, 8 lanes, registers only", RF_CPU_AVX2, 0, rf__peak_fma_avx2},
    {"fma-avx512", "GFLOP/s", "f32 multiply-adds, 16 lanes, registers only", RF_CPU_AVX512, 0, rf__peak_fma_avx512},
    {"dot-bf16", "GFLOP/s", "bf16 dot products (vdpbf16ps), registers only", RF_CPU_AVX512_BF16, 0, rf__peak_dot_bf16},
    {"dot-int8", "GOP/s", "int8 dot products (vpdpbusd), registers only", RF_CPU_AVX512_VNNI, 0, rf__peak_dot_int8},
    {"tiles-bf16", "GFLOP/s", "bf16 products of the tile unit (AMX), registers only", RF_CPU_AMX, 0, rf__peak_tiles_bf16},
    {"tiles-bf16-l1", "GFLOP/s", "the same, two tiles by two, operands from 24 KiB", RF_CPU_AMX, L1, rf__peak_tiles_l1},
    {"tiles-int8-l1", "GOP/s", "int8 products of the tile unit, operands from 24 KiB", RF_CPU_AMX, L1, rf__peak_tiles_bytes},
    {"read-l1", "GB/s", "reading 24 KiB a thread again and again", RF_CPU_AVX2, L1, read_l1},
    {"read-l2", "GB/s", "reading 512 KiB a thread", RF_CPU_AVX2, L2, read_l2},
    {"read-dram", "GB/s", "reading 256 MiB a thread", RF_CPU_AVX2, DRAM, read_dram},
    {"copy-dram", "GB/s", "copying 128 MiB a thread, bytes read and written", 0, DRAM, copy_dram},
    {NULL},
};

typedef struct crew {
    const rf_limit *limit;
    char *memory; /* [threads][bytes] */
    long rounds;
} crew;

/* One unit a thread: the pool claims units dynamically, but equal ones take equally long. */
static void work(void *arg, int64_t begin, int64_t end, int worker) {
    const crew *c = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) c->limit->run(c->memory ? c->memory + (size_t)i * c->limit->bytes : NULL, c->rounds);
}

typedef struct turn {
    crew *crew;
    rf_pool *pool;
} turn;

static void run(void *arg) {
    const turn *t = arg;
    rf__pool_run(t->pool, rf__pool_size(t->pool), 1, work, t->crew);
}

double rf__limit_measure(const rf_limit *limit, rf_pool *pool, double budget) {
    if ((rf__cpu_flags() & limit->needs) != limit->needs) return 0;
    int threads = rf__pool_size(pool);
    crew c = {.limit = limit, .rounds = ROUND};
    if (limit->bytes) {
        c.memory = rf__alloc((size_t)threads * limit->bytes);
        if (!c.memory) return -1;
        memset(c.memory, 0x3f, (size_t)threads * limit->bytes); /* pages that nobody wrote all lie on one */
    }
    double amount = limit->run(c.memory, c.rounds) * threads;
    double seconds = rf__stopwatch(run, &(turn){&c, pool}, budget);
    rf__free(c.memory);
    return amount / seconds * 1e-9;
}

const rf_limit *rf__limit_find(const char *name) {
    const rf_limit *at = rf__limits;
    while (strcmp(at->name, name) != 0) at++;
    return at;
}

double rf__limit_dense(rf_dtype dtype, rf_pool *pool, double budget) {
    const char *const best_first[] = {"tiles-int8-l1", "dot-int8", "tiles-bf16-l1", "dot-bf16", "fma-avx512", "fma-avx2"};
    const int first = dtype == RF_INT8 ? 0 : dtype == RF_BF16 ? 2 : 4;
    double peak = 0;
    for (int i = first; i < 6 && peak <= 0; i++) peak = rf__limit_measure(rf__limit_find(best_first[i]), pool, budget);
    return peak > 0 ? peak : 0;
}
