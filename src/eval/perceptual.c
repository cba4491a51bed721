/* perceptual.c - see perceptual.h. */
#include "perceptual.h"

#include <stdlib.h>
#include <string.h>

#include "../io/sha256.h"
#include "rows.h"

#define PLANS_HELD 4

struct rf_perceptual {
    const rf_lpips *lpips;
    rf_weights *weights;
    rf_plan_cache *plans;
    rf_pool *pool;
    rf_dtype dtype;
    char backbone_sha[65], heads_sha[65];
};

static rf_status build_graph(void *self, const rf_plan_key *key, rf_graph **out) {
    rf_graph *graph = *out = rf__graph_create(key->dtype);
    if (!graph) return rf__fail(RF_ENOMEM, "no memory for a graph");
    const rf_shape shape = rf__shape4(key->rows, key->height, key->width, key->layout);
    rf_node *a = rf__input(graph, "a", RF_F32, shape), *b = rf__input(graph, "b", RF_F32, shape);
    rf__output(graph, "distance", rf__lpips_build(graph, ((rf_perceptual *)self)->lpips, a, b, 0, 0));
    return rf__graph_status(graph);
}

/* The parameters do not depend on the size of the picture. */
static rf_status declare(rf_perceptual *p) {
    const int size = rf__feature_net_find(p->lpips->backbone)->size;
    const rf_plan_key key = {.rows = 1, .height = size, .width = size, .layout = 3, .dtype = RF_F32};
    rf_graph *graph = NULL;
    rf_status status = build_graph(p, &key, &graph);
    if (status == RF_OK) status = rf__weights_create(&p->weights, graph);
    rf__graph_free(&graph);
    return status;
}

static rf_status load(rf_perceptual *p, const char *backbone_path, const char *heads_path) {
    const char *probe = NULL;
    for (int i = 0; i < rf__weights_count(p->weights) && !probe; i++)
        if (rf__weights_param(p->weights, i)->conv) probe = rf__weights_param(p->weights, i)->name + strlen("net.");
    rf_tensor_source backbone, heads;
    RF_TRY(rf__tensor_file_open(&backbone, backbone_path, probe));
    rf_status status = rf__tensor_file_open(&heads, heads_path, "lin0.model.1.weight");
    if (status == RF_OK) status = rf__lpips_load(p->lpips, p->weights, "", &backbone, &heads);
    rf__tensor_file_close(&backbone);
    rf__tensor_file_close(&heads);
    return status;
}

static rf_status check_files(rf_perceptual *p, const char *backbone_path, const char *heads_path, bool any_file) {
    RF_TRY(rf__sha256_file(backbone_path, p->backbone_sha));
    RF_TRY(rf__sha256_file(heads_path, p->heads_sha));
    if (any_file) return RF_OK;
    RF_TRY(rf__feature_checksum(rf__feature_net_find(p->lpips->backbone)->sha256, p->backbone_sha, backbone_path));
    return rf__feature_checksum(p->lpips->heads, p->heads_sha, heads_path);
}

rf_status rf__perceptual_open(rf_perceptual **out, const char *name, const char *backbone_path, const char *heads_path, bool any_file, rf_dtype dtype,
                              rf_pool *pool) {
    *out = NULL;
    const rf_lpips *lpips = rf__lpips_find(name);
    if (!lpips) return RF_ENOTFOUND;
    rf_perceptual *p = calloc(1, sizeof *p);
    if (!p) return rf__fail(RF_ENOMEM, "no memory for a perceptual distance");
    p->lpips = lpips;
    p->pool = pool;
    p->dtype = dtype;
    rf_status status = check_files(p, backbone_path, heads_path, any_file);
    if (status == RF_OK) status = declare(p);
    if (status == RF_OK) status = load(p, backbone_path, heads_path);
    if (status == RF_OK) status = rf__plan_cache_create(&p->plans, build_graph, p, p->weights, NULL, PLANS_HELD);
    if (status != RF_OK) rf__perceptual_close(&p);
    *out = p;
    return status;
}

void rf__perceptual_close(rf_perceptual **perceptual_pointer) {
    rf_perceptual *p = perceptual_pointer ? *perceptual_pointer : NULL;
    if (!p) return;
    rf__plan_cache_free(&p->plans);
    rf__weights_free(&p->weights);
    free(p);
    *perceptual_pointer = NULL;
}

const rf_lpips *rf__perceptual_entry(const rf_perceptual *perceptual) { return perceptual->lpips; }

const char *rf__perceptual_sha256(const rf_perceptual *perceptual, bool heads) {
    return heads ? perceptual->heads_sha : perceptual->backbone_sha;
}

rf_status rf__perceptual_run(rf_perceptual *p, int64_t n, int height, int width, int channels, const float *a, const float *b, float *distance) {
    if (channels != 3 && channels != 1)
        return rf__fail(RF_EMISMATCH, "%s looks at 3 channels, the pictures have %d", p->lpips->name, channels);
    const rf_plan_key key = {.height = height, .width = width, .layout = channels, .dtype = p->dtype, .threads = rf__pool_size(p->pool)};
    const int64_t scalars = (int64_t)height * width * channels;
    const rf_row_port ports[] = {{"a", a, NULL, scalars}, {"b", b, NULL, scalars}, {"distance", NULL, distance, 1}, {NULL}};
    return rf__rows_run(p->plans, key, rf__rows_at_once(height, width), n, ports, p->pool);
}
