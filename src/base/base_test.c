/* base_test.c - sentences, memory, the pool, random numbers, files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu.h"
#include "file.h"
#include "memory.h"
#include "rng.h"
#include "threads.h"

static void sentences(void **state) {
    (void)state;
    assert_int_equal(rf__fail(RF_EIO, "disk %d", 7), RF_EIO);
    assert_string_equal(rf_last_error(), "disk 7");
    assert_int_equal(rf__fail_in(RF_EIO, "a.txt: "), RF_EIO);
    assert_string_equal(rf_last_error(), "a.txt: disk 7");
    rf__fail(RF_EIO, "again: %s", rf_last_error()); /* an argument may be the sentence itself */
    assert_string_equal(rf_last_error(), "again: a.txt: disk 7");
    assert_string_equal(rf_status_name(RF_EFORMAT), "EFORMAT");
}

static void memory(void **state) {
    (void)state;
    assert_null(rf__alloc(0));
    assert_null(rf__alloc_array(SIZE_MAX / 2, 4)); /* the product overflows */
    rf_arena *arena = rf__arena_create();
    char *small = rf__arena_alloc(arena, 100), *big = rf__arena_alloc(arena, 1 << 20);
    assert_int_equal((uintptr_t)small % 64, 0);
    assert_int_equal((uintptr_t)big % 64, 0);
    for (int i = 0; i < 1 << 20; i++) assert_int_equal(big[i], 0);
    memset(big, 1, 1 << 20);
    assert_int_equal(small[99], 0);
    assert_string_equal(rf__arena_strdup(arena, "flow"), "flow");
    rf__arena_free(&arena);
    assert_null(arena);
}

/* ---- pool ---- */

#define UNITS 1003
typedef struct marks {
    int hits[UNITS];
    int64_t grain;
    int workers, bad;
} marks;

static void mark(void *arg, int64_t begin, int64_t end, int worker) {
    marks *m = arg;
    if (worker < 0 || worker >= m->workers || (begin % m->grain)) m->bad++;
    for (int64_t i = begin; i < end; i++) m->hits[i]++; /* units never overlap, so no lock */
}

static void pool_covers_every_unit_once(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        rf_pool *pool = rf__pool_create(threads);
        assert_int_equal(rf__pool_size(pool), threads);
        for (int round = 0; round < 200; round++) { /* many short runs: workers both spin and sleep */
            static marks m;
            memset(&m, 0, sizeof m);
            m.grain = 1 + round % 5;
            m.workers = threads;
            rf__pool_run(pool, UNITS, m.grain, mark, &m);
            for (int i = 0; i < UNITS; i++) assert_int_equal(m.hits[i], 1);
            assert_int_equal(m.bad, 0);
            if (round % 50 == 0) usleep(2000);
        }
        rf__pool_free(&pool);
    }
    marks *m = calloc(1, sizeof *m);
    m->grain = 1, m->workers = 1;
    rf__pool_run(NULL, UNITS, 1, mark, m); /* no pool: on the caller */
    assert_int_equal(m->hits[UNITS - 1], 1);
    free(m);
}

/* ---- random numbers ---- */

static void numbers_depend_on_their_index_only(void **state) {
    (void)state;
    float whole[100], piece[3];
    rf__rng_normal(5, RF_STREAM_NOISE, 0, 100, whole);
    for (int at = 0; at + 3 <= 100; at++) {
        rf__rng_normal(5, RF_STREAM_NOISE, (uint64_t)at, 3, piece);
        assert_memory_equal(piece, whole + at, sizeof piece);
    }
    rf__rng_normal(6, RF_STREAM_NOISE, 0, 3, piece);
    assert_memory_not_equal(piece, whole, sizeof piece);
    rf__rng_normal(5, RF_STREAM_TIME, 0, 3, piece);
    assert_memory_not_equal(piece, whole, sizeof piece);
}

static void moments(void **state) {
    (void)state;
    enum { N = 1 << 20 };
    float *x = malloc(N * sizeof *x);
    double sum = 0, square = 0, fourth = 0;
    rf__rng_normal(1, RF_STREAM_NOISE, 0, N, x);
    for (int i = 0; i < N; i++) sum += x[i], square += (double)x[i] * x[i], fourth += pow(x[i], 4);
    /* five standard errors: 1/sqrt(N) = 1e-3, sqrt(2/N), sqrt(96/N) */
    assert_true(fabs(sum / N) < 5e-3);
    assert_true(fabs(square / N - 1) < 7e-3);
    assert_true(fabs(fourth / N - 3) < 5e-2);
    sum = 0;
    rf__rng_uniform(1, RF_STREAM_TIME, 0, N, x);
    for (int i = 0; i < N; i++) {
        assert_true(x[i] >= 0 && x[i] < 1);
        sum += x[i];
    }
    assert_true(fabs(sum / N - 0.5) < 1.5e-3);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++) count[rf__rng_below(3, RF_STREAM_DATA, (uint64_t)i, 7)]++;
    for (int i = 0; i < 7; i++) assert_in_range(count[i], 9500, 10500); /* sd 93 */
    free(x);
}

/* ---- files ---- */

static void writes_complete_or_leave_nothing(void **state) {
    (void)state;
    char folder[] = "/tmp/strait-test-XXXXXX", path[64], deep[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.bin", folder);
    assert_int_equal(rf__file_write(path, "old", 3), RF_OK);
    rf_writer *writer;
    assert_int_equal(rf__writer_open(&writer, path), RF_OK);
    fputs("half of a new fi", rf__writer_stream(writer));
    rf__writer_abort(&writer);
    uint8_t *bytes;
    size_t size;
    assert_int_equal(rf__file_read(path, 100, &bytes, &size), RF_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "old", 4); /* and the NUL past the end */
    rf__free(bytes);
    assert_int_equal(rf__file_read(path, 2, &bytes, &size), RF_EFORMAT);
    assert_int_equal(rf__file_read(folder, 100, &bytes, &size), RF_EIO);
    assert_int_equal(rf__file_read("/nowhere/at/all", 100, &bytes, &size), RF_ENOTFOUND);
    assert_int_equal(rf__file_write("/nowhere/at/all", "x", 1), RF_EIO);
    snprintf(deep, sizeof deep, "%s/x/y/z", folder);
    assert_int_equal(rf__make_dirs(deep), RF_OK);
    assert_int_equal(rf__make_dirs(deep), RF_OK);
    snprintf(deep, sizeof deep, "%s/a.bin/y", folder);
    assert_int_equal(rf__make_dirs(deep), RF_EIO); /* a file is in the way */
    char command[96];
    snprintf(command, sizeof command, "test $(ls %s | wc -l) = 2 && rm -r %s", folder, folder); /* a.bin and x: no temporary left */
    assert_int_equal(system(command), 0);
}

static void caps(void **state) {
    (void)state;
    assert_int_equal(rf__cpu_cap("ref"), 0);
    assert_int_equal(rf__cpu_cap("avx2") & RF_CPU_AVX512, 0);
    assert_int_equal(rf__cpu_cap("avx512") & RF_CPU_AMX, 0);
    assert_true(rf__cpu_cap("sse9") == ~0u);
    assert_string_equal(rf__cpu_name(0), "ref");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences),
        cmocka_unit_test(memory),
        cmocka_unit_test(pool_covers_every_unit_once),
        cmocka_unit_test(numbers_depend_on_their_index_only),
        cmocka_unit_test(moments),
        cmocka_unit_test(writes_complete_or_leave_nothing),
        cmocka_unit_test(caps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
