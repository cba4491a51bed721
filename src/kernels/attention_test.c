/* attention_test.c - attention of every instruction set against plain C, forward and backward. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../base/cpu.h"
#include "../base/memory.h"
#include "scalar.h"

/* f32: sums of up to 600 terms in another order and our exp (1e-7), on values of order 1.
 * bf16: the result is rounded once (2^-8); with vdpbf16ps probabilities and score gradients are rounded as well, each by
 * up to 2^-9 of itself, so the limit is relative to the largest value of the row or head, not to the element. */
#define F32_LIMIT 2e-5
#define BF16_LIMIT 1.5e-2
/* The log of a sum of probabilities that are computed for being rounded to bf16: the error of v_rough_exp2 is 7.5e-5, and values of 0.1 and
 * less are compared as if they were 0.1. */
#define ROUGH_LIMIT 8e-4

typedef struct attention_case {
    int batch, tq, tk, heads, dim, gap; /* gap: extra elements between rows */
} attention_case;

static const attention_case cases[] = {
    {1, 1, 1, 1, 8, 0},    {2, 16, 16, 2, 16, 0},  {1, 64, 64, 4, 32, 0},  {3, 7, 5, 1, 24, 3},
    {1, 50, 300, 2, 64, 0}, {1, 300, 77, 1, 40, 1}, {2, 33, 65, 3, 9, 2},   {1, 49, 129, 1, 128, 0},
    {1, 25, 31, 2, 72, 5}, {1, 100, 600, 1, 12, 0},
};

static const uint32_t masks[] = {RF_CPU_AVX2, RF_CPU_AVX2 | RF_CPU_AVX512,
                                 RF_CPU_AVX2 | RF_CPU_AVX512 | RF_CPU_AVX512_BF16,
                                 RF_CPU_AVX2 | RF_CPU_AVX512 | RF_CPU_AVX512_BF16 | RF_CPU_AMX_EMULATED,
                                 RF_CPU_AVX2 | RF_CPU_AVX512 | RF_CPU_AVX512_BF16 | RF_CPU_AMX};

/* Emulated tiles run wherever the vectors beside them do. */
static bool runs_here(uint32_t mask) { return !(mask & ~(rf__cpu_flags() | RF_CPU_AMX_EMULATED)); }

static uint64_t random_state = 7;

static float random_value(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (float)(random_state >> 33) / 1073741824.0f - 1.0f;
}

static void *random_rows(rf_dtype dtype, int64_t n) {
    void *p = rf__alloc_array(n + 64, 4);
    for (int64_t i = 0; i < n; i++) rf__put(dtype, p, i, random_value());
    memset((char *)p + n * rf__dtype_size(dtype), 0xff, 64); /* NaN: reading on would show */
    return p;
}

typedef struct answer {
    void *y, *dq, *dk, *dv;
    float *lse;
} answer;

static void free_answer(answer *r) {
    rf__free(r->y);
    rf__free(r->dq);
    rf__free(r->dk);
    rf__free(r->dv);
    rf__free(r->lse);
}

static void run_units(rf_kernel_fn fn, const rf_attention_args *a, size_t bytes, bool apart) {
    uint8_t *scratch = rf__alloc(bytes + 64);
    memset(scratch, 0xff, bytes + 64);
    int64_t units = a->batch * a->heads;
    for (int64_t u = 0; u < units; u += apart ? 1 : units) fn(a, u, apart ? u + 1 : units, scratch);
    for (int i = 0; i < 64; i++) assert_int_equal(scratch[bytes + i], 0xff);
    rf__free(scratch);
}

/* from: where the backward takes y and lse (the reference's, so that only the backward is compared). */
static answer run(const rf_kernels *table, rf_attention_args a, const answer *from, bool apart) {
    int64_t nq = a.batch * a.tq * a.q_stride, nk = a.batch * a.tk * a.k_stride, nv = a.batch * a.tk * a.v_stride;
    answer r = {rf__alloc_array(a.batch * a.tq * a.y_stride, 4), rf__alloc_array(nq, 4), rf__alloc_array(nk, 4),
                rf__alloc_array(nv, 4), rf__alloc_array(a.batch * a.heads * a.tq, 4)};
    a.y = r.y;
    a.lse = r.lse;
    run_units(table->fn[RF_K_attention], &a, table->attention_scratch(&a, false), apart);
    a.y = from ? from->y : r.y;
    a.lse = from ? from->lse : r.lse;
    a.dq = r.dq;
    a.dk = r.dk;
    a.dv = r.dv;
    run_units(table->fn[RF_K_attention_bwd], &a, table->attention_scratch(&a, true), apart);
    return r;
}

static void compare(const char *isa, const char *what, const attention_case *c, rf_dtype dtype, double limit, const void *got,
                    const void *want, int64_t n) {
    double top = 0.1;
    for (int64_t i = 0; i < n; i++) top = fmax(top, fabs(rf__get(dtype, want, i)));
    for (int64_t i = 0; i < n; i++) {
        double g = rf__get(dtype, got, i), w = rf__get(dtype, want, i);
        if (!(fabs(g - w) <= limit * top))
            fail_msg("%s %s %s: batch %d tq %d tk %d heads %d dim %d: element %lld is %g, expected %g", isa,
                     dtype == RF_BF16 ? "bf16" : "f32", what, c->batch, c->tq, c->tk, c->heads, c->dim, (long long)i, g, w);
    }
}

static rf_attention_args make(const attention_case *c, rf_dtype dtype) {
    int64_t row = c->heads * c->dim;
    rf_attention_args a = {.dtype = dtype, .batch = c->batch, .tq = c->tq, .tk = c->tk, .heads = c->heads, .dim = c->dim,
                           .q_stride = row + c->gap, .k_stride = row + 2 * c->gap, .v_stride = row + 3 * c->gap,
                           .y_stride = row + c->gap, .scale = 2.0f / sqrtf((float)c->dim)};
    a.q = random_rows(dtype, a.batch * a.tq * a.q_stride);
    a.k = random_rows(dtype, a.batch * a.tk * a.k_stride);
    a.v = random_rows(dtype, a.batch * a.tk * a.v_stride);
    a.dy = random_rows(dtype, a.batch * a.tq * a.y_stride);
    return a;
}

static void drop(rf_attention_args *a) {
    rf__free((void *)a->q);
    rf__free((void *)a->k);
    rf__free((void *)a->v);
    rf__free((void *)a->dy);
}

static void every_isa_agrees_with_ref(void **state) {
    (void)state;
    rf_kernels ref, table;
    assert_int_equal(rf__kernels_select(&ref, 0, "ref"), RF_OK);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++) {
            const attention_case *c = &cases[n];
            rf_attention_args a = make(c, dtype);
            answer want = run(&ref, a, NULL, false);
            for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
                if (!runs_here(masks[m])) continue;
                assert_int_equal(rf__kernels_select(&table, masks[m], "native"), RF_OK);
                answer got = run(&table, a, &want, false), apart = run(&table, a, &want, true);
                int64_t q = a.batch * a.tq * a.q_stride, k = a.batch * a.tk * a.k_stride, v = a.batch * a.tk * a.v_stride;
                const double limit = dtype == RF_BF16 ? BF16_LIMIT : F32_LIMIT;
                compare(table.isa, "y", c, dtype, limit, got.y, want.y, a.batch * a.tq * a.y_stride);
                compare(table.isa, "lse", c, RF_F32, dtype == RF_BF16 ? ROUGH_LIMIT : F32_LIMIT, got.lse, want.lse,
                        a.batch * a.heads * a.tq);
                compare(table.isa, "dq", c, dtype, limit, got.dq, want.dq, q);
                compare(table.isa, "dk", c, dtype, limit, got.dk, want.dk, k);
                compare(table.isa, "dv", c, dtype, limit, got.dv, want.dv, v);
                assert_memory_equal(got.y, apart.y, a.batch * a.tq * a.y_stride * rf__dtype_size(dtype));
                assert_memory_equal(got.dk, apart.dk, k * rf__dtype_size(dtype));
                free_answer(&got);
                free_answer(&apart);
            }
            free_answer(&want);
            drop(&a);
        }
}

/* A query's row does not depend on which other queries are asked for: the first five rows alone. */
static void queries_are_isolated(void **state) {
    (void)state;
    const attention_case c = {1, 60, 300, 1, 40, 0};
    rf_kernels table;
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++)
        for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++) {
            if (!runs_here(masks[m])) continue;
            assert_int_equal(rf__kernels_select(&table, masks[m], "native"), RF_OK);
            rf_attention_args a = make(&c, dtype), few = a;
            few.tq = 5;
            answer all = run(&table, a, NULL, false), first = run(&table, few, NULL, false);
            assert_memory_equal(all.y, first.y, 5 * a.y_stride * rf__dtype_size(dtype));
            free_answer(&all);
            free_answer(&first);
            drop(&a);
        }
}

/* Scores of thousands must not overflow: the running maximum is subtracted first. */
static void large_scores_stay_finite(void **state) {
    (void)state;
    const attention_case c = {1, 20, 600, 1, 16, 0};
    rf_kernels table;
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++)
        for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++) {
            if (!runs_here(masks[m])) continue;
            assert_int_equal(rf__kernels_select(&table, masks[m], "native"), RF_OK);
            rf_attention_args a = make(&c, dtype);
            a.scale = 3000;
            answer r = run(&table, a, NULL, false);
            for (int64_t i = 0; i < a.tq * a.y_stride; i++)
                assert_true(isfinite(rf__get(dtype, r.y, i)) && isfinite(rf__get(dtype, r.dq, i)));
            free_answer(&r);
            drop(&a);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_isa_agrees_with_ref),
        cmocka_unit_test(queries_are_isolated),
        cmocka_unit_test(large_scores_stay_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
