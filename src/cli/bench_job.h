/* bench_job.h - kernel calls on random values, timed beside oneDNN's; for `strait bench kernels` and `products`. */
#ifndef RF_CLI_BENCH_JOB_H
#define RF_CLI_BENCH_JOB_H
#include "../base/stopwatch.h"
#include "../base/threads.h"
#include "../kernels/kernels.h"
#include "../kernels/onednn_rod.h"

typedef struct rf_bench_job { /* one kernel call, cut over the pool */
    rf_kernel_fn fn;
    const void *args;
    char *scratch;
    size_t scratch_bytes; /* a thread */
    int64_t units, grain; /* units 0: left out; grain 0: 1 */
} rf_bench_job;

typedef struct rf_bench_jobs { /* calls one after the other: one run */
    rf_pool *pool;
    const rf_bench_job *jobs;
    int count;
    /* The packed weights of this convolution change from run to run, through `copies` places `stride` bytes apart. NULL: they do not. */
    rf_conv_args *cycled;
    const char *weights;
    size_t stride;
    int copies, turn;
} rf_bench_jobs;

/* The table of this process. errors: RF_EUNSUPPORTED when STRAIT_PROVIDER puts a library in the place of our kernels: it stands beside them anyway. */
rf_status rf__bench_table(const rf_kernels **out);
/* 64-byte aligned; free with rf__free. Without the memory there is nothing to measure: says so and ends the program. */
void *rf__bench_room(size_t bytes);
/* n values in (-1, 1): zeros would run faster than data. Free with rf__free. */
void *rf__bench_values(rf_dtype dtype, int64_t n);
/* Give the job scratch of so many bytes a thread: returned, free with rf__free. */
char *rf__bench_scratch(rf_bench_job *job, const rf_pool *pool, size_t bytes);
/* A run of ours, and of the rod's in turn with it. rod NULL: ours alone, `second` and `ratio` are 0. */
rf_paired_seconds rf__bench_jobs_time(rf_bench_jobs *jobs, rf_rod *rod, double budget);

#endif
