/* Tests of rng.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "memory.h"
#include "rng.h"

/* Known answers of Random123 1.14.0 (kat_vectors, philox4x32 10): counter and key all zero, and a
 * counter of ours checked through the same function of the library. */
static void known_answer(void **state) {
    (void)state;
    uint32_t w[4];
    rf__rng_bits(0, 0, 0, w);
    const uint32_t zero[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    assert_memory_equal(w, zero, sizeof w);
}

/* The vectorised blocks are the library's blocks. */
static void lanes_agree_with_bits(void **state) {
    (void)state;
    float u[400];
    const uint64_t first = ((uint64_t)1 << 34) - 50; /* the block number carries into its upper word on the way */
    rf__rng_uniform(0x123456789abcdef0u, 5, first, 400, u);
    for (uint64_t i = 0; i < 400; i++) {
        uint32_t w[4];
        rf__rng_bits(0x123456789abcdef0u, 5, (first + i) / 4, w);
        assert_true(u[i] == (float)(w[(first + i) % 4] >> 8) / 16777216.0f);
    }
}

/* Against the same formula in double precision. */
static void normals_are_box_muller(void **state) {
    (void)state;
    static float n[40000];
    rf__rng_normal(7, 3, 0, 40000, n);
    for (uint64_t b = 0; b < 10000; b++) {
        uint32_t w[4];
        rf__rng_bits(7, 3, b, w);
        for (int p = 0; p < 4; p += 2) {
            double u = ((double)(w[p] >> 1) + 0.5) / 2147483648.0, angle = 6.283185307179586 * w[p + 1] / 4294967296.0;
            double r = sqrt(-2 * log(u));
            assert_true(fabs(n[4 * b + p] - r * cos(angle)) < 2e-6);
            assert_true(fabs(n[4 * b + p + 1] - r * sin(angle)) < 2e-6);
        }
    }
}

static void any_cut_gives_the_same_numbers(void **state) {
    (void)state;
    float all[1000], part[1000];
    rf__rng_normal(42, RF_STREAM_NOISE, 11, 1000, all);
    for (int64_t start = 0; start < 1000; start += 13) {
        int64_t n = (start * 7) % (1000 - start) + 1;
        rf__rng_normal(42, RF_STREAM_NOISE, 11 + (uint64_t)start, n, part);
        assert_memory_equal(all + start, part, (size_t)n * sizeof *part);
    }
    rf__rng_normal_sample(42, RF_STREAM_NOISE, 3, 100, part);
    rf__rng_normal(42, RF_STREAM_NOISE, (uint64_t)3 << 32, 100, all);
    assert_memory_equal(all, part, 100 * sizeof *part);
}

static void streams_and_seeds_differ(void **state) {
    (void)state;
    float a[64], b[64], c[64];
    rf__rng_normal(1, 2, 0, 64, a);
    rf__rng_normal(1, 3, 0, 64, b);
    rf__rng_normal(2, 2, 0, 64, c);
    assert_true(memcmp(a, b, sizeof a) != 0 && memcmp(a, c, sizeof a) != 0 && memcmp(b, c, sizeof b) != 0);
}

static void moments_and_tails(void **state) {
    (void)state;
    enum { N = 1 << 20 };
    float *x = rf__alloc_array(N, sizeof *x);
    assert_non_null(x);
    rf__rng_normal(99, RF_STREAM_TOY, 0, N, x);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    int far = 0;
    for (int i = 0; i < N; i++) {
        double v = x[i];
        assert_true(isfinite(v));
        m1 += v, m2 += v * v, m3 += v * v * v, m4 += v * v * v * v;
        far += fabs(v) > 3;
    }
    /* five standard errors each: variances of the moments are 1, 2, 15 and 96 */
    assert_true(fabs(m1 / N) < 5.0 / 1024);
    assert_true(fabs(m2 / N - 1) < 5 * sqrt(2.0) / 1024);
    assert_true(fabs(m3 / N) < 5 * sqrt(15.0) / 1024);
    assert_true(fabs(m4 / N - 3) < 5 * sqrt(96.0) / 1024);
    assert_true(abs(far - 2831) < 270); /* 0.0026998 N */
    rf__rng_uniform(99, RF_STREAM_TOY, 0, N, x);
    m1 = m2 = 0;
    for (int i = 0; i < N; i++) {
        assert_true(x[i] >= 0 && x[i] < 1);
        m1 += x[i], m2 += (double)x[i] * x[i];
    }
    assert_true(fabs(m1 / N - 0.5) < 5 * 0.2887 / 1024);
    assert_true(fabs(m2 / N - 1.0 / 3) < 5 * 0.2981 / 1024);
    rf__free(x);
}

static void below_stays_below(void **state) {
    (void)state;
    int seen[7] = {0};
    for (uint64_t i = 0; i < 7000; i++) {
        uint64_t k = rf__rng_below(5, RF_STREAM_DATA, i, 7);
        assert_true(k < 7);
        seen[k]++;
    }
    for (int k = 0; k < 7; k++) assert_true(abs(seen[k] - 1000) < 150);
    for (uint64_t i = 0; i < 1000; i++) assert_int_equal(rf__rng_below(5, RF_STREAM_DATA, i, 1), 0);
    uint64_t bound = UINT64_MAX - 5;
    for (uint64_t i = 0; i < 1000; i++) assert_true(rf__rng_below(5, RF_STREAM_DATA, i, bound) < bound);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answer),         cmocka_unit_test(lanes_agree_with_bits),
        cmocka_unit_test(normals_are_box_muller), cmocka_unit_test(any_cut_gives_the_same_numbers),
        cmocka_unit_test(streams_and_seeds_differ), cmocka_unit_test(moments_and_tails),
        cmocka_unit_test(below_stays_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
