/* eval_sets.c - sources of `strait eval` that have a name: data sets, toys, noise. */
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "../io/dataset.h"
#include "../train/source.h"
#include "../train/toy.h"
#include "eval_source.h"

/* ---- data sets: NAME or NAME:SPLIT ---- */

static bool is_dataset(const char *text) {
    size_t length = strcspn(text, ":");
    for (const rf_dataset_kind *const *kind = rf__dataset_kinds(); *kind; kind++)
        if (strlen((*kind)->name) == length && !strncmp((*kind)->name, text, length)) return true;
    return false;
}

static rf_status dataset_open(rf_eval_source *source, const char *text) {
    char name[64];
    const char *colon = strchr(text, ':'), *split = colon ? colon + 1 : "train";
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, ":"), text);
    rf_dataset *set = NULL;
    RF_TRY(rf__dataset_open(&set, &(rf_dataset_spec){.name = name, .path = source->path, .split = split}));
    source->self = set;
    source->shape = (rf_model_shape){.height = set->height, .width = set->width, .channels = set->channels, .classes = set->classes};
    source->count = set->count;
    source->protocol = json_pack("{s:s, s:s, s:s}", "source", "data set", "name", name, "split", split);
    return RF_OK;
}

static rf_status dataset_read(rf_eval_source *source, int64_t first, int64_t count, float *x, int32_t *labels) {
    const rf_dataset *set = source->self;
    int64_t scalars = rf__eval_source_scalars(source);
    for (int64_t r = 0; r < count; r++) {
        rf__dataset_image(set, first + r, false, x + r * scalars);
        if (set->labels) labels[r] = set->labels[first + r];
    }
    return RF_OK;
}

static void dataset_close(rf_eval_source *source) {
    rf_dataset *set = source->self;
    rf__dataset_free(&set);
}

const rf_eval_source_kind rf__eval_dataset = {
    .name = "data set", .source = "src/io/dataset.h", .help = "a data set NAME:train or NAME:test, NAME:test:5,7,9 for these classes alone (fashion-mnist, mnist, cifar10)",
    .takes = is_dataset, .open = dataset_open, .read = dataset_read, .close = dataset_close};

/* ---- toys: endless points ---- */

static const rf_source_kind *const toys[] = {&rf__source_8gauss, NULL};

static const rf_source_kind *toy_of(const char *text) {
    for (int i = 0; toys[i]; i++)
        if (!strcmp(toys[i]->is.name, text)) return toys[i];
    return NULL;
}

static bool is_toy(const char *text) { return toy_of(text) != NULL; }

static rf_status toy_open(rf_eval_source *source, const char *text) {
    rf_source *toy = rf__alloc(sizeof *toy);
    if (!toy) return rf__fail(RF_ENOMEM, "no memory for a source of points");
    source->self = toy;
    rf_data_config config = {0};
    snprintf(config.name, sizeof config.name, "%s", text);
    RF_TRY(rf__source_open(toy, &config));
    source->shape = toy->shape;
    source->protocol = json_pack("{s:s, s:s, s:I}", "source", "toy", "name", text, "seed", (json_int_t)source->seed);
    return RF_OK;
}

static rf_status toy_read(rf_eval_source *source, int64_t first, int64_t count, float *x, int32_t *labels) {
    const rf_source *toy = source->self;
    int64_t scalars = rf__eval_source_scalars(source);
    for (int64_t r = 0; r < count; r++)
        RF_TRY(toy->kind->draw(toy, source->seed, (uint64_t)(first + r), x + r * scalars, labels + r));
    return RF_OK;
}

static void toy_close(rf_eval_source *source) {
    if (source->self) rf__source_close(source->self);
    rf__free(source->self);
}

const rf_eval_source_kind rf__eval_toy = {.name = "toy", .source = "src/train/toy.h", .help = "the toy 8gauss", .takes = is_toy, .open = toy_open,
                                          .read = toy_read, .close = toy_close};

const rf_source *rf__eval_source_toy(const rf_eval_source *source) { return source->kind == &rf__eval_toy ? source->self : NULL; }

/* ---- noise: what a walk starts from, as a picture ---- */

static bool is_noise(const char *text) { return !strcmp(text, "noise"); }

static rf_status noise_open(rf_eval_source *source, const char *text) {
    (void)text;
    source->protocol = json_pack("{s:s, s:I}", "source", "noise", "seed", (json_int_t)source->seed);
    return RF_OK;
}

static rf_status noise_read(rf_eval_source *source, int64_t first, int64_t count, float *x, int32_t *labels) {
    (void)labels;
    int64_t scalars = rf__eval_source_scalars(source);
    for (int64_t r = 0; r < count; r++) rf__rng_normal_sample(source->seed + (uint64_t)(first + r), RF_STREAM_NOISE, 0, scalars, x + r * scalars);
    if (!source->shape.flat) rf__eval_quantise(x, count * scalars);
    return RF_OK;
}

const rf_eval_source_kind rf__eval_noise = {.name = "noise", .source = "x0 of the seeds, clamped", .help = "noise", .takes = is_noise,
                                            .open = noise_open, .read = noise_read};
