/* cmd_pairs.c - pairs of noise and the data a teacher carries it to: what reflow and distillation learn from. */
#include <math.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../io/pairs.h"
#include "command.h"
#include "outpath.h"
#include "pairs_invert.h"
#include "report.h"
#include "sampling_args.h"
#include "shoot.h"

typedef struct pairs_flags {
    rf_sampling_flags sampling; /* first */
    const char *model, *out, *store, *dtype, *invert;
    int64_t rows, threads;
} pairs_flags;

#define AT(field) offsetof(pairs_flags, field)
static const char *const store_names[] = {"u8", "f32", NULL};
static const rf_arg own[] = {
    {"model", 'm', "model-path", RF_ARG_STRING, AT(model), .value = "FILE", .help = "the teacher (safetensors)"},
    {"out", 'o', NULL, RF_ARG_OUTPUT, AT(out), .value = "FILE.pairs", .help = "the store; one that is there is gone on with"},
    {"store", 0, NULL, RF_ARG_CHOICE, AT(store), .choices = store_names, .value = "TYPE",
     .help = "numbers of the data: u8 for pictures (the default), f32 for points"},
    {"invert", 0, NULL, RF_ARG_STRING, AT(invert), .value = "DATA", .help = "find the noise of real data (fashion-mnist:train) instead: the flow "
     "backward, over the first -b samples"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(dtype), .preset = "f32", .choices = rf__dtype_names, .value = "TYPE", .help = "numbers inside the network"},
    {"batch-size", 0, NULL, RF_ARG_INT, AT(rows), .preset = "16", .min = 1, .max = 65536, .value = "ROWS", .help = "most network rows of one call"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), .preset = "0", .min = 0, .max = 1024, .value = "N", .help = "0: all"},
    {NULL},
};
static rf_arg table[RF_ARGS_MAX];

static const char examples[] = "  strait pairs -m teacher.safetensors --invert fashion-mnist:train -b 5000 --sampling-method heun --steps 32 -o real.pairs\n"
                               "  strait pairs -m teacher.safetensors -b 50000 --sampling-method heun --steps 16 -o teacher.pairs\n"
                               "  strait train recipes/fashion-2rf.yaml data.path=teacher.pairs\n";

typedef struct pairs_run {
    pairs_flags flags;
    rf_common common;
    rf_model *model;
    rf_sampler *sampler;
    rf_order order;
    rf_pairs_writer *writer;
    rf_source data; /* to invert; kind NULL: none */
    int64_t found; /* pairs that were there */
    double spread; /* of the noise that was found, with --invert; 0: none */
} pairs_run;

static rf_status take(void *user, const rf_shot *shot) {
    pairs_run *run = user;
    return rf__pairs_write(run->writer, shot->seed, shot->label, shot->x, NULL);
}

/* Everything that decides which pairs come out, so that a store never mixes two kinds. */
static json_t *provenance_of(const pairs_run *run) {
    json_t *json = rf__order_json(&run->order);
    json_object_set_new(json, "teacher", json_string(run->model->sha256));
    json_object_set_new(json, "dtype", json_string(run->flags.dtype));
    json_object_set_new(json, "seed", json_integer((json_int_t)run->order.seed));
    if (run->flags.invert) json_object_set_new(json, "inverted", json_string(run->flags.invert));
    json_t *labels = json_array();
    for (int i = 0; i < run->order.label_count; i++) json_array_append_new(labels, json_integer(run->order.labels[i]));
    json_object_set_new(json, "class_labels", labels);
    return json;
}

static rf_status open_store(pairs_run *run) {
    const rf_model_shape *shape = &run->model->shape;
    bool points = run->flags.store ? !strcmp(run->flags.store, "f32") : shape->flat;
    rf_pairs_head head = {.height = shape->flat ? 1 : shape->height, .width = shape->flat ? 1 : shape->width, .channels = shape->channels, .classes = shape->classes,
                          .flat = shape->flat, .data = points ? RF_PAIRS_F32 : RF_PAIRS_U8, .planned = run->order.count, .noise = run->flags.invert != NULL,
                          .provenance = provenance_of(run)};
    rf_status status = rf__pairs_append(&run->writer, run->flags.out, &head);
    json_decref(head.provenance);
    return status;
}

/* The seeds (and classes) that are still missing replace those of the order. */
static rf_status keep_missing(pairs_run *run) {
    rf_order *order = &run->order;
    uint64_t *seeds = rf__alloc_array((size_t)order->count, sizeof *seeds);
    int32_t *labels = rf__alloc_array((size_t)order->count, sizeof *labels);
    if (!seeds || !labels) {
        rf__free(seeds);
        rf__free(labels);
        return rf__fail(RF_ENOMEM, "no memory for %lld seeds", (long long)order->count);
    }
    int64_t missing = 0;
    for (int64_t k = 0; k < order->count; k++) {
        uint64_t seed = rf__order_seed(order, k);
        if (rf__pairs_has(run->writer, seed)) continue;
        seeds[missing] = seed;
        labels[missing++] = rf__order_label(order, run->model, k);
    }
    rf__free(order->labels);
    rf__free(order->seeds);
    order->seeds = seeds;
    order->labels = labels;
    order->label_count = (int)missing;
    order->count = missing;
    return RF_OK;
}

#define SPREAD_WARN 0.1

static rf_status invert_data(pairs_run *run, rf_shoot_totals *totals) {
    rf_inverted found;
    RF_TRY(rf__invert_run(run->sampler, &run->order, &run->data, run->writer, &found));
    totals->images = found.made;
    totals->counters = found.counters;
    run->spread = found.spread;
    if (found.made && fabs(found.spread - 1) > SPREAD_WARN)
        rf__warn("the noise that was found has a spread of %.2f, and sampling starts from one of 1: a student would learn what it is never asked; "
                 "more --steps come nearer", found.spread);
    return RF_OK;
}

static rf_status make_pairs(pairs_run *run, rf_shoot_totals *totals) {
    run->found = rf__pairs_done(run->writer);
    if (run->flags.invert) return invert_data(run, totals);
    RF_TRY(keep_missing(run));
    if (run->found) rf__info("%s: %lld pairs are there, %lld to make", run->flags.out, (long long)run->found, (long long)run->order.count);
    if (run->order.count == 0) return RF_OK;
    return rf__shoot(run->sampler, &run->order, 1, take, run, totals);
}

static rf_status report(const pairs_run *run, const rf_shoot_totals *totals) {
    if (!run->common.json) return RF_OK;
    json_t *json = rf__shoot_totals_json(totals);
    json_object_set_new(json, "output", json_string(run->flags.out));
    json_object_set_new(json, "found", json_integer((json_int_t)run->found));
    if (run->spread > 0) json_object_set_new(json, "noise_spread", json_real(run->spread));
    json_object_set_new(json, "teacher_sha256", json_string(run->model->sha256));
    return rf__report_write(run->common.json, json);
}

static int run_pairs(pairs_run *run) {
    rf_shoot_totals totals = {0};
    rf_sampler_opts opts = {.dtype = rf__dtype_of(run->flags.dtype), .threads = (int)run->flags.threads, .rows = (int)run->flags.rows};
    rf_status status = rf_model_open(&run->model, run->flags.model);
    if (status == RF_OK) {
        rf_sampling_flags flags = run->flags.sampling;
        flags.output = NULL;
        if (!strcmp(run->flags.out, "-")) return rf__cli_usage("pairs", "--out is -, expected a file: a store is gone on with");
        if (flags.seed < 0) return rf__cli_usage("pairs", "--seed is %lld, expected 0 or more: a store is gone on with by its seeds", (long long)flags.seed);
        status = rf__order_build(&run->order, &flags, run->model);
        if (status == RF_OK && run->flags.invert && !rf__solver_turns(run->order.solver))
            status = rf__fail(RF_EINVAL, "--sampling-method is %s, expected a solver that walks along one velocity and can turn round", run->order.solver->name);
        if (status == RF_EINVAL) return rf__cli_usage("pairs", "%s", rf_last_error());
    }
    if (status == RF_OK) status = rf_sampler_open(&run->sampler, run->model, &opts);
    if (status == RF_OK && run->flags.invert) status = rf__invert_open(&run->data, run->flags.invert, run->model);
    if (status == RF_OK) status = rf__outpath_prepare(run->flags.out);
    if (status == RF_OK && run->common.json) status = rf__outpath_prepare(run->common.json);
    if (status == RF_OK) status = rf__shoot_check(run->sampler, &run->order, 1);
    if (status == RF_OK) status = rf__order_check_rows(&run->order, run->flags.rows);
    if (status == RF_EINVAL) return rf__cli_usage("pairs", "%s", rf_last_error());
    if (status == RF_OK) status = open_store(run);
    if (status == RF_OK) status = make_pairs(run, &totals);
    /* What was made stays, whatever ended the run. */
    rf_status closed = status == RF_OK ? rf__pairs_close(&run->writer) : RF_OK;
    if (status == RF_OK) status = closed;
    if (status == RF_OK) status = report(run, &totals);
    return rf__cli_failed("pairs", status);
}

static int pairs_main(int argc, char **argv) {
    static pairs_run run;
    rf__sampling_args(table, own, "deadline-ms");
    const rf_args spec = {.command = "pairs", .summary = rf__cmd_pairs.help, .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &run.flags, &run.common, NULL);
    int code;
    if (!run.flags.model) code = rf__cli_usage("pairs", "--model is not given, expected a checkpoint file");
    else if (!run.flags.out) code = rf__cli_usage("pairs", "--out is not given, expected the file for the pairs");
    else code = run_pairs(&run);
    rf__pairs_close(&run.writer);
    rf__order_fini(&run.order);
    rf__source_close(&run.data);
    rf_sampler_close(&run.sampler);
    rf_model_close(&run.model);
    rf__args_fini(table, &run.flags);
    return code;
}

const rf_command rf__cmd_pairs = {"pairs", "noise and the data a teacher carries it to, for reflow", pairs_main, examples};
