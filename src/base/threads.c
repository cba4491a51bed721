/* threads.c - the pool: workers spin for some tens of microseconds, then sleep on a futex; chunks are claimed from one counter,
 * so a worker that the system preempts holds up one chunk and no more. */
#include "threads.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

#define MAX_THREADS 256
#define SPINS 4000            /* about 40 us of pause instructions */
#define CHUNKS_PER_THREAD 4   /* enough to even out a preempted worker, few enough to keep a weight panel hot */
#define FLUSH_BITS 0x8040u    /* FTZ | DAZ */

struct rf_pool {
    pthread_t threads[MAX_THREADS];
    int size;
    atomic_uint ticket;       /* grows by one with every run; workers wait for it to change */
    atomic_int sleepers, busy;
    atomic_bool stop;
    atomic_llong next;
    int64_t units, chunk;
    rf_task_fn fn;
    void *arg;
};

typedef struct worker_start {
    rf_pool *pool;
    int index;
} worker_start;

uint32_t rf__denormals_flush(void) {
    uint32_t old = _mm_getcsr();
    _mm_setcsr(old | FLUSH_BITS);
    return old;
}
void rf__denormals_restore(uint32_t old) { _mm_setcsr(old); }

static void futex_wait(atomic_uint *word, unsigned value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}
static void futex_wake_all(atomic_uint *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, MAX_THREADS, NULL, NULL, 0); }

static void work(rf_pool *pool, int worker) {
    for (;;) {
        int64_t begin = atomic_fetch_add(&pool->next, pool->chunk);
        if (begin >= pool->units) return;
        int64_t end = begin + pool->chunk < pool->units ? begin + pool->chunk : pool->units;
        pool->fn(pool->arg, begin, end, worker);
    }
}

static unsigned wait_for_run(rf_pool *pool, unsigned seen) {
    for (int i = 0; i < SPINS; i++) {
        unsigned now = atomic_load_explicit(&pool->ticket, memory_order_acquire);
        if (now != seen) return now;
        _mm_pause();
    }
    unsigned now;
    atomic_fetch_add(&pool->sleepers, 1);
    while ((now = atomic_load(&pool->ticket)) == seen) futex_wait(&pool->ticket, seen);
    atomic_fetch_sub(&pool->sleepers, 1);
    return now;
}

static void *worker_main(void *start_pointer) {
    worker_start start = *(worker_start *)start_pointer;
    free(start_pointer);
    rf_pool *pool = start.pool;
    unsigned seen = 0;
    rf__denormals_flush();
    for (;;) {
        seen = wait_for_run(pool, seen);
        if (atomic_load(&pool->stop)) return NULL;
        work(pool, start.index);
        atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_release);
    }
}

static int online_threads(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count;
}

rf_pool *rf__pool_create(int threads) {
    rf_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    if (threads <= 0) threads = online_threads();
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    pool->size = 1;
    for (int i = 1; i < threads; i++) {
        worker_start *start = malloc(sizeof *start);
        if (start) *start = (worker_start){pool, i};
        if (!start || pthread_create(&pool->threads[i], NULL, worker_main, start)) {
            free(start);
            rf__pool_free(&pool);
            return NULL;
        }
        pool->size = i + 1;
    }
    return pool;
}

void rf__pool_free(rf_pool **pool_pointer) {
    rf_pool *pool = pool_pointer ? *pool_pointer : NULL;
    if (!pool) return;
    atomic_store(&pool->stop, true);
    atomic_fetch_add(&pool->ticket, 1);
    futex_wake_all(&pool->ticket);
    for (int i = 1; i < pool->size; i++) pthread_join(pool->threads[i], NULL);
    free(pool);
    *pool_pointer = NULL;
}

int rf__pool_size(const rf_pool *pool) { return pool ? pool->size : 1; }

void rf__pool_run(rf_pool *pool, int64_t units, int64_t grain, rf_task_fn fn, void *arg) {
    if (units <= 0) return;
    if (grain < 1) grain = 1;
    uint32_t denormals = rf__denormals_flush();
    if (!pool || pool->size == 1 || units <= grain) {
        fn(arg, 0, units, 0);
        rf__denormals_restore(denormals);
        return;
    }
    int64_t pieces = (units + grain - 1) / grain, wanted = (int64_t)pool->size * CHUNKS_PER_THREAD;
    pool->chunk = (pieces + wanted - 1) / wanted * grain; /* a multiple of the grain */
    pool->units = units;
    pool->fn = fn;
    pool->arg = arg;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->busy, pool->size - 1);
    atomic_fetch_add(&pool->ticket, 1);
    if (atomic_load(&pool->sleepers)) futex_wake_all(&pool->ticket);
    work(pool, 0);
    for (int spins = 0; atomic_load_explicit(&pool->busy, memory_order_acquire); spins++) {
        if (spins < SPINS) _mm_pause();
        else sched_yield(); /* a worker lost its core: let it have ours */
    }
    rf__denormals_restore(denormals);
}
