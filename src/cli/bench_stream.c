/* bench_stream.c - strait bench stream: the same jobs one after the other, in static batches, through StreamFlow's ring and by continuous
 * admission, on networks of several sizes; then where the whole gain comes from, each factor measured with the others held still. */
#include <stdio.h>
#include <string.h>

#include "../api/sampler.h"
#include "../base/cpu.h"
#include "../base/dtype.h"
#include "../base/memory.h"
#include "../base/stopwatch.h"
#include "args.h"
#include "bench.h"
#include "bench_scheme.h"
#include "command.h"
#include "report.h"
#include "shoot.h"

typedef struct settings {
    const char *networks, *dtype;
    rf_arg_list steps, jobs;
    int64_t rounds, threads;
    double load, budget;
} settings;

/* One network under test. */
typedef struct bench {
    const settings *settings;
    FILE *tables;
    const char *name;
    rf_model *model;
    rf_sampler *sampler;
    float *pictures; /* of the sequential run */
    json_t *cells;
} bench;

/* Measured, and the plans of all calls that will be made. */
static rf_status open_sampler(rf_sampler **out, rf_model *model, rf_dtype dtype, const settings *s, int stages) {
    const rf_sampler_opts opts = {.dtype = dtype, .threads = (int)s->threads, .rows = 0};
    RF_TRY(rf_sampler_open(out, model, &opts));
    RF_TRY(rf__sampler_measure(*out));
    int64_t most = rf__sampler_best_rows(*out) > stages ? rf__sampler_best_rows(*out) : stages;
    for (int64_t rows = 1; rows < 2 * most; rows *= 2) RF_TRY(rf__sampler_warm_rows(*out, rows));
    return RF_OK;
}

static rf_load load_of(const bench *b, int scheme, const double *steps, int step_count, int64_t jobs) {
    return (rf_load){.field = rf__sampler_field(b->sampler), .shape = &b->model->shape, .scheme = &rf__schemes[scheme], .steps = steps,
                     .step_count = step_count, .best_rows = rf__sampler_best_rows(b->sampler), .jobs = jobs, .pictures = b->pictures,
                     .keep = scheme == RF_SCHEME_SEQUENTIAL};
}

/* ---- one line of the table ---- */
typedef struct cell {
    rf_load_result busy;    /* all jobs there at once; the fastest round */
    rf_load_result arriving; /* jobs arrive at a part of what the sequential loop can do; latency of all rounds */
    double difference;
} cell;

static rf_status run_busy(const bench *b, cell cells[RF_SCHEMES], const double *steps, int step_count, int64_t jobs) {
    for (int64_t round = 0; round < b->settings->rounds; round++)
        for (int i = 0; i < RF_SCHEMES; i++) { /* in turns: what the machine does meanwhile meets them all */
            rf_load load = load_of(b, i, steps, step_count, jobs);
            rf_load_result result = {0};
            RF_TRY(rf__load_run(&load, &result));
            if (result.difference > cells[i].difference) cells[i].difference = result.difference;
            if (round == 0 || result.seconds < cells[i].busy.seconds) cells[i].busy = result;
        }
    return RF_OK;
}

static rf_status run_arriving(const bench *b, cell cells[RF_SCHEMES], const double *steps, int step_count, int64_t jobs) {
    double capacity = (double)jobs / cells[RF_SCHEME_SEQUENTIAL].busy.seconds;
    for (int64_t round = 0; round < b->settings->rounds; round++)
        for (int i = 0; i < RF_SCHEMES; i++) {
            rf_load load = load_of(b, i, steps, step_count, jobs);
            load.rate = b->settings->load * capacity;
            load.keep = false;
            RF_TRY(rf__load_run(&load, &cells[i].arriving));
            if (cells[i].arriving.difference > cells[i].difference) cells[i].difference = cells[i].arriving.difference;
        }
    return RF_OK;
}

static void print_cell(FILE *tables, const char *steps, int64_t jobs, const cell *c, const cell *base, int scheme) {
    const rf_load_result *r = &c->busy, *a = &c->arriving;
    double images = (double)jobs;
    fprintf(tables, "%-5s %5lld  %-11s %8.2f %6.2f %6.2f %5.0f%% %9.3f %9.3f %8.3f", steps, (long long)jobs, rf__schemes[scheme].name, images / r->seconds,
            base->busy.seconds / r->seconds, (double)r->rows / (double)r->calls, 100 * (double)r->rows / (double)r->computed,
            1e3 * r->network / (double)r->calls, 1e3 * r->network / images, 1e3 * (r->seconds - r->network) / images);
    if (a->latency.count) fprintf(tables, " %8.1f %8.1f", 1e3 * rf__histogram_at(&a->latency, 0.5), 1e3 * rf__histogram_at(&a->latency, 0.95));
    fprintf(tables, "\n");
}

static json_t *cell_json(const char *steps, int64_t jobs, const cell *c, int scheme) {
    const rf_load_result *r = &c->busy;
    json_t *json = json_pack(
        "{s:s, s:I, s:s, s:f, s:f, s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "steps", steps, "jobs", (json_int_t)jobs, "scheme", rf__schemes[scheme].name,
        "images_per_second", (double)jobs / r->seconds, "seconds", r->seconds, "calls", (json_int_t)r->calls, "rows", (json_int_t)r->rows,
        "rows_computed", (json_int_t)r->computed, "rows_per_call", (double)r->rows / (double)r->calls, "fill_rate",
        (double)r->rows / (double)r->computed, "network_seconds", r->network, "largest_difference", c->difference);
    json_object_set_new(json, "latency", c->arriving.latency.count ? rf__histogram_json(&c->arriving.latency) : json_null());
    return json;
}

/* All schemes on one kind of job. with_latency: with arrivals too. */
static rf_status compare(bench *b, const char *name, const double *steps, int step_count, int64_t jobs, bool with_latency) {
    cell *cells = rf__alloc_array(RF_SCHEMES, sizeof *cells);
    b->pictures = rf__alloc_array((size_t)jobs * (size_t)rf__sampler_field(b->sampler)->scalars, sizeof *b->pictures);
    rf_status status = cells && b->pictures ? RF_OK : rf__fail(RF_ENOMEM, "bench stream: no memory for %lld jobs", (long long)jobs);
    if (status == RF_OK) status = run_busy(b, cells, steps, step_count, jobs);
    if (status == RF_OK && with_latency) status = run_arriving(b, cells, steps, step_count, jobs);
    for (int i = 0; status == RF_OK && i < RF_SCHEMES; i++) {
        print_cell(b->tables, name, jobs, &cells[i], &cells[RF_SCHEME_SEQUENTIAL], i);
        json_array_append_new(b->cells, cell_json(name, jobs, &cells[i], i));
    }
    fflush(b->tables);
    rf__free(cells);
    rf__free(b->pictures);
    b->pictures = NULL;
    return status;
}

static rf_status compare_all(bench *b) {
    const rf_arg_list *steps = &b->settings->steps, *jobs = &b->settings->jobs;
    char mixed[32] = "";
    for (int i = 0; i < steps->count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%.0f", steps->at[i]);
        snprintf(mixed + strlen(mixed), sizeof mixed - strlen(mixed), "%s%s", i ? "+" : "", name);
        for (int k = 0; k < jobs->count; k++) RF_TRY(compare(b, name, &steps->at[i], 1, (int64_t)jobs->at[k], k == jobs->count - 1));
    }
    if (steps->count < 2) return RF_OK;
    return compare(b, mixed, steps->at, steps->count, (int64_t)jobs->at[jobs->count - 1], true);
}

/* ---- where the gain comes from ---- */

/* One call of one row. */
typedef struct lone_call {
    rf_plan *plan;
    rf_exec *exec;
    rf_pool *pool;
    rf_status status;
} lone_call;

static void call_once(void *arg) {
    lone_call *c = arg;
    if (c->status == RF_OK) c->status = rf__exec_run(c->exec, c->pool);
}

static rf_status time_lone_call(const bench *b, rf_pool *pool, bool fuse, double *seconds) {
    lone_call c = {.pool = pool};
    rf_graph *graph;
    RF_TRY(rf__model_graph(&graph, b->model, 1, RF_F32));
    rf_status status = (fuse ? rf__plan_build : rf__plan_build_apart)(&c.plan, graph, b->model->weights, NULL);
    if (status == RF_OK) status = rf__exec_create(&c.exec, c.plan, rf__pool_size(pool));
    if (status == RF_OK) {
        *seconds = rf__stopwatch(call_once, &c, b->settings->budget);
        status = c.status;
    }
    rf__exec_free(&c.exec);
    rf__plan_free(&c.plan);
    rf__graph_free(&graph);
    return status;
}

static rf_status lone_calls(const bench *b, double *apart, double *fused) {
    rf_pool *pool = rf__pool_create((int)b->settings->threads);
    if (!pool) return rf__fail(RF_ENOMEM, "bench stream: no memory for threads");
    rf_status status = time_lone_call(b, pool, false, apart);
    if (status == RF_OK) status = time_lone_call(b, pool, true, fused);
    rf__pool_free(&pool);
    return status;
}

/* Seconds of all jobs, pictures encoded: the fastest round. */
static rf_status time_load(const bench *b, int scheme, rf_encoding encoding, double *seconds) {
    const settings *s = b->settings;
    for (int64_t round = 0; round < s->rounds; round++) {
        rf_load load = load_of(b, scheme, s->steps.at, 1, (int64_t)s->jobs.at[s->jobs.count - 1]);
        rf_load_result result = {0};
        load.encoding = encoding;
        RF_TRY(rf__load_run(&load, &result));
        if (round == 0 || result.seconds < *seconds) *seconds = result.seconds;
    }
    return RF_OK;
}

static rf_status reopen(bench *b, rf_dtype dtype) {
    rf_sampler_close(&b->sampler);
    return open_sampler(&b->sampler, b->model, dtype, b->settings, (int)b->settings->steps.at[0]);
}

/* The ladder encodes what the network makes. */
static bool makes_pictures(const rf_model_shape *s) { return !s->flat && (s->channels == 1 || s->channels == 3 || s->channels == 4); }

static rf_status ladder(bench *b, json_t **out) {
    double jobs = b->settings->jobs.at[b->settings->jobs.count - 1], calls = jobs * b->settings->steps.at[0];
    double apart, fused, seconds[4] = {0};
    RF_TRY(lone_calls(b, &apart, &fused));
    RF_TRY(reopen(b, RF_F32));
    RF_TRY(time_load(b, RF_SCHEME_SEQUENTIAL, RF_ENCODE_INLINE, &seconds[0]));
    RF_TRY(time_load(b, RF_SCHEME_CONTINUOUS, RF_ENCODE_INLINE, &seconds[1]));
    RF_TRY(reopen(b, RF_BF16));
    RF_TRY(time_load(b, RF_SCHEME_CONTINUOUS, RF_ENCODE_INLINE, &seconds[2]));
    RF_TRY(time_load(b, RF_SCHEME_CONTINUOUS, RF_ENCODE_THREAD, &seconds[3]));
    double first = seconds[0] + calls * (apart - fused);
    const double gain[] = {first / seconds[0], seconds[0] / seconds[1], seconds[1] / seconds[2], seconds[2] / seconds[3]};
    fprintf(b->tables, "from %.2f images/s (a row a call, f32, no plan fusion, encoding between calls): fusion x %.2f, batching x %.2f, bf16 x %.2f, "
            "encoding overlapped x %.2f = %.2f images/s, x %.2f\n",
            jobs / first, gain[0], gain[1], gain[2], gain[3], jobs / seconds[3], first / seconds[3]);
    *out = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "first_images_per_second", jobs / first, "fusion", gain[0], "batching", gain[1], "bf16",
                     gain[2], "overlap", gain[3], "last_images_per_second", jobs / seconds[3], "whole", first / seconds[3]);
    return RF_OK;
}

/* ---- networks ---- */
static rf_status open_network(const char *name, rf_model **out) {
    for (int i = 0; rf__bench_networks[i]; i++)
        if (!strcmp(rf__bench_networks[i], name)) return rf__bench_network(name, out);
    return rf__model_open(out, name);
}

static void print_head(const bench *b) {
    const rf_row_times *times = rf__sampler_row_times(b->sampler);
    fprintf(b->tables, "\n%s: %.2f M parameters, %dx%d, %s; ms of a call by rows:", b->name, (double)rf__model_parameters(b->model) / 1e6, b->model->shape.width,
            b->model->shape.height, b->settings->dtype);
    for (int i = 0; times && i < times->count; i++) fprintf(b->tables, " %lld: %.2f", (long long)times->rows[i], 1e3 * times->seconds[i]);
    fprintf(b->tables, "; continuous takes %lld\n", (long long)rf__sampler_best_rows(b->sampler));
    fprintf(b->tables, "steps  jobs  scheme      images/s   gain r/call   fill   ms/call  ms/image     rest   p50 ms   p95 ms\n");
}

static rf_status measure(bench *b, json_t *networks) {
    json_t *gains = json_null();
    int stages = 1;
    for (int i = 0; i < b->settings->steps.count; i++)
        if (b->settings->steps.at[i] > stages) stages = (int)b->settings->steps.at[i];
    RF_TRY(open_network(b->name, &b->model));
    RF_TRY(open_sampler(&b->sampler, b->model, rf__dtype_of(b->settings->dtype), b->settings, stages));
    print_head(b);
    json_t *times = rf__row_times_json(rf__sampler_row_times(b->sampler));
    int64_t best = rf__sampler_best_rows(b->sampler);
    rf_status status = compare_all(b);
    if (status == RF_OK && b->settings->budget > 0 && makes_pictures(&b->model->shape)) status = ladder(b, &gains);
    else if (status == RF_OK && b->settings->budget > 0) fprintf(b->tables, "no list of gains: what this network makes are no pictures, which would be encoded\n");
    json_array_append_new(networks, json_pack("{s:s, s:I, s:o, s:I, s:O, s:o}", "network", b->name, "parameters",
                                              (json_int_t)rf__model_parameters(b->model), "row_times", times, "rows", (json_int_t)best, "cells",
                                              b->cells, "ladder", gains));
    return status;
}

static rf_status measure_all(const settings *s, FILE *tables, json_t *networks) {
    char *names = strdup(s->networks), *rest = names;
    rf_status status = names ? RF_OK : rf__fail(RF_ENOMEM, "bench stream: no memory");
    for (char *name; status == RF_OK && (name = strsep(&rest, ","));) {
        bench b = {.settings = s, .tables = tables, .name = name, .cells = json_array()};
        status = measure(&b, networks);
        json_decref(b.cells);
        rf_sampler_close(&b.sampler);
        rf_model_close(&b.model);
    }
    free(names);
    return status;
}

/* ---- the command ---- */
#define AT(member) offsetof(settings, member)
static const rf_arg table[] = {
    {"networks", 0, "model", RF_ARG_STRING, AT(networks), "tokens-16,tokens-64,tokens-256,models/fashion-rf.safetensors", 0, 0, NULL, "NAME,..",
     "checkpoints, or networks of `strait bench model`"},
    {"steps", 0, NULL, RF_ARG_INTS, AT(steps), "4,8", 1, 1000, NULL, "N,..", "each alone, then mixed"},
    {"jobs", 0, NULL, RF_ARG_INTS, AT(jobs), "4,24", 1, 100000, NULL, "N,..", "images of a run; few do not fill the ring. Latency is that of the last"},
    {"rounds", 0, NULL, RF_ARG_INT, AT(rounds), "2", 1, 1000, NULL, "N", "the schemes take turns; the fastest round counts"},
    {"load", 0, NULL, RF_ARG_FLOAT, AT(load), "0.8", 0.01, 100, NULL, "X", "for latency jobs arrive at random, X times as many as the sequential loop makes"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(dtype), "f32", 0, 0, rf__dtype_names, "TYPE", "of the table; the gains at the end go from f32 to bf16"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), "0", 0, 64, NULL, "N", "0: one a CPU"},
    {"budget", 0, NULL, RF_ARG_FLOAT, AT(budget), "0.5", 0, 100, NULL, "SECONDS", "for a lone call with and without fusion; 0: no list of gains"},
    {NULL}};

static const char examples[] = "  strait bench stream --json stream.json\n"
                               "  strait bench stream --networks models/fashion-rf.safetensors --steps 4 --jobs 1,2,4,8,64 --dtype bf16\n";

static rf_status run_all(const settings *s, const rf_common *common) {
    FILE *tables;
    if (!rf__kernels()) return RF_ENOTFOUND;
    RF_TRY(rf__bench_begin(common, &tables));
    fprintf(tables, "%s, %s; latency under %.2g times the load of the sequential loop; ms/image inside calls, rest outside them\n",
            rf__cpu_name(rf__cpu_flags()), rf__kernels()->conv.name, s->load);
    json_t *networks = json_array();
    rf_status status = measure_all(s, tables, networks);
    json_t *report = json_pack("{s:s, s:s, s:s, s:s, s:I, s:f, s:I, s:o}", "version", rf_version(), "isa", rf__cpu_name(rf__cpu_flags()), "convolutions",
                               rf__kernels()->conv.name, "dtype", s->dtype, "rounds", (json_int_t)s->rounds, "load", s->load, "threads",
                               (json_int_t)s->threads, "networks", networks);
    if (status == RF_OK) return rf__report_write(common->json, report);
    json_decref(report);
    return status;
}

static int run(int argc, char **argv) {
    static const rf_args spec = {"bench stream", "Compare ways of sharing network calls between images.", NULL, 0, 0, table, examples};
    settings s;
    rf_common common;
    rf__args_parse(&spec, argc, argv, &s, &common, NULL);
    int code = rf__cli_failed("bench stream", run_all(&s, &common));
    rf__args_fini(table, &s);
    return code;
}

const rf_bench rf__bench_stream = {"stream", "images/s and latency: sequential, static batches, StreamFlow's ring, continuous", run};
