/* eval_source.c - the table of sources, and walking any of them. */
#include "eval_source.h"

#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../io/image.h"

extern const rf_eval_source_kind rf__eval_folder, rf__eval_npz, rf__eval_noise, rf__eval_toy, rf__eval_dataset;

/* The first that takes a text opens it: what is on disk before what is only a name. */
static const rf_eval_source_kind *const kinds[] = {&rf__eval_npz, &rf__eval_folder, &rf__eval_noise, &rf__eval_toy, &rf__eval_dataset, NULL};

rf_status rf__eval_source_open(rf_eval_source *source, const char *text) {
    char ways[640] = "";
    for (int i = 0; kinds[i]; i++) {
        size_t used = strlen(ways);
        snprintf(ways + used, sizeof ways - used, "%s%s", i ? ", " : "", kinds[i]->help);
        if (!kinds[i]->takes(text)) continue;
        source->kind = kinds[i];
        rf_status status = kinds[i]->open(source, text);
        if (status != RF_OK) rf__eval_source_close(source);
        return status;
    }
    return rf__fail(RF_ENOTFOUND, "\"%.200s\" is no source of pictures, expected MODEL.safetensors, %s", text, ways);
}

void rf__eval_source_close(rf_eval_source *source) {
    if (source->kind && source->kind->close) source->kind->close(source);
    json_decref(source->protocol);
    *source = (rf_eval_source){0};
}

int64_t rf__eval_source_scalars(const rf_eval_source *source) {
    return (int64_t)source->shape.height * source->shape.width * source->shape.channels;
}

void rf__eval_source_help(FILE *stream) {
    fputs("  model    -m MODEL.safetensors, or MODEL.safetensors in a source's place\n", stream);
    for (int i = 0; kinds[i]; i++) fprintf(stream, "  %-8s %s\n", kinds[i]->name, kinds[i]->help);
}

void rf__eval_quantise(float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) x[i] = rf__pixel_to_f32(rf__pixel_from_f32(x[i]));
}

static rf_status walk_by_reading(rf_eval_source *source, int64_t count, float *x, int32_t *labels, rf_eval_take take, void *user) {
    for (int64_t first = 0; first < count; first += RF_EVAL_ROWS) {
        if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
        int64_t rows = count - first < RF_EVAL_ROWS ? count - first : RF_EVAL_ROWS;
        for (int64_t r = 0; r < rows; r++) labels[r] = -1;
        RF_TRY(source->kind->read(source, first, rows, x, labels));
        RF_TRY(take(user, &(rf_eval_batch){first, rows, x, labels}));
    }
    return RF_OK;
}

rf_status rf__eval_source_walk(rf_eval_source *source, int64_t count, rf_eval_take take, void *user) {
    if (source->kind->walk) return source->kind->walk(source, count, take, user);
    float *x = rf__alloc_array(RF_EVAL_ROWS, (size_t)rf__eval_source_scalars(source) * sizeof *x);
    int32_t labels[RF_EVAL_ROWS];
    if (!x) return rf__fail(RF_ENOMEM, "no memory for %d pictures", RF_EVAL_ROWS);
    rf_status status = walk_by_reading(source, count, x, labels, take, user);
    rf__free(x);
    return status;
}
