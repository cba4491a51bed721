/* bench_kernels.c - strait bench kernels: GFLOP/s of the dense kernels, ours beside bare oneDNN in turn, forward, by data and by weights, and
 * how much of the register-only peak of the same run that is. Buffers hold random values (zeros run faster than data). STRAIT_CPU caps
 * the instruction set of ours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/cpu.h"
#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../kernels/kernels.h"
#include "../kernels/limits.h"
#include "../kernels/scalar.h"
#include "args.h"
#include "bench.h"
#include "bench_job.h"
#include "command.h"
#include "report.h"

enum { DIRECTIONS = 3 };
static const char *const direction_names[DIRECTIONS] = {"forward", "by_data", "by_weights"};

typedef struct settings {
    int64_t threads;
    double budget;
    const char *dtype, *set;
} settings;

typedef struct shape {
    const char *set;
    int batch, h, w, cin, cout, kernel, stride;
} shape;

/* unet: the convolutions of the shipped and the 7 M networks; dit: the linear layers of DiT-S/2, DiT-B/2 and SiT-XL/2 at 256 tokens, batch
 * 1 and 4, and the ragged 1178 tokens of a text-conditioned model. */
static const shape shapes[] = {
    {"unet", 16, 32, 32, 64, 64, 3, 1},   {"unet", 16, 32, 32, 64, 128, 3, 1}, {"unet", 16, 16, 16, 128, 128, 3, 1},
    {"unet", 16, 8, 8, 256, 256, 3, 1},   {"unet", 16, 28, 28, 32, 32, 3, 1},  {"unet", 16, 14, 14, 64, 64, 3, 1},
    {"unet", 16, 7, 7, 128, 128, 3, 1},   {"unet", 16, 32, 32, 64, 128, 3, 2}, {"unet", 16, 32, 32, 3, 64, 3, 1},
    {"unet", 16, 32, 32, 64, 3, 3, 1},    {"unet", 16, 16, 16, 128, 128, 1, 1},
    {"dit", 1, 1, 256, 384, 384, 1, 1},   {"dit", 1, 1, 256, 384, 1536, 1, 1}, {"dit", 1, 1, 256, 1536, 384, 1, 1},
    {"dit", 1, 1, 256, 768, 3072, 1, 1},  {"dit", 1, 1, 256, 3072, 768, 1, 1}, {"dit", 1, 1, 256, 1152, 4608, 1, 1},
    {"dit", 1, 1, 256, 4608, 1152, 1, 1}, {"dit", 4, 1, 256, 384, 1536, 1, 1}, {"dit", 4, 1, 256, 1152, 4608, 1, 1},
    {"dit", 1, 1, 1178, 1536, 1536, 1, 1}, {"dit", 1, 1, 16, 384, 1536, 1, 1}, {"dit", 1, 1, 1, 384, 1536, 1, 1},
};

/* What a benchmark of one shape needs at hand. */
typedef struct bed {
    rf_pool *pool;
    double budget;
    FILE *tables;
    rf_rod *rod; /* what stands beside ours, or NULL */
} bed;

static rf_paired_seconds seconds(const bed *b, const rf_bench_job *jobs, int count) {
    return rf__bench_jobs_time(&(rf_bench_jobs){.pool = b->pool, .jobs = jobs, .count = count}, b->rod, b->budget);
}

/* Forward, or with `transposed` the gradient by data (of a strided convolution: dilated input). */
static rf_paired_seconds conv_seconds(const bed *b, const rf_conv_provider *p, const rf_conv_args *forward, bool transposed) {
    rf_conv_args a = *forward;
    rf_pack_args k = {.dtype = a.dtype, .cin = a.cin, .cout = a.cout, .kh = a.kh, .kw = a.kw, .transposed = transposed};
    float *weights = rf__bench_values(RF_F32, (int64_t)a.cin * a.cout * a.kh * a.kw);
    k.w = weights;
    k.packed = rf__bench_room(p->packed_size(&k));
    p->pack(&k, 0, p->pack_units(&k), NULL);
    if (transposed) {
        a.cin = forward->cout, a.cout = forward->cin;
        a.h = forward->oh, a.w = forward->ow, a.oh = forward->h, a.ow = forward->w;
        a.dilate = forward->stride, a.stride = 1;
        a.pad_h = a.kh - 1 - forward->pad_h, a.pad_w = a.kw - 1 - forward->pad_w;
    }
    a.packed = k.packed;
    void *x = rf__bench_values(a.dtype, a.batch * a.h * a.w * a.cin), *y = rf__bench_values(a.dtype, a.batch * a.oh * a.ow * a.cout);
    float *bias = rf__bench_values(RF_F32, a.cout);
    a.x = x, a.y = y, a.bias = bias;
    rf_bench_job j = {.fn = p->conv, .args = &a, .units = p->conv_units(&a)};
    rf__bench_scratch(&j, b->pool, p->conv_scratch(&a));
    rf_paired_seconds s = seconds(b, &j, 1);
    void *all[] = {weights, k.packed, x, y, bias, j.scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rf__free(all[i]);
    return s;
}

/* Forward in whole numbers, with making bytes of bf16 input. */
static rf_paired_seconds int8_seconds(const bed *b, const rf_kernels *table, const rf_conv_args *forward) {
    const rf_conv_provider *p = &table->conv_int8;
    rf_conv_args a = *forward;
    const int64_t pixels = a.batch * a.h * a.w;
    const bool one = a.kh == 1 && a.stride == 1;
    rf_pack_args k = {.dtype = RF_INT8, .cin = a.cin, .cout = a.cout, .kh = a.kh, .kw = a.kw};
    float *weights = rf__bench_values(RF_F32, (int64_t)a.cin * a.cout * a.kh * a.kw), *bias = rf__bench_values(RF_F32, a.cout);
    k.w = weights;
    k.packed = rf__bench_room(p->packed_size(&k));
    p->pack(&k, 0, p->pack_units(&k), NULL);
    void *x = rf__bench_values(RF_BF16, pixels * a.cin), *y = rf__bench_values(RF_BF16, a.batch * a.oh * a.ow * a.cout);
    rf_quantise_args q = {.pixels = pixels, .group = one ? 1 : a.h * a.w, .channels = a.cin, .x = x};
    q.peak = one ? NULL : rf__bench_room((size_t)pixels * sizeof(float));
    q.scale = rf__bench_room((size_t)pixels * sizeof(float));
    q.q = rf__bench_room((size_t)(pixels * a.cin));
    a.dtype = RF_INT8, a.y_dtype = RF_BF16;
    a.packed = k.packed, a.x = q.q, a.x_scale = q.scale, a.bias = bias, a.y = y;
    a.x_group = one ? 1 : (int64_t)a.oh * a.ow;
    rf_bench_job j[3] = {{.fn = table->fn[RF_K_peak], .args = &q, .units = one ? 0 : pixels, .grain = 64},
                {.fn = table->fn[RF_K_quantise], .args = &q, .units = pixels, .grain = 64},
                {.fn = p->conv, .args = &a, .units = p->conv_units(&a)}};
    char *scratch = rf__bench_scratch(&j[2], b->pool, p->conv_scratch(&a));
    rf_paired_seconds s = seconds(b, j, 3);
    void *all[] = {weights, bias, k.packed, x, y, q.peak, q.scale, q.q, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rf__free(all[i]);
    return s;
}

static rf_paired_seconds dw_seconds(const bed *b, const rf_conv_provider *p, const rf_conv_args *f) {
    rf_conv_dw_args a = {.dtype = f->dtype, .batch = f->batch, .h = f->h, .w = f->w, .cin = f->cin, .oh = f->oh, .ow = f->ow,
                         .cout = f->cout, .kh = f->kh, .kw = f->kw, .stride = f->stride, .pad_h = f->pad_h,
                         .pad_w = f->pad_w};
    void *x = rf__bench_values(a.dtype, a.batch * a.h * a.w * a.cin), *dy = rf__bench_values(a.dtype, a.batch * a.oh * a.ow * a.cout);
    a.x = x, a.dy = dy;
    a.dw = rf__bench_values(RF_F32, (int64_t)a.cin * a.cout * a.kh * a.kw);
    a.dbias = rf__bench_values(RF_F32, a.cout);
    a.shared = rf__bench_room(p->dw_shared(&a) + 64);
    rf_bench_job j[2] = {{.fn = p->dw_prepare, .args = &a, .units = p->dw_prepare_units(&a)},
                {.fn = p->conv_dw, .args = &a, .units = p->dw_units(&a)}};
    j[0].scratch = rf__bench_scratch(&j[1], b->pool, p->dw_scratch(&a));
    rf_paired_seconds s = seconds(b, j, 2);
    void *all[] = {x, dy, a.dw, a.dbias, a.shared, j[1].scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rf__free(all[i]);
    return s;
}

static rf_conv_args args_of(const shape *s, rf_dtype dtype) {
    rf_conv_args a = {.dtype = dtype, .y_dtype = dtype, .batch = s->batch, .h = s->h, .w = s->w, .cin = s->cin,
                      .cout = s->cout, .kh = s->kernel, .kw = s->kernel, .stride = s->stride, .pad_h = s->kernel / 2,
                      .pad_w = s->kernel / 2, .dilate = 1, .scale = 1, .residual_scale = 1};
    a.oh = (s->h + 2 * a.pad_h - s->kernel) / s->stride + 1;
    a.ow = (s->w + 2 * a.pad_w - s->kernel) / s->stride + 1;
    return a;
}

/* One line: ours and theirs in GFLOP/s a direction, and the median of the pairs' ratios. */
static json_t *bench_shape(const bed *b, const rf_kernels *table, const shape *s, rf_dtype dtype, double peak) {
    rf_conv_args a = args_of(s, dtype);
    double gflop = 2e-9 * (double)(a.batch * a.oh * a.ow) * a.cin * a.cout * a.kh * a.kw;
    const char *type = rf__dtype_name(dtype);
    if (dtype == RF_INT8) a.dtype = a.y_dtype = RF_BF16; /* what goes in and out, and what oneDNN computes in beside it */
    fprintf(b->tables, "%-4s %2dx%dx%-4d %4d -> %-4d k%d s%d ", type, s->batch, s->h, s->w, s->cin, s->cout, s->kernel, s->stride);
    json_t *line = json_pack("{ss s[iiiiiii]}", "dtype", type, "shape", s->batch, s->h, s->w, s->cin, s->cout, s->kernel, s->stride);
    for (int i = 0; i < (dtype == RF_INT8 ? 1 : DIRECTIONS) && !rf__interrupted; i++) {
        bed pair = *b;
        pair.rod = rf__rod_open(&a, i, RF_ROD_BIAS, 1);
        rf_paired_seconds t = dtype == RF_INT8 ? int8_seconds(&pair, table, &a) : i == RF_ROD_WEIGHTS ? dw_seconds(&pair, &table->conv, &a) : conv_seconds(&pair, &table->conv, &a, i == RF_ROD_DATA);
        rf__rod_close(&pair.rod);
        if (rf__interrupted) break;
        fprintf(b->tables, " %6.0f", gflop / t.first);
        if (t.second > 0) fprintf(b->tables, " %6.0f x%-5.2f", gflop / t.second, t.ratio);
        else fprintf(b->tables, "      - -     ");
        json_object_set_new(line, direction_names[i], json_pack("{sf so so so}", "gflops", gflop / t.first, "onednn", t.second > 0 ? json_real(gflop / t.second) : json_null(),
                                                                "ratio", t.second > 0 ? json_real(t.ratio) : json_null(), "of_peak", peak > 0 ? json_real(gflop / t.first / peak) : json_null()));
        if (i == 0 && peak > 0) fprintf(b->tables, "%3.0f%% ", 100 * gflop / t.first / peak);
        fflush(b->tables);
    }
    fprintf(b->tables, "\n");
    return line;
}

static rf_status measure(const settings *s, const bed *b, json_t **out) {
    const rf_kernels *table;
    RF_TRY(rf__bench_table(&table));
    double peaks[RF_DTYPES] = {0};
    for (int i = 0; rf__dtype_names[i]; i++) {
        rf_dtype dtype = rf__dtype_of(rf__dtype_names[i]);
        peaks[dtype] = rf__limit_dense(dtype, b->pool, b->budget);
    }
    rf__rod_threads(rf__pool_size(b->pool));
    json_t *rows = json_array();
    fprintf(b->tables, "GFLOP/s of '%s' on %d thread(s), of bare oneDNN, and ours over theirs; register-only peak %.0f (f32), %.0f (bf16), %.0f (int8)\n", table->isa,
            rf__pool_size(b->pool), peaks[RF_F32], peaks[RF_BF16], peaks[RF_INT8]);
    fprintf(b->tables, "%-34s %-25s %-20s %-20s\n", "images x h x w, channels", "forward (of peak)", "by data", "by weights");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int k = 0; rf__dtype_names[k] && !rf__interrupted; k++) {
            rf_dtype dtype = rf__dtype_of(rf__dtype_names[k]);
            if (strcmp(s->set, "all") != 0 && strcmp(s->set, shapes[i].set) != 0) continue;
            if (strcmp(s->dtype, "all") != 0 && strcmp(s->dtype, rf__dtype_names[k]) != 0) continue;
            if (dtype == RF_INT8 && (shapes[i].cin < 32 || shapes[i].cout < 32 || shapes[i].cin % 4)) continue; /* stays bf16 in plans (graph/lower_dense.c) */
            json_array_append_new(rows, bench_shape(b, table, &shapes[i], dtype, peaks[dtype]));
        }
    *out = json_pack("{ss si sf sf sf so}", "isa", table->isa, "threads", rf__pool_size(b->pool), "peak_f32", peaks[RF_F32], "peak_bf16", peaks[RF_BF16],
                     "peak_int8", peaks[RF_INT8], "rows", rows);
    return rf__interrupted ? rf__fail(RF_EINTERRUPTED, "interrupted") : RF_OK;
}

#define AT(member) offsetof(settings, member)
static const char *const dtypes[] = {"all", "f32", "bf16", "int8", NULL}, *const sets[] = {"all", "unet", "dit", NULL};
static const rf_arg options[] = {
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), "0", 0, 64, NULL, "N", "0: one a CPU"},
    {"budget", 0, NULL, RF_ARG_FLOAT, AT(budget), "0.35", 0.01, 100, NULL, "SECONDS", "for each figure"},
    {"dtype", 0, NULL, RF_ARG_CHOICE, AT(dtype), "all", 0, 0, dtypes, "TYPE", "of the numbers"},
    {"shapes", 0, NULL, RF_ARG_CHOICE, AT(set), "all", 0, 0, sets, "SET", "which list"},
    {NULL}};

static int run(int argc, char **argv) {
    static const rf_args spec = {"bench kernels", "Measure the dense kernels beside oneDNN's.", NULL, 0, 0, options,
                                 "  strait bench kernels --shapes dit --dtype bf16\n"};
    settings s;
    rf_common common;
    rf__args_parse(&spec, argc, argv, &s, &common, NULL);
    bed b = {.pool = rf__pool_create((int)s.threads), .budget = s.budget};
    json_t *report = NULL;
    rf_status status = b.pool ? rf__bench_begin(&common, &b.tables) : rf__fail(RF_ENOMEM, "no memory for threads");
    if (status == RF_OK) status = measure(&s, &b, &report);
    if (status == RF_OK) status = rf__report_write(common.json, report);
    else json_decref(report);
    rf__pool_free(&b.pool);
    return rf__cli_failed("bench kernels", status);
}

const rf_bench rf__bench_kernels = {"kernels", "convolutions and linear layers, ours beside bare oneDNN, and the share of the peak", run};
