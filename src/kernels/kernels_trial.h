/* kernels_trial.h - for the tests of the memory-bound kernels: one call with what it reads and writes, run by every
 * instruction set against plain C, whole and in pieces: the bytes must not depend on how the range of units is cut. */
#ifndef RF_KERNELS_TRIAL_H
#define RF_KERNELS_TRIAL_H
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/cpu.h"
#include "../base/memory.h"
#include "scalar.h"

/* Largest difference from plain C, as a share of the largest value of the output. 0: the same bytes.
 * bf16 results are rounded once from f32 values that differ by the f32 limit, so they may fall on different sides of a
 * rounding boundary: one unit in the last place, 2^-7 of the value. */
#define BF16_ULP (1.0 / 128)
static const struct limit {
    rf_kernel_id kernel;
    double f32, bf16;
} limits[] = {
    {RF_K_group_norm, 4e-6, BF16_ULP},     /* f32 statistics, our exp */
    {RF_K_group_norm_bwd, 1e-5, 1.5 * BF16_ULP}, /* sums of up to 600 pixels in another order; bf16: rounded twice */
    {RF_K_layer_norm, 4e-6, BF16_ULP},     {RF_K_layer_norm_bwd, 1e-5, BF16_ULP},
    {RF_K_act, 1e-6, BF16_ULP},            /* our exp, tanh and erf against libm */
    {RF_K_act_bwd, 2e-6, BF16_ULP},
    {RF_K_axpby, 2e-7, BF16_ULP},          /* fused multiply-add */
    {RF_K_mul, 0, 0},                      {RF_K_cast, 0, 0},
    {RF_K_row_affine, 4e-7, BF16_ULP},     /* fused multiply-add */
    {RF_K_row_reduce, 1e-6, 1e-6},         /* f32 sums of up to 600 against double; the result is f32 */
    {RF_K_scale_rows, 2e-7, BF16_ULP},     {RF_K_dot_rows, 2e-6, 2e-6}, {RF_K_sum, 2e-6, 2e-6},
    {RF_K_unit_norm, 1e-6, BF16_ULP},      /* f32 sums against double */
    {RF_K_unit_norm_bwd, 4e-6, BF16_ULP},
    {RF_K_up2, 0, 0},                      {RF_K_down2, 0, 0},          {RF_K_copy, 0, 0},
    {RF_K_resize, 0, 0},                   {RF_K_resize_bwd, 0, 0},
    {RF_K_patch, 0, 0},                    {RF_K_embed, 0, 0},          {RF_K_embed_bwd, 0, 0},
    {RF_K_time_features, 0, 0},            {RF_K_time_map, 0, 0},      {RF_K_dropout, 0, 0},        {RF_K_pool, 0, 0},
    {RF_K_pool_bwd, 0, 0},                 {RF_K_xent, 0, 0},           {RF_K_xent_bwd, 0, 0},
    {RF_K_adam, 1e-6, 1e-6},               /* fused multiply-adds */
};

static const char *const kernel_names[] = {
#define X(name, args) #name,
    RF_KERNEL_LIST(X)
#undef X
};

static const uint32_t masks[] = {0, RF_CPU_AVX2, RF_CPU_AVX2 | RF_CPU_AVX512,
                                 RF_CPU_AVX2 | RF_CPU_AVX512 | RF_CPU_AVX512_BF16,
                                 RF_CPU_AVX2 | RF_CPU_AVX512 | RF_CPU_AVX512_BF16 | RF_CPU_AMX_EMULATED, ~0u};

/* ---- a trial: the arguments of one call and what it reads and writes ---- */
enum { GUARD = 64, MOST_BUFFERS = 12 };

typedef struct buffer {
    rf_dtype dtype;
    int64_t n;
    bool written;
    uint8_t *bytes, *start; /* start: contents before the call */
    uint8_t *want, *whole;  /* by plain C, and by the kernel under test in one piece */
} buffer;

typedef struct trial {
    rf_kernel_id kernel;
    rf_dtype dtype;
    char what[160];
    int64_t units;
    const void *args;
    buffer buffers[MOST_BUFFERS];
    int count;
} trial;

static uint64_t random_state = 11;

static uint32_t random_bits(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}
static float random_value(void) { return (float)random_bits() / 1073741824.0f - 1.0f; }

static size_t bytes_of(const buffer *b) { return (size_t)b->n * (b->dtype == RF_BF16 ? 2 : 4); }

/* n random values around `mean`; behind them bytes of 0xff, NaN in either type: reading on shows, so does writing on. */
static void *add(trial *t, rf_dtype dtype, int64_t n, bool written, float mean, float spread) {
    assert_in_range(t->count, 0, MOST_BUFFERS - 1);
    buffer *b = &t->buffers[t->count++];
    *b = (buffer){dtype, n, written, .bytes = malloc((size_t)n * 4 + GUARD)};
    for (int64_t i = 0; i < n; i++) {
        if (dtype == RF_I32) ((int32_t *)(void *)b->bytes)[i] = (int32_t)random_bits();
        else rf__put(dtype, b->bytes, i, mean + spread * random_value());
    }
    memset(b->bytes + bytes_of(b), 0xff, GUARD);
    b->start = malloc(bytes_of(b) + 1);
    memcpy(b->start, b->bytes, bytes_of(b));
    b->want = malloc(bytes_of(b) + 1);
    b->whole = malloc(bytes_of(b) + 1);
    return b->bytes;
}
static void *in(trial *t, rf_dtype dtype, int64_t n) { return add(t, dtype, n, false, 0, 2); }
static void *out(trial *t, rf_dtype dtype, int64_t n) { return add(t, dtype, n, true, 0, 2); }

static void end_trial(trial *t) {
    for (int i = 0; i < t->count; i++) {
        free(t->buffers[i].bytes);
        free(t->buffers[i].start);
        free(t->buffers[i].want);
        free(t->buffers[i].whole);
    }
}

/* pieces 0: the range at once; else in that many uneven pieces, the last one first: whoever writes beyond a piece then
 * spoils one that is finished. */
static void call(trial *t, rf_kernel_fn fn, int pieces) {
    for (int i = 0; i < t->count; i++) memcpy(t->buffers[i].bytes, t->buffers[i].start, bytes_of(&t->buffers[i]));
    if (pieces == 0) fn(t->args, 0, t->units, NULL);
    for (int64_t end = t->units; pieces > 0 && end > 0;) {
        int64_t step = (t->units + pieces - 1) / pieces + random_bits() % 3, begin = end > step ? end - step : 0;
        fn(t->args, begin, end, NULL);
        end = begin;
    }
    for (int i = 0; i < t->count; i++) {
        const buffer *b = &t->buffers[i];
        for (int k = 0; k < GUARD; k++)
            if (b->bytes[bytes_of(b) + (size_t)k] != 0xff) fail_msg("%s: wrote past the end of buffer %d", t->what, i);
        if (!b->written && memcmp(b->bytes, b->start, bytes_of(b))) fail_msg("%s: changed its input %d", t->what, i);
    }
}

static double limit_of(const trial *t) {
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].kernel == t->kernel) return t->dtype == RF_BF16 ? limits[i].bf16 : limits[i].f32;
    fail_msg("%s has no limit", t->what);
    return 0;
}

static void compare(const trial *t, const char *isa, int index) {
    const buffer *b = &t->buffers[index];
    double top = 0.05, limit = limit_of(t); /* at least 0.05: slopes such as 1 - tanh^2 are differences of numbers near 1 */
    if (limit == 0) {
        if (memcmp(b->bytes, b->want, bytes_of(b))) fail_msg("%s %s: buffer %d differs from plain C", isa, t->what, index);
        return;
    }
    /* statistics and gradients of vectors stay f32, but may come from a sigmoid good to 1.4e-4 (native_memory.h) */
    if (b->dtype == RF_F32 && t->dtype == RF_BF16) limit = fmin(limit, 3e-4);
    for (int64_t i = 0; i < b->n; i++) top = fmax(top, fabs((double)rf__get(b->dtype, b->want, i)));
    for (int64_t i = 0; i < b->n; i++) {
        double got = (double)rf__get(b->dtype, b->bytes, i), want = (double)rf__get(b->dtype, b->want, i);
        if (!(fabs(got - want) <= limit * top))
            fail_msg("%s %s: buffer %d element %lld is %.9g, expected %.9g (largest %g)", isa, t->what, index, (long long)i, got,
                     want, top);
    }
}

/* Runs the trial everywhere and frees it. */
static void judge(trial *t) {
    rf_kernels table;
    assert_int_equal(rf__kernels_select(&table, 0, "ref"), RF_OK);
    call(t, table.fn[t->kernel], 0);
    for (int i = 0; i < t->count; i++) memcpy(t->buffers[i].want, t->buffers[i].bytes, bytes_of(&t->buffers[i]));
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        uint32_t flags = (rf__cpu_flags() | RF_CPU_AMX_EMULATED) & masks[m];
        if (masks[m] == ~0u) flags = rf__cpu_flags();
        else if (flags != masks[m]) continue; /* this machine lacks it */
        assert_int_equal(rf__kernels_select(&table, flags, NULL), RF_OK);
        call(t, table.fn[t->kernel], 0);
        for (int i = 0; i < t->count; i++) {
            buffer *b = &t->buffers[i];
            if (b->written) compare(t, table.isa, i);
            memcpy(b->whole, b->bytes, bytes_of(b));
        }
        for (int pieces = 2; pieces < 60; pieces = pieces * 3 + 1) {
            call(t, table.fn[t->kernel], pieces);
            for (int i = 0; i < t->count; i++)
                if (memcmp(t->buffers[i].bytes, t->buffers[i].whole, bytes_of(&t->buffers[i])))
                    fail_msg("%s %s: %d pieces give other bytes than one", table.isa, t->what, pieces);
        }
    }
    end_trial(t);
}

#define TRIAL(id, type_, units_, ...)                                                                                 \
    trial t = {.kernel = RF_K_##id, .dtype = type_, .units = units_};                                                 \
    snprintf(t.what, sizeof t.what, "%s %s ", kernel_names[RF_K_##id], type_ == RF_BF16 ? "bf16" : "f32");            \
    snprintf(t.what + strlen(t.what), sizeof t.what - strlen(t.what), __VA_ARGS__)

#define EACH_DTYPE for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++)
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#endif
