/* bench_model.c - strait bench model: one forward call of a network for several numbers of rows: time, rate, share of the peak of the same
 * run, the sum of bare oneDNN's times for the same layers alone, and a sampler's step, which finds what depends on t and class alone computed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../base/rng.h"
#include "../base/stopwatch.h"
#include "../kernels/limits.h"
#include "../models/model_field.h"
#include "../train/bare.h"
#include "args.h"
#include "bench.h"
#include "bench_bed.h"

typedef struct settings {
    rf_bench_subject of; /* first */
    rf_arg_list rows;
    bool profile;
} settings;

/* Seconds of bare oneDNN for the plan's dense layers; 0 when this build has none. */
static double bare(const rf_bench_bed *b, double budget) {
    rf_bare_seconds out;
    if (rf__bare_measure(&out, b->plan, 1, rf__pool_size(b->pool), budget / 10) != RF_OK) return 0;
    return out.forward;
}

/* Rows at one time and of one class, asked again and again. */
typedef struct step {
    rf_field field;
    int64_t rows;
    float *x, *t, *v;
    rf_cond *cond;
    rf_status status;
} step;

static void run_step(void *arg) {
    step *s = arg;
    if (s->status == RF_OK) s->status = s->field.velocity(s->field.self, s->rows, s->x, s->t, s->cond, s->v);
}

/* Seconds of a call through the field; copies of pictures in and out are in it. */
static rf_status time_step(rf_model *model, rf_dtype dtype, int64_t rows, rf_pool *pool, double budget, double *seconds) {
    rf_model_field *handle;
    RF_TRY(rf__model_field_open(&handle, model, dtype, pool, rows));
    step s = {.field = rf__model_field_view(handle), .rows = rows};
    const size_t count = (size_t)(rows * s.field.scalars);
    s.x = rf__alloc_array(count, sizeof *s.x);
    s.v = rf__alloc_array(count, sizeof *s.v);
    s.t = rf__alloc_array((size_t)rows, sizeof *s.t);
    s.cond = rf__alloc_array((size_t)rows, sizeof *s.cond);
    if (!s.x || !s.v || !s.t || !s.cond) s.status = rf__fail(RF_ENOMEM, "no memory for %lld rows", (long long)rows);
    if (s.status == RF_OK) {
        rf__rng_normal(1, RF_STREAM_NOISE, 0, (int64_t)count, s.x);
        for (int64_t r = 0; r < rows && model->shape.refines; r++) { /* a refiner is told a velocity */
            s.cond[r].before = s.x + r * s.field.scalars;
            s.cond[r].gap = (float)model->refiner.gap_most;
            s.cond[r].scale = (float)model->refiner.scale_most;
        }
        *seconds = rf__stopwatch(run_step, &s, budget);
    }
    rf__free(s.x);
    rf__free(s.v);
    rf__free(s.t);
    rf__free(s.cond);
    rf__model_field_close(&handle);
    return s.status;
}

static rf_status bench_rows(const settings *s, rf_model *model, rf_dtype dtype, int64_t rows, rf_pool *pool, double peak, FILE *tables, json_t *out) {
    rf_bench_bed b;
    rf_status status = rf__bench_bed_init(&b, model, dtype, rows, pool);
    double seconds = status == RF_OK ? rf__stopwatch(rf__bench_bed_run, &b, s->of.budget) : 0;
    if (status == RF_OK) status = b.status;
    double kept = 0;
    if (status == RF_OK) status = time_step(model, dtype, rows, pool, s->of.budget, &kept);
    double theirs = status == RF_OK ? bare(&b, s->of.budget) : 0;
    if (status == RF_OK && rf__interrupted) status = rf__fail(RF_EINTERRUPTED, "interrupted");
    if (status == RF_OK) {
        rf_plan_stats stats = rf__plan_stats(b.plan);
        double rate = stats.gflop / seconds;
        fprintf(tables, "%5lld %10.3f %10.1f %10.0f %7.0f %%", (long long)rows, 1e3 * seconds, (double)rows / seconds, rate, peak > 0 ? 100 * rate / peak : 0);
        if (theirs > 0) fprintf(tables, " %12.3f %8.2f", 1e3 * theirs, seconds / theirs);
        else fprintf(tables, " %12s %8s", "-", "-");
        fprintf(tables, " %10.3f %10.1f\n", 1e3 * kept, (double)stats.arena_bytes / 1048576);
        fflush(tables);
        json_array_append_new(out, json_pack("{sI sf sf sf sf so sI}", "rows", (json_int_t)rows, "seconds", seconds, "step_seconds", kept, "gflops", rate, "of_peak",
                                             peak > 0 ? rate / peak : 0, "onednn_layers_seconds", theirs > 0 ? json_real(theirs) : json_null(), "arena_bytes",
                                             (json_int_t)stats.arena_bytes));
    }
    if (status == RF_OK && s->profile) {
        rf__exec_profile(b.exec, true);
        status = rf__exec_run(b.exec, pool);
        rf__exec_profile_print(b.exec, stderr);
    }
    rf__bench_bed_fini(&b);
    return status;
}

static rf_status measure(const void *user, rf_model *model, rf_pool *pool, FILE *tables, json_t **report) {
    const settings *s = user;
    if (!rf__kernels()) return RF_ENOTFOUND;
    static const double usual[] = {1, 4, 16};
    const double *list = s->rows.count ? s->rows.at : usual;
    int count = s->rows.count ? s->rows.count : 3;
    rf_dtype dtype = rf__dtype_of(s->of.dtype);
    double peak = rf__limit_dense(dtype, pool, s->of.budget);
    json_t *rows = json_array();
    fprintf(tables, "%s: %.2f M parameters, %s, %s, %d threads; register-only peak %.0f GFLOP/s\n", s->of.model ? s->of.model : s->of.network,
            (double)rf__model_parameters(model) / 1e6, s->of.dtype, rf__kernels()->isa, rf__pool_size(pool), peak);
    fprintf(tables, "%5s %10s %10s %10s %9s %12s %8s %10s %10s\n", "rows", "ms", "rows/s", "GFLOP/s", "of peak", "oneDNN ms", "ratio", "step ms", "arena MiB");
    rf_status status = RF_OK;
    for (int i = 0; i < count && status == RF_OK && !rf__interrupted; i++) status = bench_rows(s, model, dtype, (int64_t)list[i], pool, peak, tables, rows);
    *report = json_pack("{ss sI ss ss si sf so}", "model", s->of.model ? s->of.model : s->of.network, "parameters", (json_int_t)rf__model_parameters(model), "dtype",
                        s->of.dtype, "isa", rf__kernels()->isa, "threads", rf__pool_size(pool), "peak_gflops", peak, "rows", rows);
    return status;
}

#define AT(member) offsetof(settings, member)
static const rf_arg table[] = {
    {"model", 'm', "model-path", RF_ARG_STRING, AT(of.model), NULL, 0, 0, NULL, "FILE", "this checkpoint, instead of a network by name"},
    {"network", 0, NULL, RF_ARG_CHOICE, AT(of.network), "dit-s2", 0, 0, rf__bench_networks, "NAME", "a published size with random weights, on 32x32x4 (DiT, SiT) or 32x32x3, or one of `bench stream`"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(of.dtype), "bf16", 0, 0, rf__dtype_names, "TYPE", "of the numbers inside"},
    {"rows", 0, NULL, RF_ARG_INTS, AT(rows), NULL, 1, 4096, NULL, "N,..", "rows of a call (1,4,16)"},
    {"threads", 't', NULL, RF_ARG_INT, AT(of.threads), "0", 0, 64, NULL, "N", "0: one a CPU"},
    {"budget", 0, NULL, RF_ARG_FLOAT, AT(of.budget), "1", 0.01, 100, NULL, "SECONDS", "for each figure"},
    {"profile", 0, NULL, RF_ARG_FLAG, AT(profile), NULL, 0, 0, NULL, NULL, "seconds of every kernel, on stderr"},
    {NULL}};

static int run(int argc, char **argv) {
    static const rf_args spec = {"bench model", "Measure one call of a network.", NULL, 0, 0, table,
                                 "  strait bench model --network dit-b2 --rows 1,4,16\n  strait bench model -m models/fashion-rf.safetensors --dtype f32\n"};
    settings s;
    return rf__bench_subject_run(&spec, &s, argc, argv, measure);
}

const rf_bench rf__bench_model = {"model", "a network's forward call by rows, beside its bare layers in oneDNN", run};
