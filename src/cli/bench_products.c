/* bench_products.c - strait bench products: the matrix products of transformers (tokens x in -> out) with each epilogue and with weights that
 * are not in a cache, their weight gradients, and attention, each in turn with what oneDNN does for the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../kernels/limits.h"
#include "args.h"
#include "bench.h"
#include "bench_job.h"
#include "command.h"
#include "report.h"

typedef struct settings {
    int64_t threads, count;
    double budget;
    const char *dtype, *set;
} settings;

typedef struct bed {
    const rf_kernels *table;
    rf_pool *pool;
    rf_dtype dtype;
    double budget, peak;
    FILE *tables;
    json_t *rows;
} bed;

/* DiT-S/2, DiT-B/2 and SiT-XL/2 with 1, 4 and 16 images, a ragged text-conditioned size, and one of 512x512 pictures. */
static const int products[][3] = {
    {256, 384, 384},    {256, 384, 1536},   {256, 768, 768},    {256, 768, 3072},    {256, 1152, 1152},  {256, 1152, 3456},  {256, 1152, 4608},
    {256, 4608, 1152},  {1024, 384, 1536},  {1024, 768, 3072},  {1024, 1152, 4608},  {1024, 4608, 1152}, {4096, 384, 1536},  {4096, 768, 3072},
    {4096, 1152, 4608}, {4096, 4608, 1152}, {333, 1536, 6144},  {1178, 1536, 1536},  {1178, 1536, 6144}, {1178, 6144, 1536}, {1536, 3072, 3072},
    {1536, 3072, 12288}, {1536, 12288, 3072}};
static const int gradients[][3] = {{4096, 384, 384},  {4096, 384, 1536}, {4096, 1536, 384}, {8192, 384, 1536},
                                   {1024, 768, 3072}, {4096, 768, 3072}, {4096, 3072, 768}, {4096, 1152, 4608}};
static const int attentions[][3] = {{6, 256, 64},    {12, 256, 64},   {16, 256, 72},   {96, 256, 64}, /* heads, tokens, dim */
                                    {24, 1178, 64}, {16, 1024, 64}, {16, 1024, 72}, {24, 1536, 128}};

static const struct variant {
    const char *name;
    rf_rod_epilogue epilogue;
    bool cold; /* weights cycle through 512 MiB */
} variants[] = {{"plain", RF_ROD_BIAS, false}, {"gelu", RF_ROD_GELU, false}, {"gate", RF_ROD_GATE, false}, {"cold", RF_ROD_BIAS, true}};
enum { COLD_BYTES = 512 << 20, VARIANTS = sizeof variants / sizeof *variants };

/* Prints and keeps one figure. */
static void show(const bed *b, const char *what, const int size[3], double gflop, rf_paired_seconds t) {
    if (rf__interrupted) return;
    fprintf(b->tables, " %6.0f", gflop / t.first);
    if (t.second > 0) fprintf(b->tables, " %6.0f x%-5.2f", gflop / t.second, t.ratio);
    else fprintf(b->tables, "      - -     ");
    fflush(b->tables);
    json_array_append_new(b->rows, json_pack("{ss s[iii] sf so so so}", "what", what, "size", size[0], size[1], size[2], "gflops", gflop / t.first, "onednn",
                                             t.second > 0 ? json_real(gflop / t.second) : json_null(), "ratio", t.second > 0 ? json_real(t.ratio) : json_null(), "of_peak",
                                             b->peak > 0 ? json_real(gflop / t.first / b->peak) : json_null()));
}

static rf_conv_args linear(rf_dtype dtype, const int size[3]) {
    return (rf_conv_args){.dtype = dtype, .y_dtype = dtype, .batch = 1, .h = 1, .w = size[0], .cin = size[1], .oh = 1, .ow = size[0], .cout = size[2],
                          .kh = 1, .kw = 1, .stride = 1, .dilate = 1, .scale = 1, .residual_scale = 1, .gate_stride = size[2]};
}

/* The same weights packed as often as fills COLD_BYTES, or once. */
static char *pack(const rf_conv_provider *p, const rf_conv_args *a, rf_bench_jobs *jobs, bool cold) {
    float *weights = rf__bench_values(RF_F32, (int64_t)a->cin * a->cout);
    rf_pack_args k = {.dtype = a->dtype, .cin = a->cin, .cout = a->cout, .kh = 1, .kw = 1, .w = weights};
    jobs->stride = (p->packed_size(&k) + 63) / 64 * 64;
    jobs->copies = cold ? (int)(COLD_BYTES / jobs->stride) + 1 : 1;
    char *packed = rf__bench_room(jobs->stride * (size_t)jobs->copies);
    k.packed = packed;
    p->pack(&k, 0, p->pack_units(&k), NULL);
    for (int i = 1; i < jobs->copies; i++) memcpy(packed + jobs->stride * (size_t)i, packed, jobs->stride);
    rf__free(weights);
    jobs->weights = packed;
    return packed;
}

static void time_product(const bed *b, const int size[3], const struct variant *v) {
    const rf_conv_provider *p = &b->table->conv;
    rf_conv_args a = linear(b->dtype, size);
    rf_bench_job j = {.fn = p->conv, .args = &a};
    rf_bench_jobs jobs = {.pool = b->pool, .jobs = &j, .count = 1, .cycled = &a};
    void *packed = pack(p, &a, &jobs, v->cold), *x = rf__bench_values(a.dtype, (int64_t)a.w * a.cin), *y = rf__bench_values(a.dtype, (int64_t)a.w * a.cout);
    void *residual = rf__bench_values(a.dtype, (int64_t)a.w * a.cout);
    float *bias = rf__bench_values(RF_F32, a.cout), *gate = rf__bench_values(RF_F32, a.cout);
    a.packed = packed, a.x = x, a.y = y, a.bias = bias;
    if (v->epilogue == RF_ROD_GELU) a.act = RF_ACT_GELU_TANH;
    if (v->epilogue == RF_ROD_GATE) a.gate = gate, a.residual = residual;
    j.units = p->conv_units(&a);
    char *scratch = rf__bench_scratch(&j, b->pool, p->conv_scratch(&a));
    rf_rod *rod = rf__rod_open(&a, RF_ROD_FORWARD, v->epilogue, jobs.copies);
    show(b, v->name, size, 2e-9 * size[0] * size[1] * size[2], rf__bench_jobs_time(&jobs, rod, b->budget));
    rf__rod_close(&rod);
    void *all[] = {packed, x, y, residual, bias, gate, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rf__free(all[i]);
}

static void time_gradient(const bed *b, const int size[3]) {
    const rf_conv_provider *p = &b->table->conv;
    rf_conv_args forward = linear(b->dtype, size);
    rf_conv_dw_args a = {.dtype = b->dtype, .batch = 1, .h = 1, .w = size[0], .cin = size[1], .oh = 1, .ow = size[0], .cout = size[2], .kh = 1, .kw = 1, .stride = 1};
    void *x = rf__bench_values(a.dtype, (int64_t)a.w * a.cin), *dy = rf__bench_values(a.dtype, (int64_t)a.w * a.cout);
    a.x = x, a.dy = dy, a.dw = rf__bench_values(RF_F32, (int64_t)a.cin * a.cout), a.dbias = rf__bench_values(RF_F32, a.cout);
    a.shared = rf__bench_room(p->dw_shared(&a) + 64);
    rf_bench_job j[2] = {{.fn = p->dw_prepare, .args = &a, .units = p->dw_prepare_units(&a)}, {.fn = p->conv_dw, .args = &a, .units = p->dw_units(&a)}};
    j[0].scratch = rf__bench_scratch(&j[1], b->pool, p->dw_scratch(&a));
    rf_rod *rod = rf__rod_open(&forward, RF_ROD_WEIGHTS, RF_ROD_BIAS, 1);
    show(b, "by_weights", size, 2e-9 * size[0] * size[1] * size[2], rf__bench_jobs_time(&(rf_bench_jobs){.pool = b->pool, .jobs = j, .count = 2}, rod, b->budget));
    rf__rod_close(&rod);
    void *all[] = {x, dy, a.dw, a.dbias, a.shared, j[1].scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rf__free(all[i]);
}

/* From the interleaved [tokens][q, k, v][heads][dim] of a projection, as networks have it; oneDNN has one array for each. */
static void time_attention(const bed *b, const int size[3]) {
    const int64_t width = (int64_t)size[0] * size[2], bytes = (int64_t)rf__dtype_size(b->dtype);
    char *qkv = rf__bench_values(b->dtype, 3 * width * size[1]), *y = rf__bench_values(b->dtype, width * size[1]);
    rf_attention_args a = {.dtype = b->dtype, .batch = 1, .tq = size[1], .tk = size[1], .heads = size[0], .dim = size[2], .q_stride = 3 * width, .k_stride = 3 * width,
                           .v_stride = 3 * width, .y_stride = width, .scale = 1, .q = qkv, .k = qkv + width * bytes, .v = qkv + 2 * width * bytes, .y = y};
    rf_bench_job j = {.fn = b->table->fn[RF_K_attention], .args = &a, .units = size[0]};
    char *scratch = rf__bench_scratch(&j, b->pool, b->table->attention_scratch(&a, false));
    rf_rod *rod = rf__rod_open_attention(&a);
    show(b, "attention", size, 4e-9 * size[0] * size[1] * size[1] * size[2], rf__bench_jobs_time(&(rf_bench_jobs){.pool = b->pool, .jobs = &j, .count = 1}, rod, b->budget));
    rf__rod_close(&rod);
    void *all[] = {qkv, y, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rf__free(all[i]);
}

/* How many of a list of sizes are measured; none when the set is another. */
static size_t sizes_of(const settings *s, const char *set, size_t listed) {
    if (strcmp(s->set, "all") != 0 && strcmp(s->set, set) != 0) return 0;
    return s->count && (size_t)s->count < listed ? (size_t)s->count : listed;
}

static void measure(const settings *s, const bed *b) {
    fprintf(b->tables, "%s, %s, %d threads: GFLOP/s of ours, of oneDNN, and the median ratio of pairs; register-only peak %.0f\n", b->table->isa, s->dtype, rf__pool_size(b->pool), b->peak);
    const size_t forward = sizes_of(s, "forward", sizeof products / sizeof *products), gradient = sizes_of(s, "gradient", sizeof gradients / sizeof *gradients);
    const size_t attention = sizes_of(s, "attention", sizeof attentions / sizeof *attentions);
    if (forward) fprintf(b->tables, "%-18s %-21s %-21s %-21s %s\n", "tokens in out", "bias", "gelu(x + bias)", "r + gate*(x + bias)", "bias, cold weights");
    for (size_t i = 0; i < forward && !rf__interrupted; i++) {
        fprintf(b->tables, "%5d %5d %5d ", products[i][0], products[i][1], products[i][2]);
        for (int v = 0; v < VARIANTS && !rf__interrupted; v++) time_product(b, products[i], &variants[v]);
        fputc('\n', b->tables);
    }
    if (gradient) fprintf(b->tables, "tokens in out: gradient by weights\n");
    for (size_t i = 0; i < gradient && !rf__interrupted; i++) {
        fprintf(b->tables, "%5d %5d %5d ", gradients[i][0], gradients[i][1], gradients[i][2]);
        time_gradient(b, gradients[i]);
        fputc('\n', b->tables);
    }
    if (attention) fprintf(b->tables, "heads tokens dim: attention, beside matmul, softmax, matmul\n");
    for (size_t i = 0; i < attention && !rf__interrupted; i++) {
        fprintf(b->tables, "%5d %5d %5d ", attentions[i][0], attentions[i][1], attentions[i][2]);
        time_attention(b, attentions[i]);
        fputc('\n', b->tables);
    }
}

#define AT(member) offsetof(settings, member)
static const char *const dtypes[] = {"bf16", "f32", NULL}, *const sets[] = {"all", "forward", "gradient", "attention", NULL};
static const rf_arg options[] = {
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), "0", 0, 64, NULL, "N", "0: one a CPU"},
    {"budget", 0, NULL, RF_ARG_FLOAT, AT(budget), "0.3", 0.001, 100, NULL, "SECONDS", "for each of the two engines and each figure"},
    {"dtype", 0, NULL, RF_ARG_CHOICE, AT(dtype), "bf16", 0, 0, dtypes, "TYPE", "of the numbers"},
    {"set", 0, NULL, RF_ARG_CHOICE, AT(set), "all", 0, 0, sets, "SET", "which of them"},
    {"count", 0, NULL, RF_ARG_INT, AT(count), "0", 0, 100, NULL, "N", "only the first N sizes of a set (0: all)"},
    {NULL}};

static int run(int argc, char **argv) {
    static const rf_args spec = {"bench products", "Measure products, their weight gradients and attention beside oneDNN's.", NULL, 0, 0, options,
                                 "  strait bench products\n  STRAIT_CPU=avx512 strait bench products --dtype f32 --set forward\n"};
    settings s;
    rf_common common;
    rf__args_parse(&spec, argc, argv, &s, &common, NULL);
    bed b = {.pool = rf__pool_create((int)s.threads), .dtype = rf__dtype_of(s.dtype), .budget = s.budget, .rows = json_array()};
    rf_status status = rf__bench_table(&b.table);
    if (status == RF_OK && !b.pool) status = rf__fail(RF_ENOMEM, "no memory for threads");
    if (status == RF_OK) status = rf__bench_begin(&common, &b.tables);
    if (status == RF_OK) {
        b.peak = rf__limit_dense(b.dtype, b.pool, s.budget);
        rf__rod_threads(rf__pool_size(b.pool));
        measure(&s, &b);
        status = rf__interrupted ? rf__fail(RF_EINTERRUPTED, "interrupted") : rf__report_write(common.json, json_pack("{ss ss si sf sO}", "isa", b.table->isa, "dtype", s.dtype, "threads", rf__pool_size(b.pool), "peak", b.peak, "rows", b.rows));
    }
    json_decref(b.rows);
    rf__pool_free(&b.pool);
    return rf__cli_failed("bench products", status);
}

const rf_bench rf__bench_products = {"products", "transformers' products, gradients and attention, in turn with oneDNN's", run};
