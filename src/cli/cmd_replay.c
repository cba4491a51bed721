/* cmd_replay.c - remake a picture from the JSON chunk it carries, and say whether the bytes are the same. */
#include <stdlib.h>
#include <string.h>

#include "../base/cpu.h"
#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../io/png_text.h"
#include "args.h"
#include "../models/grow.h"
#include "command.h"
#include "gallery.h"
#include "outpath.h"
#include "report.h"

#define MOST_BYTES (256u << 20)

typedef struct replay_flags {
    const char *model, *refiner, *output;
    int64_t rows, threads;
} replay_flags;

#define AT(field) offsetof(replay_flags, field)
static const rf_arg table[] = {
    {"model", 'm', "model-path dir", RF_ARG_STRING, AT(model), .value = "FILE",
     .help = "checkpoint; not given: the path that the picture names"},
    {"refiner", 0, NULL, RF_ARG_STRING, AT(refiner), .value = "FILE", .help = "refiner; not given: the path that the picture names"},
    {"output", 'o', NULL, RF_ARG_OUTPUT, AT(output), .value = "FILE.png",
     .help = "write the picture that was made"},
    {"batch-size", 0, NULL, RF_ARG_INT, AT(rows), .preset = "16", .min = 2, .max = 4096, .value = "ROWS",
     .help = "most network rows of one call"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), .preset = "0", .min = 0, .max = 1024, .value = "N",
     .help = "0: all"},
    {NULL},
};
static const char examples[] = "  strait replay out_003.png\n"
                               "  strait replay out_003.png -m fashion.safetensors -o again.png\n";

typedef struct replay {
    replay_flags flags;
    rf_common common;
    const char *path;
    uint8_t *file; /* the picture as it is */
    size_t file_size;
    json_t *json;
    rf_model *model, *refiner; /* refiner NULL: the picture was made without */
    rf_sampler *sampler;
    rf_stage_set *stages; /* NULL: the picture was made in one */
    rf_order order;
    rf_frame frame;
    rf_image picture;
    uint8_t *made; /* the picture as we make it */
    size_t made_size;
} replay;

static const char *text_at(const json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

static rf_status read_picture(replay *run) {
    RF_TRY(rf__file_read(run->path, MOST_BYTES, &run->file, &run->file_size));
    RF_TRY(rf__png_json(run->path, &run->json));
    if (json_is_object(run->json)) return RF_OK;
    return rf__fail(RF_EFORMAT, "%s: its '%s' text is not a JSON object", run->path, RF_PNG_JSON_KEY);
}

/* key: "model" or "refiner"; given: its place by the flag of that name, or NULL. */
static rf_status open_file(const replay *run, const char *key, const char *given, rf_model **out) {
    const json_t *model = json_object_get(run->json, key);
    const char *recorded = text_at(model, "path"), *path = given ? given : recorded;
    if (!given && !rf__file_exists(path))
        return rf__fail(RF_ENOTFOUND, "%s: names the %s '%s', which is not there; --%s gives its place", run->path, key, path, key);
    RF_TRY(rf_model_open(out, path));
    if (json_object_get(model, "delta")) RF_TRY(rf__delta_add(out, text_at(model, "delta")));
    if (strcmp((*out)->sha256, text_at(model, "sha256")) == 0) return RF_OK;
    return rf__fail(RF_EMISMATCH, "%s: has SHA-256 %.16s.., the picture was made with %.16s..", path, (*out)->sha256,
                    text_at(model, "sha256"));
}

static rf_status open_model(replay *run) {
    RF_TRY(open_file(run, "model", run->flags.model, &run->model));
    return json_object_get(run->json, "refiner") ? open_file(run, "refiner", run->flags.refiner, &run->refiner) : RF_OK;
}

static void warn_of_differences(const replay *run) {
    const char *isa = rf__cpu_name(rf__cpu_flags());
    if (strcmp(text_at(run->json, "isa"), isa) != 0)
        rf__warn("made with the kernels of %s, this run uses %s: bytes may differ", text_at(run->json, "isa"),
                 isa);
    if (strcmp(text_at(run->json, "version"), rf_version()) != 0)
        rf__warn("made by strait %s, this is %s: bytes may differ", text_at(run->json, "version"),
                 rf_version());
}

static rf_status take(void *user, const rf_shot *shot) {
    replay *run = user;
    rf__picture_put(&run->picture, &run->frame, shot->x, shot->k);
    return RF_OK;
}

static rf_status read_frame(replay *run) {
    const json_t *columns = json_object_get(run->json, "columns"), *zoom = json_object_get(run->json, "zoom");
    json_int_t c = columns ? json_integer_value(columns) : 0, z = zoom ? json_integer_value(zoom) : 1;
    if (c < 0 || c > 10000 || z < 1 || z > RF_MOST_ZOOM || (c == 0 && run->order.count > 1))
        return rf__fail(RF_EFORMAT, "%s: columns is %lld and zoom %lld, expected 0 .. 10000 and 1 .. %d",
                        run->path, (long long)c, (long long)z, RF_MOST_ZOOM);
    run->frame = (rf_frame){&run->model->shape, (int)c, (int)z};
    return RF_OK;
}

static rf_status make(replay *run, rf_shoot_totals *totals) {
    if (rf__dtype_of(text_at(run->json, "dtype")) == RF_DTYPES)
        return rf__fail(RF_EFORMAT, "%s: dtype is '%.40s', expected f32, bf16 or int8", run->path, text_at(run->json, "dtype"));
    rf_sampler_opts opts = {.dtype = rf__dtype_of(text_at(run->json, "dtype")),
                            .threads = (int)run->flags.threads,
                            .refiner = run->refiner,
                            .rows = (int)run->flags.rows};
    RF_TRY(rf_sampler_open(&run->sampler, run->model, &opts));
    rf_status status = rf__order_parse(&run->order, run->json, run->model);
    if (status != RF_OK) return rf__fail_in(status, "%s: ", run->path);
    const json_t *stages = json_object_get(run->json, "stages");
    if (stages) RF_TRY(rf__stage_set_open(&run->stages, stages, run->path, run->sampler));
    run->order.stages = run->stages;
    RF_TRY(read_frame(run));
    RF_TRY(rf__picture_create(&run->picture, &run->frame, run->order.count));
    RF_TRY(rf__shoot(run->sampler, &run->order, 1, take, run, totals));
    rf_stamp stamp = {.order = &run->order,
                      .columns = run->frame.columns,
                      .zoom = run->frame.zoom,
                      .sampler = run->sampler,
                      .model_path = text_at(json_object_get(run->json, "model"), "path"),
                      .refiner_path = text_at(json_object_get(run->json, "refiner"), "path")};
    return rf__gallery_encode(&run->picture, &stamp, &run->made, &run->made_size);
}

static rf_status replay_all(replay *run, bool *same) {
    rf_shoot_totals totals;
    if (run->flags.output) {
        RF_TRY(rf__outpath_check(run->flags.output, false, NULL));
        RF_TRY(rf__outpath_prepare(run->flags.output));
    }
    RF_TRY(read_picture(run));
    RF_TRY(open_model(run));
    warn_of_differences(run);
    RF_TRY(make(run, &totals));
    *same = run->made_size == run->file_size && memcmp(run->made, run->file, run->file_size) == 0;
    if (run->flags.output) RF_TRY(rf__file_write(run->flags.output, run->made, run->made_size));
    if (!run->common.json) return RF_OK;
    json_t *report = rf__shoot_totals_json(&totals);
    json_object_set_new(report, "identical", json_boolean(*same));
    return rf__report_write(run->common.json, report);
}

static int replay_main(int argc, char **argv) {
    static replay run;
    rf_arg_rest rest = {0};
    const rf_args spec = {.command = "replay",
                          .summary = rf__cmd_replay.help,
                          .positional = "FILE.png",
                          .positional_min = 1,
                          .positional_max = 1,
                          .table = table,
                          .examples = examples};
    rf__args_parse(&spec, argc, argv, &run.flags, &run.common, &rest);
    run.path = rest.at[0];
    bool same = false;
    rf_status status = replay_all(&run, &same);
    int code = rf__cli_failed("replay", status);
    if (status == RF_OK && same) rf__info("%s: the same %zu bytes again", run.path, run.file_size);
    if (status == RF_OK && !same) {
        fprintf(stderr, "strait replay: %s: the picture made again has other bytes\n", run.path);
        code = RF_EXIT_FAILED;
    }
    free(run.made);
    free(rest.at);
    rf__image_free(&run.picture);
    rf__order_fini(&run.order);
    rf__stage_set_close(&run.stages);
    rf_sampler_close(&run.sampler);
    rf_model_close(&run.model);
    rf_model_close(&run.refiner);
    json_decref(run.json);
    rf__free(run.file);
    return code;
}

const rf_command rf__cmd_replay = {"replay", "remake a picture from its metadata and compare the bytes",
                                   replay_main, examples};
