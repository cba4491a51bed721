/* Tests of threads.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "memory.h"
#include "threads.h"

enum { UNITS = 10007 };

typedef struct tally {
    _Atomic int seen[UNITS];
    _Atomic int smallest; /* of all chunks but the one that ends the range */
    _Atomic int bad_worker;
    int64_t units, grain;
    int size;
} tally;

static void count(void *arg, int64_t begin, int64_t end, int worker) {
    tally *t = arg;
    if (worker < 0 || worker >= t->size || begin % t->grain) t->bad_worker = 1;
    for (int64_t i = begin; i < end; i++) t->seen[i]++;
    if (end < t->units && end - begin < t->smallest) t->smallest = (int)(end - begin);
}

static void every_unit_once(void **state) {
    (void)state;
    const int64_t units[] = {1, 2, 3, 64, 1000, UNITS}, grains[] = {0, 1, 7, 5000, 1 << 20};
    for (int threads = 1; threads <= 5; threads += 2) {
        rf_pool *pool = rf__pool_create(threads);
        assert_non_null(pool);
        assert_int_equal(rf__pool_size(pool), threads);
        for (int u = 0; u < 6; u++) {
            for (int g = 0; g < 5; g++) {
                static tally t;
                t = (tally){.smallest = UNITS, .units = units[u], .grain = grains[g] ? grains[g] : 1, .size = threads};
                rf__pool_run(pool, units[u], grains[g], count, &t);
                for (int i = 0; i < UNITS; i++) assert_int_equal(t.seen[i], i < units[u]);
                assert_true(t.smallest >= grains[g] || t.smallest == UNITS);
                assert_int_equal(t.bad_worker, 0);
            }
        }
        rf__pool_free(&pool);
        assert_null(pool);
    }
}

static void add(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    atomic_fetch_add((_Atomic int64_t *)arg, end - begin);
}

/* Back to back (workers still spin) and with pauses (workers asleep). */
static void many_short_runs(void **state) {
    (void)state;
    rf_pool *pool = rf__pool_create(3);
    for (int run = 0; run < 5000; run++) {
        _Atomic int64_t sum = 0;
        rf__pool_run(pool, 17, 1, add, &sum);
        assert_int_equal(sum, 17);
        if (run % 500 == 0) usleep(1000);
    }
    rf__pool_free(&pool);
}

static void null_pool_and_no_units(void **state) {
    (void)state;
    _Atomic int64_t sum = 0;
    assert_int_equal(rf__pool_size(NULL), 1);
    rf__pool_run(NULL, 9, 2, add, &sum);
    assert_int_equal(sum, 9);
    rf__pool_run(NULL, 0, 2, add, &sum);
    rf__pool_run(NULL, -4, 2, add, &sum);
    assert_int_equal(sum, 9);
    rf_pool *pool = rf__pool_create(0);
    assert_non_null(pool);
    assert_true(rf__pool_size(pool) >= 1);
    rf__pool_free(&pool);
    rf__pool_free(&pool);
    rf__pool_free(NULL);
}

static void halve(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    volatile float *values = arg;
    for (int64_t i = begin; i < end; i++) values[i] = values[i] * 0.5f;
    usleep(200); /* so that every worker gets a chunk */
}

static void denormals_are_flushed_inside_only(void **state) {
    (void)state;
    static volatile float values[64];
    rf_pool *pool = rf__pool_create(4);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 64; i++) values[i] = 1.5e-38f;
        rf__pool_run(pass ? pool : NULL, 64, 1, halve, (void *)values);
        for (int i = 0; i < 64; i++) assert_true(values[i] == 0.0f);
        volatile float tiny = 1.5e-38f;
        tiny = tiny * 0.5f;
        assert_true(tiny > 0.0f); /* the caller's own mode is back */
    }
    rf__pool_free(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_once),
        cmocka_unit_test(many_short_runs),
        cmocka_unit_test(null_pool_and_no_units),
        cmocka_unit_test(denormals_are_flushed_inside_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
