/* edit_run.h - what `strait invert` and `strait edit` share: pictures in, the passes of all of them in common batches, errors of the
 * reconstruction and the marks of the edit. */
#ifndef RF_CLI_EDIT_RUN_H
#define RF_CLI_EDIT_RUN_H
#include "../base/dtype.h"
#include "../base/progress.h"
#include "../eval/paired.h"
#include "../eval/perceptual.h"
#include "../flow/edit.h"
#include "order.h"
#include "picture.h"

/* The flags of both commands, after the sampling flags. */
typedef struct rf_edit_flags {
    rf_sampling_flags sampling; /* first */
    const char *model, *dtype, *data_path, *lpips, *backbone, *heads;
    int64_t index, source_class, rows, threads, zoom;
    double source_scale;
    bool any_file;
} rf_edit_flags;

/* Pictures and their edits; everything is owned but sampler and order. */
typedef struct rf_edit_run {
    rf_sampler *sampler;
    const rf_order *order;
    int64_t count, scalars;
    float *x;                    /* [count, scalars] the sources */
    int32_t *source, *target;    /* [count] classes, -1: none */
    rf_edit **edits;             /* [count] */
    bool inverts_only;           /* no RF_EDIT_SAMPLE */
    struct { int64_t edit; rf_edit_pass pass; } *jobs;
    int64_t job_count;
    rf_run_stats stats;
    rf_progress progress;
} rf_edit_run;

/* Entries for the table of a command, beside its own. */
#define RF_EDIT_ARGS(type)                                                                                                                       \
    {"model", 'm', "model-path", RF_ARG_STRING, offsetof(type, edit.model), .value = "FILE", .help = "checkpoint (safetensors)"},                 \
        {"index", 'i', NULL, RF_ARG_INT, offsetof(type, edit.index), .preset = "0", .max = 1e9, .value = "N",                                     \
         .help = "first picture of a data set or folder; -b says how many"},                                                                      \
        {"source-class", 0, NULL, RF_ARG_INT, offsetof(type, edit.source_class), .preset = "-2", .min = -2, .max = 1e9, .value = "N",             \
         .help = "class the picture has; -1 none, -2 what the data set says, else none"},                                                         \
        {"data-path", 0, NULL, RF_ARG_STRING, offsetof(type, edit.data_path), .value = "DIR", .help = "where a data set that is named lies"},      \
        {"lpips", 0, NULL, RF_ARG_STRING, offsetof(type, edit.lpips), .value = "NAME", .help = "report this learned distance too (strait eval --list)"}, \
        {"lpips-backbone", 0, NULL, RF_ARG_STRING, offsetof(type, edit.backbone), .value = "FILE", .needs = "lpips", .help = "its weights"},       \
        {"lpips-heads", 0, NULL, RF_ARG_STRING, offsetof(type, edit.heads), .value = "FILE", .needs = "lpips", .help = "the weights of its linear heads"}, \
        {"any-weights", 0, NULL, RF_ARG_FLAG, offsetof(type, edit.any_file), .needs = "lpips judge", .help = "take weights that are not the published file"}, \
        {"zoom", 0, NULL, RF_ARG_INT, offsetof(type, edit.zoom), .preset = "1", .min = 1, .max = RF_MOST_ZOOM, .value = "N",                      \
         .help = "each pixel N times as large in pictures"},                                                                                      \
        {"dtype", 0, "type", RF_ARG_CHOICE, offsetof(type, edit.dtype), .preset = "f32", .choices = rf__dtype_names, .value = "TYPE",              \
         .help = "numbers inside the network"},                                                                                                   \
        {"batch-size", 0, NULL, RF_ARG_INT, offsetof(type, edit.rows), .preset = "16", .min = 1, .max = 4096, .value = "ROWS",                    \
         .help = "most network rows of one call"},                                                                                                \
        {"threads", 't', NULL, RF_ARG_INT, offsetof(type, edit.threads), .preset = "0", .max = 1024, .value = "N", .help = "0: all"}

/* Pictures `source` (file, folder, npz or data set) from flags->index on and their classes. Everything that can be refused is refused here. */
rf_status rf__edit_run_open(rf_edit_run *run, const rf_edit_flags *flags, const char *source, rf_sampler *sampler, const rf_order *order);
/* Set up an edit for each picture; opts: all but the classes. */
rf_status rf__edit_run_plan(rf_edit_run *run, const rf_edit_opts *opts);
/* All passes of all pictures. */
rf_status rf__edit_run_all(rf_edit_run *run);
void rf__edit_run_close(rf_edit_run *run);

/* How far the results of a pass are from the sources: as rf_paired, with LPIPS when `perceptual` is there. */
rf_status rf__edit_run_compare(const rf_edit_run *run, rf_edit_pass pass, rf_perceptual *perceptual, rf_paired *out);
/* {mse, psnr, ssim, lpips, equal}; new reference. lpips: its name, or NULL. */
json_t *rf__paired_json(const rf_paired *paired, const char *lpips);
/* NULL when the flags name none. pool may be NULL. */
rf_status rf__edit_perceptual(rf_perceptual **out, const rf_edit_flags *flags);
/* Network rows of a pass, the mean over the pictures. */
double rf__edit_run_rows(const rf_edit_run *run, rf_edit_pass pass);

#endif
