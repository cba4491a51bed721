/* kernels.c - GFLOP/s of the dense kernels: ours beside bare oneDNN, forward, by data and by weights.
 *
 *   build/bench/kernels [threads] [seconds a figure]
 *
 * Each figure is the second best of seven samples, because the machines we run on are shared: a mean would record the
 * neighbours. Buffers hold random values (zeros run faster than data). STRAIT_CPU caps the instruction set of ours. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../src/base/cpu.h"
#include "../src/base/memory.h"
#include "../src/base/threads.h"
#include "../src/kernels/kernels.h"
#include "../src/kernels/onednn_rod.h"
#include "../src/kernels/scalar.h"

enum { SAMPLES = 7, DIRECTIONS = 3 };

typedef struct shape {
    int batch, h, w, cin, cout, kernel, stride;
} shape;

static const shape shapes[] = {
    {16, 32, 32, 64, 64, 3, 1},   {16, 32, 32, 64, 128, 3, 1},  {16, 16, 16, 128, 128, 3, 1}, {16, 8, 8, 256, 256, 3, 1},
    {16, 28, 28, 32, 32, 3, 1},   {16, 14, 14, 64, 64, 3, 1},   {16, 7, 7, 128, 128, 3, 1},   {16, 32, 32, 64, 128, 3, 2},
    {16, 32, 32, 3, 64, 3, 1},    {16, 32, 32, 64, 3, 3, 1},    {16, 16, 16, 128, 128, 1, 1}, {1, 1, 256, 384, 1536, 1, 1},
    {1, 1, 256, 1536, 384, 1, 1}, {1, 1, 256, 1152, 1152, 1, 1}, {1, 1, 16, 384, 1536, 1, 1}, {1, 1, 1, 384, 1536, 1, 1},
};

static rf_pool *pool;
static double budget = 0.35;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

typedef struct job { /* one kernel call, cut over the pool */
    rf_kernel_fn fn;
    const void *args;
    char *scratch;
    size_t scratch_bytes;
    int64_t units;
} job;

static void task(void *arg, int64_t begin, int64_t end, int worker) {
    const job *j = arg;
    j->fn(j->args, begin, end, j->scratch + worker * j->scratch_bytes);
}

static void run(const job *jobs, int count) {
    for (int i = 0; i < count; i++)
        if (jobs[i].units) rf__pool_run(pool, jobs[i].units, 1, task, (void *)&jobs[i]);
}

static double seconds(const job *jobs, int count) {
    double all[SAMPLES], start = now();
    int warm = 0;
    do run(jobs, count), warm++;
    while (now() - start < budget / 10);
    int times = (int)(budget / SAMPLES / ((now() - start) / warm)) + 1;
    for (int i = 0; i < SAMPLES; i++) {
        start = now();
        for (int n = 0; n < times; n++) run(jobs, count);
        all[i] = (now() - start) / times;
    }
    qsort(all, SAMPLES, sizeof *all, by_value);
    return all[1];
}

static void *values(rf_dtype dtype, int64_t n) {
    void *p = rf__alloc((size_t)n * rf__dtype_size(dtype));
    uint64_t state = 1;
    for (int64_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        rf__put(dtype, p, i, (float)(state >> 40) / 8388608.0f - 1.0f);
    }
    return p;
}

static char *scratch_for(job *j, size_t bytes) {
    j->scratch_bytes = (bytes + 63) / 64 * 64;
    return j->scratch = rf__alloc(j->scratch_bytes * rf__pool_size(pool) + 64);
}

/* Forward, or with `transposed` the gradient by data (of a strided convolution: dilated input). */
static double conv_seconds(const rf_conv_provider *p, const rf_conv_args *forward, bool transposed) {
    rf_conv_args a = *forward;
    rf_pack_args k = {.dtype = a.dtype, .cin = a.cin, .cout = a.cout, .kh = a.kh, .kw = a.kw, .transposed = transposed};
    float *weights = values(RF_F32, (int64_t)a.cin * a.cout * a.kh * a.kw);
    k.w = weights;
    k.packed = rf__alloc(p->packed_size(&k));
    p->pack(&k, 0, p->pack_units(&k), NULL);
    if (transposed) {
        a.cin = forward->cout, a.cout = forward->cin;
        a.h = forward->oh, a.w = forward->ow, a.oh = forward->h, a.ow = forward->w;
        a.dilate = forward->stride, a.stride = 1;
        a.pad_h = a.kh - 1 - forward->pad_h, a.pad_w = a.kw - 1 - forward->pad_w;
    }
    a.packed = k.packed;
    void *x = values(a.dtype, a.batch * a.h * a.w * a.cin), *y = values(a.dtype, a.batch * a.oh * a.ow * a.cout);
    float *bias = values(RF_F32, a.cout);
    a.x = x, a.y = y, a.bias = bias;
    job j = {.fn = p->conv, .args = &a, .units = p->conv_units(&a)};
    scratch_for(&j, p->conv_scratch(&a));
    double s = seconds(&j, 1);
    void *all[] = {weights, k.packed, x, y, bias, j.scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rf__free(all[i]);
    return s;
}

static double dw_seconds(const rf_conv_provider *p, const rf_conv_args *f) {
    rf_conv_dw_args a = {.dtype = f->dtype, .batch = f->batch, .h = f->h, .w = f->w, .cin = f->cin, .oh = f->oh, .ow = f->ow,
                         .cout = f->cout, .kh = f->kh, .kw = f->kw, .stride = f->stride, .pad_h = f->pad_h,
                         .pad_w = f->pad_w};
    void *x = values(a.dtype, a.batch * a.h * a.w * a.cin), *dy = values(a.dtype, a.batch * a.oh * a.ow * a.cout);
    a.x = x, a.dy = dy;
    a.dw = values(RF_F32, (int64_t)a.cin * a.cout * a.kh * a.kw);
    a.dbias = values(RF_F32, a.cout);
    a.shared = rf__alloc(p->dw_shared(&a) + 64);
    job j[2] = {{.fn = p->dw_prepare, .args = &a, .units = p->dw_prepare_units(&a)},
                {.fn = p->conv_dw, .args = &a, .units = p->dw_units(&a)}};
    j[0].scratch = scratch_for(&j[1], p->dw_scratch(&a));
    double s = seconds(j, 2);
    void *all[] = {x, dy, a.dw, a.dbias, a.shared, j[1].scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rf__free(all[i]);
    return s;
}

static void bench(const rf_kernels *table, const shape *s, rf_dtype dtype) {
    rf_conv_args a = {.dtype = dtype, .y_dtype = dtype, .batch = s->batch, .h = s->h, .w = s->w, .cin = s->cin,
                      .cout = s->cout, .kh = s->kernel, .kw = s->kernel, .stride = s->stride, .pad_h = s->kernel / 2,
                      .pad_w = s->kernel / 2, .dilate = 1, .scale = 1, .residual_scale = 1};
    a.oh = (s->h + 2 * a.pad_h - s->kernel) / s->stride + 1;
    a.ow = (s->w + 2 * a.pad_w - s->kernel) / s->stride + 1;
    double gflop = 2e-9 * (double)(a.batch * a.oh * a.ow) * a.cin * a.cout * a.kh * a.kw;
    double ours[DIRECTIONS] = {conv_seconds(&table->conv, &a, false), conv_seconds(&table->conv, &a, true),
                               dw_seconds(&table->conv, &a)};
    printf("%-4s %2dx%dx%-3d %4d -> %-4d k%d s%d ", dtype == RF_BF16 ? "bf16" : "f32", s->batch, s->h, s->w, s->cin, s->cout,
           s->kernel, s->stride);
    for (int i = 0; i < DIRECTIONS; i++) printf(" %6.0f", gflop / ours[i]);
    printf("  | ");
    for (int i = 0; i < DIRECTIONS; i++) {
        double theirs = rf__onednn_seconds(&a, i, rf__pool_size(pool), budget);
        if (theirs > 0) printf(" %6.0f", gflop / theirs);
        else printf("      -");
    }
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    rf_kernels table;
    pool = rf__pool_create(argc > 1 ? atoi(argv[1]) : 1);
    if (argc > 2) budget = atof(argv[2]);
    if (rf__kernels_select(&table, rf__cpu_flags(), "") != RF_OK) {
        fprintf(stderr, "%s\n", rf_last_error());
        return 1;
    }
    printf("GFLOP/s of '%s' on %d thread(s), and of bare oneDNN\n", table.isa, rf__pool_size(pool));
    printf("%-30s  %6s %6s %6s  | %6s %6s %6s\n", "images x h x w, channels", "fwd", "data", "dw", "fwd", "data", "dw");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++) bench(&table, &shapes[i], dtype);
    rf__pool_free(&pool);
    return 0;
}
