/* bench_job.c - see bench_job.h. */
#include "bench_job.h"

#include <stdlib.h>

#include "../base/memory.h"
#include "../kernels/scalar.h"
#include "command.h"

static void task(void *arg, int64_t begin, int64_t end, int worker) {
    const rf_bench_job *j = arg;
    j->fn(j->args, begin, end, j->scratch + worker * j->scratch_bytes);
}

static void run(void *arg) {
    rf_bench_jobs *s = arg;
    if (s->cycled) {
        s->turn = (s->turn + 1) % s->copies;
        s->cycled->packed = s->weights + s->stride * (size_t)s->turn;
    }
    for (int i = 0; i < s->count; i++)
        if (s->jobs[i].units) rf__pool_run(s->pool, s->jobs[i].units, s->jobs[i].grain ? s->jobs[i].grain : 1, task, (void *)&s->jobs[i]);
}

rf_paired_seconds rf__bench_jobs_time(rf_bench_jobs *jobs, rf_rod *rod, double budget) {
    if (!rod) return (rf_paired_seconds){.first = rf__stopwatch(run, jobs, budget)};
    return rf__stopwatch_pair(run, jobs, rf__rod_run, rod, budget);
}

rf_status rf__bench_table(const rf_kernels **out) {
    *out = rf__kernels();
    if (!*out) return RF_ENOTFOUND;
    if ((*out)->conv.conv_prepare) return rf__fail(RF_EUNSUPPORTED, "STRAIT_PROVIDER is %s, expected native or ref: it is measured beside them", (*out)->conv.name);
    return RF_OK;
}

void *rf__bench_room(size_t bytes) {
    void *p = rf__alloc(bytes);
    if (p) return p;
    rf__fail(RF_ENOMEM, "no memory for %zu MiB", (bytes >> 20) + 1);
    exit(rf__cli_failed("bench", RF_ENOMEM));
}

void *rf__bench_values(rf_dtype dtype, int64_t n) {
    void *p = rf__bench_room((size_t)n * rf__dtype_size(dtype));
    uint64_t state = 1;
    for (int64_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        rf__put(dtype, p, i, (float)(state >> 40) / 8388608.0f - 1.0f);
    }
    return p;
}

char *rf__bench_scratch(rf_bench_job *job, const rf_pool *pool, size_t bytes) {
    job->scratch_bytes = (bytes + 63) / 64 * 64;
    return job->scratch = rf__bench_room(job->scratch_bytes * (size_t)rf__pool_size(pool) + 64);
}
