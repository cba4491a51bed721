/* bench_train.c - strait bench train: how fast a recipe trains here, where the time goes, and how far that is from the bare
 * convolutions and GEMMs of oneDNN. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../train/bare.h"
#include "../train/images.h"
#include "../train/trainer.h"
#include "args.h"
#include "bench.h"
#include "command.h"
#include "report.h"

typedef struct settings {
    int64_t batch, micro_batch, threads, steps, warm;
    double budget;
    bool data, profile;
} settings;

#define AT(member) offsetof(settings, member)
static const rf_arg table[] = {
    {"batch", 'b', NULL, RF_ARG_INT, AT(batch), "0", 0, 65536, NULL, "N", "samples of a step (0: the recipe's)"},
    {"micro-batch", 0, NULL, RF_ARG_INT, AT(micro_batch), "0", 0, 65536, NULL, "N", "samples a thread runs at a time (0: the recipe's)"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), "0", 0, 64, NULL, "N", "threads (0: one a CPU)"},
    {"steps", 0, NULL, RF_ARG_INT, AT(steps), "5", 1, 1e6, NULL, "N", "steps that are timed; the fastest counts for the ratio"},
    {"warm", 0, NULL, RF_ARG_INT, AT(warm), "1", 0, 1e6, NULL, "N", "steps before"},
    {"budget", 0, NULL, RF_ARG_FLOAT, AT(budget), "0.1", 0, 100, NULL, "SECONDS", "for each shape of the bare oneDNN figures; 0: none"},
    {"data", 0, NULL, RF_ARG_FLAG, AT(data), NULL, 0, 0, NULL, NULL, "read the recipe's data set (otherwise random images of its size)"},
    {"profile", 0, NULL, RF_ARG_FLAG, AT(profile), NULL, 0, 0, NULL, NULL, "seconds of every kernel of one micro-batch, on stderr"},
    {NULL}};

static const char examples[] = "  strait bench train recipes/cifar-rf.yaml --batch 128 -t 2\n"
                               "  strait bench train recipes/fashion-rf.yaml model.base=64 --json -\n";

typedef struct result {
    rf_step_seconds fastest, mean;
    rf_bare_seconds whole;    /* bare oneDNN, the whole batch in each call, on all threads */
    rf_bare_seconds micro;    /* the same work as micro-batches on one thread, over the number of threads */
    rf_plan_stats plan, inference;
    int64_t batch, micro_batch, parameters;
    int threads, lanes;
    double gflop;             /* of a whole step */
    const char *isa, *own;
} result;

static rf_status inference_stats(const rf_trainer *tr, int64_t rows, rf_plan_stats *out) {
    const rf_model *model = tr->model;
    rf_graph *g = rf__graph_create((rf_dtype)tr->recipe->train.dtype);
    if (!g) return rf__fail(RF_ENOMEM, "bench: no memory");
    rf_model_inputs in = rf__model_declare(g, &model->shape, rows, false);
    rf__output(g, "v", rf__model_velocity(g, model->kind, model->config, &in));
    rf_plan *plan = NULL;
    rf_status status = rf__graph_status(g);
    if (status == RF_OK) status = rf__plan_build(&plan, g, model->weights, rf__kernels());
    if (status == RF_OK) *out = rf__plan_stats(plan);
    rf__plan_free(&plan);
    rf__graph_free(&g);
    return status;
}

static void add(rf_step_seconds *sum, const rf_step_seconds *x, double scale) {
    sum->data += scale * x->data, sum->network += scale * x->network, sum->lanes += scale * x->lanes, sum->reduce += scale * x->reduce;
    sum->optim += scale * x->optim, sum->refresh += scale * x->refresh, sum->whole += scale * x->whole;
}

static rf_status time_steps(rf_trainer *tr, const settings *s, result *out) {
    for (int64_t i = 0; i < s->warm + s->steps; i++) {
        if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
        RF_TRY(rf__trainer_step(tr, NULL));
        if (i < s->warm) continue;
        add(&out->mean, &tr->seconds, 1.0 / (double)s->steps);
        if (i == s->warm || tr->seconds.whole < out->fastest.whole) out->fastest = tr->seconds;
    }
    return RF_OK;
}

static double sum_of(const rf_bare_seconds *b) { return b->forward + b->by_data + b->by_weights; }

static rf_status time_bare(const rf_trainer *tr, const settings *s, result *out) {
    int64_t micros = out->batch / out->micro_batch;
    if (s->budget <= 0) return RF_OK;
    rf_status status = rf__bare_measure(&out->whole, tr->plan, micros, out->threads, s->budget);
    if (status == RF_OK) status = rf__bare_measure(&out->micro, tr->plan, 1, 1, s->budget);
    if (status == RF_EUNSUPPORTED) {
        rf__warn("%s: no bare figures", rf_last_error());
        out->whole = out->micro = (rf_bare_seconds){0};
        return RF_OK;
    }
    double runs = (double)micros / out->threads;
    out->micro.forward *= runs, out->micro.by_data *= runs, out->micro.by_weights *= runs;
    return status;
}

static void print_bare(FILE *tables, const char *what, const rf_bare_seconds *b, double step) {
    if (sum_of(b) > 0)
        fprintf(tables, "bare oneDNN, %s: forward %.4f, by data %.4f, by weights %.4f, sum %.4f s; whole step / sum = %.2f\n", what, b->forward,
                b->by_data, b->by_weights, sum_of(b), step / sum_of(b));
}

static void print_result(FILE *tables, const rf_recipe *recipe, const result *r) {
    const rf_step_seconds *f = &r->fastest;
    fprintf(tables, "%s: %.2f M parameters, batch %lld as micro-batches of %lld in %d lanes, %s, %d threads, %s, convolutions: %s\n", recipe->name,
            (double)r->parameters / 1e6, (long long)r->batch, (long long)r->micro_batch, r->lanes, recipe->train.dtype == RF_BF16 ? "bf16" : "f32",
            r->threads, r->isa, r->own);
    fprintf(tables, "%.1f images/s (mean %.1f), %.3f TFLOP/s, %.4f s a step\n", (double)r->batch / f->whole, (double)r->batch / r->mean.whole,
            r->gflop / f->whole / 1e3, f->whole);
    fprintf(tables, "seconds: forward+backward %.4f, data %.4f (both a thread), reduce %.4f, optimiser+EMA %.4f, packing %.4f\n", f->network, f->data,
            f->reduce, f->optim, f->refresh);
    print_bare(tables, "whole batch on all threads", &r->whole, f->whole);
    print_bare(tables, "micro-batches, one a thread", &r->micro, f->whole);
    fprintf(tables, "arena of a micro-batch: %.1f of %.1f MiB activations training, %.1f of %.1f MiB (%.0f %%) inference\n",
            (double)r->plan.arena_bytes / 1048576, (double)r->plan.activation_bytes / 1048576, (double)r->inference.arena_bytes / 1048576,
            (double)r->inference.activation_bytes / 1048576, 100.0 * (double)r->inference.arena_bytes / (double)r->inference.activation_bytes);
}

static json_t *bare_json(const rf_bare_seconds *b, double step) {
    if (sum_of(b) <= 0) return json_null();
    return json_pack("{sf sf sf sf}", "forward", b->forward, "by_data", b->by_data, "by_weights", b->by_weights, "step_over_sum", step / sum_of(b));
}

static json_t *result_json(const rf_recipe *recipe, const result *r) {
    const rf_step_seconds *f = &r->fastest;
    json_t *seconds = json_pack("{sf sf sf sf sf sf}", "step", f->whole, "network", f->network, "data", f->data, "reduce", f->reduce, "optimiser",
                                f->optim, "packing", f->refresh);
    json_t *bytes = json_pack("{sI sI sI sI}", "arena_training", (json_int_t)r->plan.arena_bytes, "activations_training",
                              (json_int_t)r->plan.activation_bytes, "arena_inference", (json_int_t)r->inference.arena_bytes,
                              "activations_inference", (json_int_t)r->inference.activation_bytes);
    return json_pack("{ss sI sI sI si si ss ss sf sf sf so so so so}", "recipe", recipe->name, "parameters", (json_int_t)r->parameters, "batch",
                     (json_int_t)r->batch, "micro_batch", (json_int_t)r->micro_batch, "lanes", r->lanes, "threads", r->threads, "isa", r->isa,
                     "convolutions", r->own, "images_per_second", (double)r->batch / f->whole, "images_per_second_mean",
                     (double)r->batch / r->mean.whole, "tflops", r->gflop / f->whole / 1e3, "seconds", seconds, "bare_whole_batch",
                     bare_json(&r->whole, f->whole), "bare_micro_batches", bare_json(&r->micro, f->whole), "bytes", bytes);
}

static rf_status measure(rf_recipe *recipe, const settings *s, const rf_common *common, FILE *tables) {
    if (s->batch) recipe->train.batch = s->batch;
    if (s->micro_batch) recipe->train.micro_batch = s->micro_batch;
    rf_source source = {0};
    rf_trainer *tr = NULL;
    if (!s->data) {
        rf_model_shape shape = recipe->kind->shape(recipe->model);
        RF_TRY(rf__source_random(&source, &shape));
    }
    RF_TRY(rf__trainer_create(&tr, recipe, s->data ? NULL : &source, (int)s->threads));
    result r = {.batch = recipe->train.batch, .micro_batch = recipe->train.micro_batch, .parameters = rf__model_parameters(tr->model),
                .threads = rf__pool_size(tr->pool), .lanes = tr->lanes.lanes, .plan = rf__plan_stats(tr->plan), .isa = rf__kernels()->isa,
                .own = rf__kernels()->conv.name};
    r.gflop = r.plan.gflop * (double)(r.batch / r.micro_batch);
    rf_status status = inference_stats(tr, r.micro_batch, &r.inference);
    if (status == RF_OK) status = time_steps(tr, s, &r);
    if (status == RF_OK) status = time_bare(tr, s, &r);
    if (status == RF_OK && rf__interrupted) status = rf__fail(RF_EINTERRUPTED, "interrupted");
    if (status == RF_OK && s->profile) {
        rf__exec_profile(tr->lanes.exec[0], true);
        status = rf__exec_run(tr->lanes.exec[0], NULL);
        rf__exec_profile_print(tr->lanes.exec[0], stderr);
    }
    if (status == RF_OK) print_result(tables, recipe, &r);
    if (status == RF_OK && common->json) status = rf__report_write(common->json, result_json(recipe, &r));
    rf__trainer_free(&tr);
    return status;
}

static rf_status bench(const settings *s, const rf_common *common, const rf_arg_rest *rest) {
    rf_recipe *recipe = NULL;
    FILE *tables;
    RF_TRY(rf__bench_begin(common, &tables));
    RF_TRY(rf__recipe_open(&recipe, rest->at[0], rest->count - 1, rest->at + 1));
    rf_status status = measure(recipe, s, common, tables);
    rf__recipe_free(&recipe);
    return status;
}

static int run(int argc, char **argv) {
    static const rf_args spec = {"bench train", "Measure the training speed of a recipe.", "RECIPE.yaml [SECTION.KEY=VALUE...]", 1, -1, table, examples};
    settings s;
    rf_common common;
    rf_arg_rest rest = {0};
    rf__args_parse(&spec, argc, argv, &s, &common, &rest);
    int code = rf__cli_failed("bench train", bench(&s, &common, &rest));
    free(rest.at);
    rf__args_fini(table, &s);
    return code;
}

const rf_bench rf__bench_train = {"train", "images/s, TFLOP/s and phases of a recipe's training step", run};
