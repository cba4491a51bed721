/* premetric.c - see premetric.h. */
#include "premetric.h"

#include <stdlib.h>
#include <string.h>

#include "../io/sha256.h"
#include "../models/features/lpips.h"

#define SCOPE "premetric"
#define EPS 1e-10f /* of the unit length, as LPIPS has it */

struct rf_premetric {
    const rf_lpips *lpips;    /* NULL: a feature network */
    rf_feature_model *model;  /* of a feature network */
    int size;
    rf_weights *weights;
};

/* Both pictures through the same network, tap by tap. */
static rf_node *tap_distance(rf_graph *g, const rf_premetric *p, rf_node *a, rf_node *b) {
    const rf_feature_model *m = p->model;
    rf__freeze(g, true);
    rf_feature_out x = rf__feature_build(g, m->net, m->form, a, p->size, p->size, RF_FEATURE_TAPS_ONLY);
    rf_feature_out z = rf__feature_build(g, m->net, m->form, b, p->size, p->size, RF_FEATURE_TAPS_ONLY);
    rf__freeze(g, false);
    rf_node *total = NULL;
    for (int i = 0; i < x.tap_count; i++) {
        rf_node *gap = rf__sub(g, rf__unit_norm(g, x.taps[i], EPS), rf__unit_norm(g, z.taps[i], EPS));
        rf_node *d = rf__sum_rows(g, rf__mean_pixels(g, rf__mul(g, gap, gap)), 1);
        total = total ? rf__add(g, total, d) : d;
    }
    return total;
}

rf_node *rf__premetric_build(rf_graph *graph, const rf_premetric *p, rf_node *a, rf_node *b) {
    rf__scope_push(graph, SCOPE);
    rf_node *rows = p->lpips ? rf__lpips_build(graph, p->lpips, a, b, p->size, p->size) : tap_distance(graph, p, a, b);
    rf__scope_pop(graph);
    return rows;
}

rf_weights *rf__premetric_weights(const rf_premetric *premetric) { return premetric->weights; }

/* Room for the buffers, under the names they have inside a loss. */
static rf_status declare(rf_premetric *p) {
    rf_graph *graph = rf__graph_create(RF_F32);
    if (!graph) return rf__fail(RF_ENOMEM, "premetric: no memory for a graph");
    const rf_feature_net *net = p->lpips ? rf__feature_net_find(p->lpips->backbone) : p->model->net;
    int height = p->lpips ? net->size : p->model->height, width = p->lpips ? net->size : p->model->width;
    const rf_shape shape = rf__shape4(1, height, width, p->lpips ? net->channels : p->model->channels);
    rf_node *a = rf__input(graph, "a", RF_F32, shape), *b = rf__input(graph, "b", RF_F32, shape);
    rf__premetric_build(graph, p, a, b);
    rf_status status = rf__graph_status(graph);
    if (status == RF_OK) status = rf__weights_create(&p->weights, graph);
    rf__graph_free(&graph);
    return status;
}

static rf_status load_lpips(rf_premetric *p, const rf_premetric_spec *spec) {
    char sha[65];
    RF_TRY(rf__sha256_file(spec->file, sha));
    if (!spec->any_file) RF_TRY(rf__feature_checksum(rf__feature_net_find(p->lpips->backbone)->sha256, sha, spec->file));
    RF_TRY(rf__sha256_file(spec->heads, sha));
    if (!spec->any_file) RF_TRY(rf__feature_checksum(p->lpips->heads, sha, spec->heads));
    const char *probe = NULL;
    for (int i = 0; i < rf__weights_count(p->weights) && !probe; i++)
        if (rf__weights_param(p->weights, i)->conv) probe = rf__weights_param(p->weights, i)->name + strlen(SCOPE ".net.");
    rf_tensor_source backbone, heads;
    RF_TRY(rf__tensor_file_open(&backbone, spec->file, probe));
    rf_status status = rf__tensor_file_open(&heads, spec->heads, "lin0.model.1.weight");
    if (status == RF_OK) {
        status = rf__lpips_load(p->lpips, p->weights, SCOPE ".", &backbone, &heads);
        rf__tensor_file_close(&heads);
    }
    rf__tensor_file_close(&backbone);
    return status;
}

static bool is_lpips(const char *name) {
    for (int i = 0; rf__lpips_all()[i]; i++)
        if (!strcmp(rf__lpips_all()[i]->name, name)) return true;
    return false;
}

static rf_status fill(rf_premetric *p, const rf_premetric_spec *spec) {
    p->size = spec->size;
    if (is_lpips(spec->name)) {
        p->lpips = rf__lpips_find(spec->name);
        RF_TRY(declare(p));
        return load_lpips(p, spec);
    }
    RF_TRY(rf__feature_open(&p->model, spec->name, spec->file, spec->any_file));
    RF_TRY(declare(p));
    return rf__feature_copy(p->model, p->weights, SCOPE ".");
}

rf_status rf__premetric_open(rf_premetric **out, const rf_premetric_spec *spec) {
    rf_premetric *p = *out = calloc(1, sizeof *p);
    if (!p) return rf__fail(RF_ENOMEM, "no memory for a premetric");
    rf_status status = fill(p, spec);
    if (status == RF_OK) status = rf__weights_refresh(p->weights, NULL);
    if (status != RF_OK) rf__premetric_free(out);
    return status;
}

void rf__premetric_free(rf_premetric **premetric) {
    rf_premetric *p = premetric ? *premetric : NULL;
    if (!p) return;
    rf__weights_free(&p->weights);
    rf__feature_free(&p->model);
    free(p);
    *premetric = NULL;
}
