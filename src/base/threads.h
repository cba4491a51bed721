/* threads.h - one small pool of our own: short spin, then futex (speed.md: libgomp's spinning turns
 * 1 ms calls into 8 ms under contention). Every worker runs with FTZ and DAZ set. */
#ifndef RF_BASE_THREADS_H
#define RF_BASE_THREADS_H
#include <stdint.h>

typedef struct rf_pool rf_pool;

/* worker: 0 .. rf__pool_size()-1, the index of the thread that runs the call (for scratch). */
typedef void (*rf_task_fn)(void *arg, int64_t begin, int64_t end, int worker);

/* threads <= 0: one per CPU of the affinity mask. The calling thread is worker 0. NULL when out of memory. */
rf_pool *rf__pool_create(int threads);
void rf__pool_free(rf_pool **pool);
int rf__pool_size(const rf_pool *pool); /* a NULL pool has size 1 and runs on the caller */

/* Run fn over [0, units) in chunks of at least `grain`; returns when all is done. Chunks are claimed
 * dynamically, so fn's result must not depend on how the range is cut. One caller at a time. */
void rf__pool_run(rf_pool *pool, int64_t units, int64_t grain, rf_task_fn fn, void *arg);

/* Flush denormals on the calling thread; returns the old MXCSR for rf__denormals_restore. */
uint32_t rf__denormals_flush(void);
void rf__denormals_restore(uint32_t old);

#endif
