/* threads.c - the pool: workers spin some tens of microseconds for the next job, then sleep on a futex.
 *
 * A job is open from rf__pool_run's start until every chunk has been claimed. Workers enter an open job
 * and leave it; the caller waits only for those inside, so a worker that the system wakes late costs nothing. */
#include "threads.h"

#include <assert.h>
#include <immintrin.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

#define SPIN_NS 30000
#define SHARE 2 /* a claim takes one in SHARE * threads of what is left: large while a weight panel is hot, small at the end, where all wait */
#define MAX_THREADS 1024

typedef struct worker {
    struct rf_pool *pool;
    pthread_t thread;
    int index;
} worker;

struct rf_pool {
    int size;
    int started; /* threads to join: size - 1 except after a failed create */
    worker *workers;
    /* One job; written by the caller only while `open` is 0 and nobody who saw it open is inside. */
    rf_task_fn fn;
    void *arg;
    int64_t units, grain;
    _Alignas(64) _Atomic int64_t next; /* first unclaimed unit */
    _Alignas(64) _Atomic uint32_t epoch; /* futex: changes with every job and at the end */
    _Atomic int sleepers, open, stop;
    _Alignas(64) _Atomic int inside; /* futex: workers between entering and leaving */
    _Atomic int waiting;
    _Atomic int busy;
};

static void futex_wait(void *word, uint32_t expected) {
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(void *word, int count) {
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

uint32_t rf__denormals_flush(void) {
    uint32_t old = _mm_getcsr();
    _mm_setcsr(old | 0x8040u); /* FTZ is bit 15, DAZ bit 6 */
    return old;
}

void rf__denormals_restore(uint32_t old) {
    _mm_setcsr(old);
}

/* Claim chunks, multiples of the grain, until none is left. */
static void work(rf_pool *pool, int index) {
    const int64_t units = pool->units, grain = pool->grain, parts = (int64_t)pool->size * SHARE;
    int64_t begin = pool->next;
    while (begin < units) {
        const int64_t pieces = (units - begin + grain - 1) / grain, chunk = (pieces + parts - 1) / parts * grain;
        const int64_t end = units - begin < chunk ? units : begin + chunk;
        if (!atomic_compare_exchange_weak(&pool->next, &begin, end)) continue; /* begin is now what another left */
        pool->fn(pool->arg, begin, end, index);
        begin = pool->next;
    }
}

/* Spin, then sleep, until the epoch is no longer `seen`. */
static void await_epoch(rf_pool *pool, uint32_t seen) {
    int64_t limit = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 64; i++) {
            if (pool->epoch != seen) return;
            _mm_pause();
        }
    } while (now_ns() < limit);
    pool->sleepers++;
    while (pool->epoch == seen) futex_wait((void *)&pool->epoch, seen);
    pool->sleepers--;
}

static void *worker_main(void *arg) {
    worker *self = arg;
    rf_pool *pool = self->pool;
    rf__denormals_flush();
    uint32_t seen = 0;
    for (;;) {
        await_epoch(pool, seen);
        seen = pool->epoch;
        if (pool->stop) return NULL;
        pool->inside++;
        if (pool->open) work(pool, self->index);
        if (--pool->inside == 0 && pool->waiting) futex_wake((void *)&pool->inside, 1);
    }
}

static int affinity_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

rf_pool *rf__pool_create(int threads) {
    if (threads <= 0) threads = affinity_count();
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    rf_pool *pool = rf__alloc(sizeof *pool);
    if (!pool) return NULL;
    pool->size = threads;
    pool->workers = rf__alloc_array((size_t)threads, sizeof(worker));
    if (!pool->workers) goto fail;
    for (int i = 1; i < threads; i++) {
        worker *w = &pool->workers[i];
        *w = (worker){.pool = pool, .index = i};
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) goto fail;
        pool->started++;
    }
    return pool;
fail:
    rf__pool_free(&pool);
    return NULL;
}

void rf__pool_free(rf_pool **pool_io) {
    if (!pool_io || !*pool_io) return;
    rf_pool *pool = *pool_io;
    pool->stop = 1;
    pool->epoch++;
    futex_wake((void *)&pool->epoch, MAX_THREADS);
    for (int i = 1; i <= pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
    rf__free(pool->workers);
    rf__free(pool);
    *pool_io = NULL;
}

int rf__pool_size(const rf_pool *pool) {
    return pool ? pool->size : 1;
}

/* Until every worker that entered has left: their chunks are then done. */
static void await_leavers(rf_pool *pool) {
    int64_t limit = now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < 64; i++) {
            if (pool->inside == 0) return;
            _mm_pause();
        }
    } while (now_ns() < limit);
    pool->waiting = 1;
    for (int n; (n = pool->inside) != 0;) futex_wait((void *)&pool->inside, (uint32_t)n);
    pool->waiting = 0;
}

static void run_shared(rf_pool *pool, int64_t units, int64_t grain, rf_task_fn fn, void *arg) {
    int was_busy = pool->busy++;
    assert(was_busy == 0); /* one caller at a time, and no run inside a run */
    (void)was_busy;
    pool->fn = fn;
    pool->arg = arg;
    pool->units = units;
    pool->grain = grain;
    pool->next = 0;
    pool->open = 1;
    pool->epoch++;
    if (pool->sleepers > 0) futex_wake((void *)&pool->epoch, pool->size);
    work(pool, 0);
    pool->open = 0;
    await_leavers(pool);
    pool->busy--;
}

void rf__pool_run(rf_pool *pool, int64_t units, int64_t grain, rf_task_fn fn, void *arg) {
    if (units <= 0) return;
    if (grain < 1) grain = 1;
    uint32_t old = rf__denormals_flush();
    if (!pool || pool->size == 1 || units <= grain)
        fn(arg, 0, units, 0);
    else
        run_shared(pool, units, grain, fn, arg);
    rf__denormals_restore(old);
}
