/* cmd_generate.c - images from a model: flags or a request file to orders, one run, pictures and a report. */
#include <string.h>

#include "../base/cpu.h"
#include "../base/dtype.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../models/grow.h"
#include "command.h"
#include "gallery.h"
#include "names.h"
#include "outpath.h"
#include "report.h"
#include "profiles.h"
#include "requests.h"
#include "sampling_args.h"

typedef struct generate_flags {
    rf_sampling_flags sampling; /* first: a request line may set what lies inside, and nothing else */
    const char *model, *refiner, *stages, *dtype, *requests;
    const char *admission, *delta;
    int64_t rows, slots, threads, columns, zoom;
    bool grid, plain, warm;
} generate_flags;

#define AT(field) offsetof(generate_flags, field)
static const char *admission_names[RF_NAMES_MAX];

static const rf_arg own[] = {
    {"model", 'm', "model-path dir", RF_ARG_STRING, AT(model), .value = "FILE",
     .help = "checkpoint (safetensors)"},
    {"delta", 0, NULL, RF_ARG_STRING, AT(delta), .value = "FILE",
     .help = "a difference of strait delta, added to this model of the same base"},
    {"refiner", 0, NULL, RF_ARG_STRING, AT(refiner), .value = "FILE",
     .help = "refiner of this very model, for steps R of --blocks"},
    {"stages", 0, NULL, RF_ARG_STRING, AT(stages), .value = "FILE.yaml",
     .help = "coarse to fine: a list of stages, each with its blocks, interval and size, and perhaps its own model and refiner; the last "
             "one is the model's (recipes/stages)"},
    {"output", 'o', NULL, RF_ARG_OUTPUT, AT(sampling.output), .preset = "out_%03d.png", .value = "FILE.png",
     .help = "%d, %03d is the image number; - is standard output"},
    {"init-latent", 0, NULL, RF_ARG_STRING, AT(sampling.init_latent), .value = "FILE",
     .help = "begin from the latents of strait invert instead of noise, one an image, under their classes when none are given"},
    {"grid", 0, NULL, RF_ARG_FLAG, AT(grid), .help = "all images in one picture"},
    {"columns", 0, NULL, RF_ARG_INT, AT(columns), .min = 1, .max = 10000, .value = "N", .needs = "grid",
     .help = "of the grid; not given: one row a class, or nearly square"},
    {"zoom", 0, NULL, RF_ARG_INT, AT(zoom), .preset = "1", .min = 1, .max = RF_MOST_ZOOM, .value = "N",
     .help = "each pixel N times as large in the picture"},
    {"requests", 0, "prompts-file", RF_ARG_STRING, AT(requests), .value = "FILE.jsonl",
     .help = "one request a line, batched together; keys are these flags with underscores"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(dtype), .preset = "f32", .choices = rf__dtype_names, .value = "TYPE",
     .help = "numbers inside the network"},
    {"batch-size", 0, NULL, RF_ARG_INT, AT(rows), .preset = "0", .max = 4096, .value = "ROWS",
     .help = "most network rows of one call; an image under guidance takes two. 0: what is fastest here (measured once, then kept "
             "in the cache folder)"},
    {"admission", 0, NULL, RF_ARG_CHOICE, AT(admission), .preset = "arrival", .choices = admission_names, .value = "NAME",
     .help = "which request begins when: arrival, deadline, ring (StreamFlow's), finish (latency of stages), fullest (their throughput), equal (static batches)"},
    {"slots", 0, NULL, RF_ARG_INT, AT(slots), .preset = "0", .max = 4096, .value = "N",
     .help = "images under way at the same time (stages of the ring); 0: as many as a call has rows"},
    {"warm", 0, NULL, RF_ARG_FLAG, AT(warm), .help = "build the plans of all call sizes before the first image"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), .preset = "0", .min = 0, .max = 1024, .value = "N",
     .help = "0: all"},
    {"disable-image-metadata", 0, NULL, RF_ARG_FLAG, AT(plain), .help = "no text in the PNG (no replay)"},
    {NULL},
};

static rf_arg table[RF_ARGS_MAX]; /* own, then the sampling flags */

static const char examples[] =
    "  strait generate -m fashion.safetensors --class-label 3 -o dress.png\n"
    "  strait generate -m fashion.safetensors --class-label 0,1,2,3 -b 32 --grid -o grid.png\n"
    "  strait generate -m fashion.safetensors -b 100 --steps 10 --sampling-method heun --cfg-scale 2\n"
    "  strait generate -m fashion.safetensors --requests jobs.jsonl --json -\n";

/* Everything a run holds. */
typedef struct generate {
    generate_flags flags;
    rf_common common;
    rf_model *model, *refiner;
    rf_stage_set *stages;
    rf_sampler *sampler;
    rf_order *orders;
    int order_count;
    int64_t images;
} generate;

static int usage(void) {
    return rf__cli_usage("generate", "%s", rf_last_error());
}

static rf_status make_orders(generate *run) {
    rf_sampling_flags *sampling = &run->flags.sampling;
    RF_TRY(rf__sampling_settle_seed(sampling));
    if (run->flags.requests) {
        RF_TRY(rf__requests_read(run->flags.requests, table, sampling, run->model, &run->orders,
                                 &run->order_count));
    } else {
        run->orders = rf__alloc(sizeof *run->orders);
        if (!run->orders) return rf__fail(RF_ENOMEM, "no memory for a request");
        rf_sampling_flags one = *sampling;
        one.output = NULL; /* --output is the pattern of the whole run */
        RF_TRY(rf__order_build(run->orders, &one, run->model));
        run->order_count = 1;
    }
    for (int i = 0; i < run->order_count; i++) {
        run->images += run->orders[i].count;
        if (run->orders[i].output && strcmp(run->orders[i].output, "-") == 0 && rf__report_on_stdout(run->common.json))
            return rf__fail(RF_EINVAL, "%s: request %d and --json are both -, expected one of them on standard output", run->flags.requests, i + 1);
    }
    return RF_OK;
}

static int columns_of(const generate *run) {
    const rf_order *order = &run->orders[0];
    if (!run->flags.grid) return 0;
    if (run->flags.columns) return (int)run->flags.columns;
    if (order->label_count > 1 && order->count % order->label_count == 0 && order->count > order->label_count)
        return (int)(order->count / order->label_count);
    int columns = 1;
    while ((int64_t)columns * columns < order->count) columns++;
    return columns;
}

/* What can only be wrong together with another flag. */
static rf_status check_flags(const generate *run) {
    const generate_flags *flags = &run->flags;
    if (rf__report_on_stdout(run->common.json) && strcmp(flags->sampling.output, "-") == 0)
        return rf__fail(RF_EINVAL, "--output and --json are both -, expected one of them on standard output");
    if (flags->grid && flags->requests)
        return rf__fail(RF_EINVAL, "--grid and --requests are both given, expected one of them");
    return RF_OK;
}

static json_t *report_json(const generate *run, const rf_shoot_totals *totals, json_t *images) {
    json_t *json = rf__shoot_totals_json(totals);
    if (run->order_count == 1) {
        json_t *settings = rf__order_json(&run->orders[0]);
        json_object_update_missing(json, settings);
        json_decref(settings);
        json_object_set_new(json, "seed", json_integer((json_int_t)run->orders[0].seed));
        json_object_set_new(json, "promise", rf__promise_json(&run->orders[0]));
    }
    json_object_set_new(json, "version", json_string(rf_version()));
    json_object_set_new(json, "model",
                        json_pack("{s:s, s:s, s:s}", "path", run->flags.model, "kind", run->model->kind->name,
                                  "sha256", run->model->sha256));
    json_object_set_new(json, "dtype", json_string(run->flags.dtype));
    json_object_set_new(json, "isa", json_string(rf__cpu_name(rf__cpu_flags())));
    json_object_set_new(json, "threads", json_integer(rf__sampler_threads(run->sampler)));
    json_object_set_new(json, "batch_size", json_integer((json_int_t)rf__sampler_best_rows(run->sampler)));
    json_object_set_new(json, "row_times", rf__row_times_json(rf__sampler_row_times(run->sampler)));
    json_object_set_new(json, "admission", json_string(run->flags.admission));
    json_object_set_new(json, "images", images);
    return json;
}

static void print_summary(const generate *run, const rf_shoot_totals *totals) {
    for (int i = 0; i < run->order_count && i < 8; i++) {
        const rf_order *order = &run->orders[i];
        char last[40] = "";
        if (order->count > 1)
            snprintf(last, sizeof last, " to %llu",
                     (unsigned long long)rf__order_seed(order, order->count - 1));
        rf__info("seed %llu%s: %lld image%s, %s, %d steps", (unsigned long long)order->seed, last,
                 (long long)order->count, order->count > 1 ? "s" : "", order->solver->name,
                 order->grid.steps);
    }
    rf__info("%lld network answers in %lld calls, %.2f s",
             (long long)(totals->counters.nfe_full + totals->counters.nfe_refine), (long long)totals->calls,
             totals->seconds);
}

static rf_status sample(generate *run, rf_gallery *gallery) {
    rf_shoot_totals totals;
    const rf_shoot_opts opts = {.admission = rf__admission_find(run->flags.admission), .slots = (int)run->flags.slots};
    if (run->flags.warm) RF_TRY(rf__sampler_warm(run->sampler));
    RF_TRY(rf__shoot_with(&opts, run->sampler, run->orders, run->order_count, rf__gallery_take, gallery, &totals));
    RF_TRY(rf__gallery_finish(gallery));
    RF_TRY(rf__profiles_save());
    print_summary(run, &totals);
    if (run->refiner && totals.counters.nfe_refine == 0) rf__warn("--refiner is given, and no step of %s asked it", run->flags.requests ? "any request" : "this walk");
    if (!run->common.json) return RF_OK;
    return rf__report_write(run->common.json, report_json(run, &totals, json_incref(gallery->images)));
}

/* The stages say what solver, grid and blocks say otherwise. */
static rf_status take_stages(generate *run) {
    const rf_sampling_flags *flags = &run->flags.sampling;
    if (!run->flags.stages) return RF_OK;
    if (flags->blocks || flags->steps || flags->times.count || flags->sigmas.count || flags->scheduler || flags->flow_shift)
        return rf__fail(RF_EINVAL, "--stages is given with a grid or --blocks, expected them inside the stages");
    if (strcmp(flags->method, "euler") || flags->sampling_option)
        return rf__fail(RF_EINVAL, "--stages is given with %s, expected the blocks inside the stages alone", flags->sampling_option ? "--sampling-option" : "--sampling-method");
    RF_TRY(rf__stage_set_read(&run->stages, run->flags.stages, run->sampler));
    for (int i = 0; i < run->order_count; i++) {
        if (run->orders[i].blocks.runs)
            return rf__fail(RF_EINVAL, "--stages is given, and a request has blocks, expected one of them");
        if (run->orders[i].policy->profile)
            return rf__fail(RF_EINVAL, "--stages is given, and policy '%s' works from a profile of one grid, expected one of them", run->orders[i].policy->name);
        run->orders[i].stages = run->stages;
    }
    return RF_OK;
}

static int run_generate(generate *run) {
    rf_status status = check_flags(run);
    if (status != RF_OK) return usage();
    status = rf_model_open(&run->model, run->flags.model);
    if (status == RF_OK && run->flags.delta) status = rf__delta_add(&run->model, run->flags.delta);
    if (status != RF_OK) return rf__cli_failed("generate", status);
    if (run->flags.refiner) status = rf_model_open(&run->refiner, run->flags.refiner);
    if (status != RF_OK) return rf__cli_failed("generate", status);
    status = make_orders(run);
    for (int i = 0; status == RF_OK && i < run->order_count; i++) status = rf__order_check_rows(&run->orders[i], run->flags.rows);
    if (status == RF_EINVAL) return usage();
    if (status == RF_OK && run->common.json) status = rf__outpath_prepare(run->common.json);
    if (status != RF_OK) return rf__cli_failed("generate", status);
    rf_sampler_opts opts = {.dtype = rf__dtype_of(run->flags.dtype),
                            .threads = (int)run->flags.threads,
                            .refiner = run->refiner,
                            .rows = (int)run->flags.rows};
    status = rf_sampler_open(&run->sampler, run->model, &opts);
    if (status != RF_OK) return rf__cli_failed("generate", status);
    status = take_stages(run);
    if (status == RF_EINVAL) return usage();
    if (status != RF_OK) return rf__cli_failed("generate", status);
    status = rf__shoot_check(run->sampler, run->orders, run->order_count);
    if (status == RF_EINVAL) return usage();
    if (status != RF_OK) return rf__cli_failed("generate", status);
    rf_gallery gallery = {.sampler = run->sampler,
                          .orders = run->orders,
                          .model_path = run->flags.model,
                          .refiner_path = run->flags.refiner,
                          .requests_path = run->flags.requests,
                          .report_path = run->common.json,
                          .pattern = run->flags.sampling.output,
                          .columns = columns_of(run),
                          .zoom = (int)run->flags.zoom,
                          .plain = run->flags.plain,
                          .images = run->common.json ? json_array() : NULL};
    status = rf__gallery_open(&gallery, run->order_count, run->images);
    int code = status == RF_EINVAL ? usage() : RF_EXIT_DONE;
    if (status == RF_OK) status = sample(run, &gallery);
    if (code == RF_EXIT_DONE) code = rf__cli_failed("generate", status);
    rf__gallery_close(&gallery);
    json_decref(gallery.images);
    return code;
}

static int generate_main(int argc, char **argv) {
    static generate run;
    rf__names_of_admissions(admission_names);
    rf__sampling_args(table, own, "");
    const rf_args spec = {
        .command = "generate", .summary = rf__cmd_generate.help, .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &run.flags, &run.common, NULL);
    int code = run.flags.model
                   ? run_generate(&run)
                   : rf__cli_usage("generate", "--model is not given, expected a checkpoint file");
    for (int i = 0; i < run.order_count; i++) rf__order_fini(&run.orders[i]);
    rf__free(run.orders);
    rf__stage_set_close(&run.stages);
    rf_sampler_close(&run.sampler);
    rf_model_close(&run.model);
    rf_model_close(&run.refiner);
    rf__args_fini(table, &run.flags);
    return code;
}

const rf_command rf__cmd_generate = {"generate", "make images from a model", generate_main, examples};
