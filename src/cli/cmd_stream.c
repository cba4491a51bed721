/* cmd_stream.c - image-to-image on moving pictures: frames in, frames out, as fast as the network allows. */
#include <string.h>
#include <sys/stat.h>

#include "../base/cpu.h"
#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "command.h"
#include "names.h"
#include "outpath.h"
#include "profiles.h"
#include "report.h"
#include "sampling_args.h"
#include "shoot.h"
#include "stream_run.h"

typedef struct stream_flags {
    rf_sampling_flags sampling; /* first, see sampling_args.h */
    const char *model, *refiner, *input, *output, *input_format, *output_format, *raw_pixels, *dtype, *drop, *noise, *admission;
    double strength, similarity, pace, most_latency;
    int64_t most_skips, queue, slots, rows, threads;
    bool warm;
} stream_flags;

#define AT(field) offsetof(stream_flags, field)
static const char *const input_names[] = {"auto", "y4m", "raw", "folder", NULL};
static const char *const raw_names[] = {"rgb24", "gray", NULL};
static const char *const noise_names[] = {"fixed", "fresh", NULL};
static const char *const admission_names[] = {"arrival", "ring", NULL};
static const char *drop_names[RF_NAMES_MAX];

#define STEPS 4 /* not the 20 of generate: the methods this is for work at one to eight */

static const rf_arg own[] = {
    {"model", 'm', "model-path", RF_ARG_STRING, AT(model), .value = "FILE", .help = "checkpoint (safetensors)"},
    {"refiner", 0, NULL, RF_ARG_STRING, AT(refiner), .value = "FILE", .help = "refiner of this very model, for steps R of --blocks"},
    {"input", 'i', NULL, RF_ARG_STRING, AT(input), .preset = "-", .value = "FILE|FOLDER", .help = "frames of the model's size; - is standard input"},
    {"output", 'o', NULL, RF_ARG_OUTPUT, AT(output), .preset = "-", .value = "FILE|FOLDER", .help = "- is standard output"},
    {"input-format", 0, NULL, RF_ARG_CHOICE, AT(input_format), .preset = "auto", .choices = input_names, .value = "NAME",
     .help = "auto looks at the first bytes"},
    {"output-format", 0, NULL, RF_ARG_CHOICE, AT(output_format), .preset = "auto", .choices = input_names, .value = "NAME",
     .help = "auto: raw for .rgb, .gray and .raw, y4m for - and other files, a folder for a name without a dot"},
    {"raw-pixels", 0, NULL, RF_ARG_CHOICE, AT(raw_pixels), .preset = "rgb24", .choices = raw_names, .value = "NAME",
     .help = "of raw input; raw output has the model's channels"},
    {"strength", 0, NULL, RF_ARG_FLOAT, AT(strength), .preset = "0.5", .min = 0.001, .max = 1, .value = "S",
     .help = "how much of a frame is replaced by noise before the walk; 1 is all"},
    {"noise", 0, NULL, RF_ARG_CHOICE, AT(noise), .preset = "fixed", .choices = noise_names, .value = "NAME",
     .help = "the same for all frames (steadier), or fresh for each"},
    {"similarity", 0, NULL, RF_ARG_FLOAT, AT(similarity), .preset = "1", .min = -1, .max = 1, .value = "C",
     .help = "frames whose cosine with the last processed one is above this may be skipped and shown again (0.98 is usual); 1: none"},
    {"max-skip", 0, NULL, RF_ARG_INT, AT(most_skips), .preset = "10", .min = 1, .max = 1e6, .value = "N", .needs = "similarity", .help = "most skipped frames in a row"},
    {"drop", 0, NULL, RF_ARG_CHOICE, AT(drop), .preset = "none", .choices = drop_names, .value = "NAME",
     .help = "which frame goes when the input queue is full; none: the input waits"},
    {"queue", 0, NULL, RF_ARG_INT, AT(queue), .preset = "4", .min = 1, .max = 4096, .value = "N", .help = "frames that wait before and after the network"},
    {"max-latency", 0, NULL, RF_ARG_FLOAT, AT(most_latency), .preset = "0", .max = 1e9, .value = "MS",
     .help = "frames that have waited longer are dropped; 0: none are"},
    {"fps", 0, NULL, RF_ARG_FLOAT, AT(pace), .preset = "0", .max = 1e6, .value = "F", .help = "read at most so many frames a second; 0: as they come"},
    {"slots", 0, NULL, RF_ARG_INT, AT(slots), .preset = "0", .max = 4096, .value = "N",
     .help = "frames under way at the same time; 0: as many as make it faster here, at most one a step"},
    {"admission", 0, NULL, RF_ARG_CHOICE, AT(admission), .preset = "arrival", .choices = admission_names, .value = "NAME",
     .help = "arrival or ring (StreamFlow's)"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(dtype), .preset = "f32", .choices = rf__dtype_names, .value = "TYPE", .help = "numbers inside the network"},
    {"batch-size", 0, NULL, RF_ARG_INT, AT(rows), .preset = "0", .max = 4096, .value = "ROWS", .help = "most network rows of one call; 0: measured"},
    {"warm", 0, NULL, RF_ARG_FLAG, AT(warm), .help = "build the plans of all call sizes before the first frame"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), .preset = "0", .min = 0, .max = 1024, .value = "N", .help = "0: all"},
    {NULL},
};

static rf_arg table[RF_ARGS_MAX];

static const char examples[] =
    "  ffmpeg -i in.mp4 -vf scale=32:32 -f yuv4mpegpipe - | strait stream -m cifar.safetensors --class-label 3 | mpv -\n"
    "  strait stream -m fashion.safetensors -i frames/ -o out/ --steps 4 --strength 0.6\n"
    "  strait stream -m fashion.safetensors -i camera.gray --raw-pixels gray --similarity 0.98 --drop oldest --fps 30 -o out.y4m\n";

typedef struct streaming {
    stream_flags flags;
    rf_common common;
    rf_model *model, *refiner;
    rf_sampler *sampler;
    rf_order order;
    rf_frame_source *source;
    rf_frame_sink *sink;
    _Atomic int stop;
} streaming;

static int usage(void) { return rf__cli_usage("stream", "%s", rf_last_error()); }

static const char *output_format(const stream_flags *flags) {
    if (strcmp(flags->output_format, "auto") != 0) return flags->output_format;
    struct stat info;
    if (strcmp(flags->output, "-") == 0) return "y4m";
    if (stat(flags->output, &info) == 0 && S_ISDIR(info.st_mode)) return "folder";
    const char *slash = strrchr(flags->output, '/'), *dot = strrchr(slash ? slash : flags->output, '.');
    if (!dot) return "folder";
    return !strcmp(dot, ".rgb") || !strcmp(dot, ".gray") || !strcmp(dot, ".raw") ? "raw" : "y4m";
}

static rf_status check_flags(const streaming *s) {
    const stream_flags *flags = &s->flags;
    if (rf__report_on_stdout(s->common.json) && !strcmp(flags->output, "-"))
        return rf__fail(RF_EINVAL, "--output and --json are both -, expected one of them on standard output");
    if (!strcmp(output_format(flags), "folder") && !strcmp(flags->output, "-"))
        return rf__fail(RF_EINVAL, "--output-format is folder and --output is -, expected the name of a folder");
    return RF_OK;
}

static rf_status check_model(const rf_model_shape *shape) {
    if (!shape->flat && (shape->channels == 1 || shape->channels == 3)) return RF_OK;
    return rf__fail(RF_EUNSUPPORTED, "this model makes no pictures, expected one with 1 or 3 channels");
}

/* The grid is squeezed into [1 - strength, 1]: the strength and the number of calls are exactly what was asked for. */
static rf_status make_order(streaming *s) {
    rf_sampling_flags *sampling = &s->flags.sampling;
    sampling->output = NULL;
    sampling->from = 1 - s->flags.strength;
    sampling->target_later = true;
    if (!sampling->steps && !sampling->blocks && !sampling->times.count && !sampling->sigmas.count) sampling->steps = STEPS;
    RF_TRY(rf__sampling_settle_seed(sampling));
    RF_TRY(rf__order_build(&s->order, sampling, s->model));
    if (s->order.count != 1)
        return rf__fail(RF_EINVAL, "--class-label and --batch-count give %lld pictures, expected one class for all frames", (long long)s->order.count);
    return RF_OK;
}

static rf_job_spec job_of(const streaming *s) {
    rf_job_spec job = rf__sampler_job(s->sampler);
    rf__order_describe(&s->order, s->model, 0, &job);
    if (!s->order.label_count) job.cond.label = job.field->null_label; /* not a class by chance: the frame says what it is */
    return job;
}

/* As many frames side by side as their rows make calls faster; more than one a step would only wait. */
static int frames_in_flight(const streaming *s, const rf_job_spec *job) {
    if (s->flags.slots) return (int)s->flags.slots;
    int a_frame = rf__guidance_max_rows(job->guidance, &job->guidance_opts);
    int64_t rows = rf__row_times_choose(rf__sampler_row_times(s->sampler), (int64_t)job->steps * a_frame, rf__sampler_rows(s->sampler));
    return rows / a_frame > 1 ? (int)(rows / a_frame) : 1;
}

static rf_status open_ends(streaming *s) {
    const rf_model_shape *shape = &s->model->shape;
    const rf_frame_source_opts opts = {.path = s->flags.input,
                                       .format = s->flags.input_format,
                                       .want = {.width = shape->width, .height = shape->height, .channels = shape->channels},
                                       .raw_channels = strcmp(s->flags.raw_pixels, "gray") == 0 ? 1 : 3,
                                       .stop = &s->stop};
    RF_TRY(rf__frame_source_open(&s->source, &opts));
    rf_frame_info info = rf__frame_source_info(s->source);
    info.channels = shape->channels;
    const char *format = output_format(&s->flags);
    if (s->common.json) RF_TRY(rf__outpath_prepare(s->common.json));
    if (strcmp(format, "folder")) RF_TRY(rf__outpath_prepare(s->flags.output)); /* a folder makes itself */
    return rf__frame_sink_open(&s->sink, s->flags.output, format, &info);
}

static json_t *report_json(const streaming *s, const rf_stream_report *report, const rf_stream_run *run) {
    const rf_frame_stream_stats *stats = &report->stream;
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "frames_in", (json_int_t)report->in, "frames_out", (json_int_t)report->out, "processed",
        (json_int_t)stats->processed, "skipped", (json_int_t)stats->skipped, "dropped", (json_int_t)report->dropped, "too_late",
        (json_int_t)report->too_late, "seconds", report->seconds, "frames_per_second",
        report->seconds > 0 ? (double)report->out / report->seconds : 0);
    json_t *settings = rf__order_json(&s->order), *network = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:f}", "nfe_full", (json_int_t)stats->counters.nfe_full, "rows_full", (json_int_t)stats->counters.rows_full, "nfe_refine", (json_int_t)stats->counters.nfe_refine,
        "extrapolated", (json_int_t)stats->counters.extrapolated, "calls", (json_int_t)stats->batcher.calls, "fill_rate",
        rf__fill_rate(&stats->batcher));
    rf_plan_cache_stats plans = rf__sampler_plans(s->sampler);
    json_object_update_new(json, network);
    json_object_update_new(json, settings);
    json_object_set_new(json, "latency", rf__histogram_json(&report->latency));
    json_object_set_new(json, "plans", rf__plans_json(&plans));
    json_object_set_new(json, "row_times", rf__row_times_json(rf__sampler_row_times(s->sampler)));
    json_object_update_new(json, json_pack("{s:f, s:i, s:I, s:s, s:s, s:s, s:I, s:s, s:s}", "strength", s->flags.strength, "slots",
                                           run->stream.in_flight, "seed", (json_int_t)s->order.seed, "noise", s->flags.noise, "drop", s->flags.drop,
                                           "dtype", s->flags.dtype, "threads", (json_int_t)rf__sampler_threads(s->sampler), "isa",
                                           rf__cpu_name(rf__cpu_flags()), "version", rf_version()));
    json_object_set_new(json, "peak_memory_bytes", json_integer((json_int_t)rf__peak_memory()));
    return json;
}

static rf_status run_stream(streaming *s) {
    rf_stream_report *report = rf__alloc(sizeof *report);
    if (!report) return rf__fail(RF_ENOMEM, "no memory for the report");
    rf_job_spec job = job_of(s);
    const rf_stream_run run = {.source = s->source,
                               .sink = s->sink,
                               .stop = &s->stop,
                               .stream = {.job = job,
                                          .towards_source = s->order.guide->steers && !s->order.target,
                                          .fresh_noise = strcmp(s->flags.noise, "fresh") == 0,
                                          .in_flight = frames_in_flight(s, &job),
                                          .rows = rf__sampler_rows(s->sampler),
                                          .admission = rf__admission_find(s->flags.admission),
                                          .similarity = {s->flags.similarity, (int)s->flags.most_skips}},
                               .queue = (int)s->flags.queue,
                               .when_full = rf__drop_policy_find(s->flags.drop)->when_full,
                               .pace = s->flags.pace,
                               .most_latency = s->flags.most_latency / 1e3};
    rf__info("seed %llu: %s, %d steps, strength %g, %d frames in flight", (unsigned long long)s->order.seed, s->order.solver->name,
             s->order.grid.steps, s->flags.strength, run.stream.in_flight);
    rf_status status = rf__stream_run(&run, report);
    if (status == RF_OK || status == RF_EINTERRUPTED) { /* what was finished before Ctrl-C is kept */
        rf_status kept = rf__frame_sink_commit(&s->sink);
        if (status == RF_OK) status = kept;
        if (status == RF_OK) status = rf__profiles_save(); /* what a policy learned from these frames */
    }
    if (status == RF_OK && s->common.json) status = rf__report_write(s->common.json, report_json(s, report, &run));
    rf__free(report);
    return status;
}

static int run_command(streaming *s) {
    if (check_flags(s) != RF_OK) return usage();
    rf_status status = rf_model_open(&s->model, s->flags.model);
    if (status == RF_OK) status = check_model(&s->model->shape);
    if (status == RF_OK && s->flags.refiner) status = rf_model_open(&s->refiner, s->flags.refiner);
    if (status != RF_OK) return rf__cli_failed("stream", status);
    status = make_order(s);
    if (status == RF_EINVAL) return usage();
    rf_sampler_opts opts = {.dtype = rf__dtype_of(s->flags.dtype),
                            .threads = (int)s->flags.threads,
                            .rows = (int)s->flags.rows,
                            .refiner = s->refiner};
    if (status == RF_OK) status = open_ends(s);
    if (status == RF_OK) status = rf_sampler_open(&s->sampler, s->model, &opts);
    if (status == RF_OK) status = s->flags.warm ? rf__sampler_warm(s->sampler) : rf__sampler_measure(s->sampler);
    if (status == RF_OK) status = run_stream(s);
    return rf__cli_failed("stream", status);
}

static int stream_main(int argc, char **argv) {
    static streaming s;
    for (int i = 0; rf__drop_policies()[i]; i++) drop_names[i] = rf__drop_policies()[i]->name;
    rf__sampling_args(table, own, "deadline-ms");
    const rf_args spec = {.command = "stream", .summary = rf__cmd_stream.help, .table = table, .examples = examples};
    rf__args_parse(&spec, argc, argv, &s.flags, &s.common, NULL);
    int code = s.flags.model ? run_command(&s) : rf__cli_usage("stream", "--model is not given, expected a checkpoint file");
    rf__frame_sink_abort(&s.sink);
    rf__frame_source_close(&s.source);
    rf__order_fini(&s.order);
    rf_sampler_close(&s.sampler);
    rf_model_close(&s.refiner);
    rf_model_close(&s.model);
    rf__args_fini(table, &s.flags);
    return code;
}

const rf_command rf__cmd_stream = {"stream", "change moving pictures, frame by frame", stream_main, examples};
