/* graph.c - creating a graph, its leaves, names and errors. */
#include "node.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

rf_graph *rf__graph_create(rf_dtype compute) {
    rf_graph *graph = calloc(1, sizeof *graph);
    if (!graph) return NULL;
    graph->arena = rf__arena_create();
    graph->int8 = compute == RF_INT8;
    graph->compute = graph->int8 ? RF_BF16 : compute;
    graph->last_kept = -1;
    if (!graph->arena) rf__graph_free(&graph);
    return graph;
}

void rf__graph_free(rf_graph **graph) {
    if (!graph || !*graph) return;
    rf__arena_free(&(*graph)->arena);
    free((*graph)->nodes);
    free((*graph)->params);
    free((*graph)->param_nodes);
    free(*graph);
    *graph = NULL;
}

rf_status rf__graph_status(const rf_graph *graph) {
    return graph->status == RF_OK ? RF_OK : rf__fail(graph->status, "%s", graph->error);
}

rf_dtype rf__graph_dtype(const rf_graph *graph) { return graph->compute; }

rf_node *rf__graph_fail(rf_graph *graph, rf_status status, const char *format, ...) {
    if (graph->status != RF_OK) return NULL;
    graph->status = status;
    char text[400];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    snprintf(graph->error, sizeof graph->error, "%.100s%s", graph->scope, text);
    return NULL;
}

const char *rf__op_name(rf_op op) {
    static const char *const names[] = {
#define RF_OP(name, kernel, grad) #name,
#include "ops.inc"
#undef RF_OP
    };
    return names[op];
}

/* ---- shapes ---- */

int64_t rf__shape_count(const rf_shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) count *= shape->dim[i];
    return count;
}

bool rf__shape_equal(const rf_shape *a, const rf_shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

const char *rf__shape_text(const rf_shape *shape, char buffer[64]) {
    int used = 0;
    buffer[0] = 0;
    for (int i = 0; i < shape->rank && used < 60; i++)
        used += snprintf(buffer + used, 64 - (size_t)used, i ? "x%lld" : "%lld", (long long)shape->dim[i]);
    return buffer;
}

rf_shape rf__node_shape(const rf_node *node) { return node ? node->shape : (rf_shape){0}; }

/* ---- nodes ---- */

/* Grow a plain array by doubling; the element count is `used`. */
static bool grow(void **array, int used, int *room, size_t size) {
    if (used < *room) return true;
    int wanted = *room ? 2 * *room : 64;
    void *bigger = realloc(*array, (size_t)wanted * size);
    if (!bigger) return false;
    *array = bigger;
    *room = wanted;
    return true;
}

rf_node *rf__node_new(rf_graph *graph, rf_op op, rf_dtype dtype, rf_shape shape) {
    if (graph->status != RF_OK) return NULL;
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] <= 0 || shape.dim[i] > (int64_t)1 << 40)
            return rf__graph_fail(graph, RF_EINVAL, "%s: dimension %d is %lld, expected at least 1", rf__op_name(op), i,
                                  (long long)shape.dim[i]);
    rf_node *node = rf__arena_alloc(graph->arena, sizeof *node);
    if (!node || !grow((void **)&graph->nodes, graph->node_count, &graph->node_room, sizeof *graph->nodes))
        return rf__graph_fail(graph, RF_ENOMEM, "no memory for a graph of %d nodes", graph->node_count);
    node->op = op;
    node->id = graph->node_count;
    node->dtype = dtype;
    node->shape = shape;
    node->param = node->param2 = -1;
    node->name = graph->scope[0] ? rf__arena_strdup(graph->arena, graph->scope) : "";
    graph->nodes[graph->node_count++] = node;
    return node;
}

rf_node *rf__node_aux(rf_graph *graph, rf_node *owner, int which, rf_dtype dtype, rf_shape shape) {
    if (!owner) return NULL;
    if (!owner->aux[which]) {
        rf_node *aux = rf__node_new(graph, RF_OP_AUX, dtype, shape);
        if (!aux) return NULL;
        aux->in[0] = owner;
        owner->aux[which] = aux;
    }
    return owner->aux[which];
}

rf_node *rf__node_cast(rf_graph *graph, rf_node *node, rf_dtype dtype) {
    if (!node || node->dtype == dtype) return node;
    rf_node *cast = rf__node_new(graph, RF_OP_CAST, dtype, node->shape);
    if (cast) cast->in[0] = node, cast->needs_grad = node->needs_grad;
    return cast;
}

/* ---- scopes ---- */

void rf__scope_push(rf_graph *graph, const char *format, ...) {
    size_t used = strlen(graph->scope);
    if (graph->scope_depth >= 32 || used + 64 > sizeof graph->scope) {
        rf__graph_fail(graph, RF_EINVAL, "names are nested too deep");
        return;
    }
    graph->scope_marks[graph->scope_depth++] = (int)used;
    va_list list;
    va_start(list, format);
    int written = vsnprintf(graph->scope + used, 60, format, list);
    va_end(list);
    if (written > 58) written = 58;
    strcpy(graph->scope + used + (size_t)(written < 0 ? 0 : written), ".");
}

void rf__scope_pop(rf_graph *graph) {
    if (graph->scope_depth > 0) graph->scope[graph->scope_marks[--graph->scope_depth]] = 0;
}

/* ---- leaves ---- */

rf_node *rf__input(rf_graph *graph, const char *name, rf_dtype dtype, rf_shape shape) {
    rf_node *node = rf__node_new(graph, RF_OP_INPUT, dtype, shape);
    if (node) node->name = rf__arena_strdup(graph->arena, name);
    return node;
}

rf_node *rf__fill(rf_graph *graph, rf_shape shape, float value) {
    rf_node *node = rf__node_new(graph, RF_OP_FILL, rf__dtype_for_rank(graph, shape.rank), shape);
    if (node) node->attr.a = value;
    return node;
}

static rf_node *param_new(rf_graph *graph, const char *name, rf_shape shape, rf_init init, bool trained) {
    int room = graph->param_room;
    if (!grow((void **)&graph->params, graph->param_count, &room, sizeof *graph->params) ||
        !grow((void **)&graph->param_nodes, graph->param_count, &graph->param_room, sizeof *graph->param_nodes))
        return rf__graph_fail(graph, RF_ENOMEM, "no memory for parameter %s", name);
    rf_node *node = rf__node_new(graph, RF_OP_PARAM, RF_F32, shape);
    if (!node) return NULL;
    node->name = name;
    node->needs_grad = trained;
    node->param = graph->param_count;
    graph->params[graph->param_count] = (rf_param){name, shape, init, trained, shape.rank == 4};
    graph->param_nodes[graph->param_count++] = node;
    return node;
}

static rf_node *param_get(rf_graph *graph, const char *name, rf_shape shape, rf_init init, bool trained) {
    if (graph->status != RF_OK) return NULL;
    char full[640];
    snprintf(full, sizeof full, "%s%s", graph->scope, name);
    for (int i = 0; i < graph->param_count; i++) {
        if (strcmp(graph->params[i].name, full)) continue;
        char a[64], b[64];
        if (rf__shape_equal(&graph->params[i].shape, &shape)) return graph->param_nodes[i];
        return rf__graph_fail(graph, RF_EMISMATCH, "%s: used as %s and as %s", name,
                              rf__shape_text(&graph->params[i].shape, a), rf__shape_text(&shape, b));
    }
    return param_new(graph, rf__arena_strdup(graph->arena, full), shape, init, trained);
}

rf_node *rf__param(rf_graph *graph, const char *name, rf_shape shape, rf_init init) {
    return param_get(graph, name, shape, init, !graph->frozen);
}

rf_node *rf__buffer(rf_graph *graph, const char *name, rf_shape shape, rf_init init) {
    return param_get(graph, name, shape, init, false);
}

void rf__freeze(rf_graph *graph, bool on) { graph->frozen = on; }

int rf__graph_param_count(const rf_graph *graph) { return graph->param_count; }
const rf_param *rf__graph_param(const rf_graph *graph, int index) { return &graph->params[index]; }

void rf__output(rf_graph *graph, const char *name, rf_node *node) {
    node = rf__to_f32(graph, node);
    if (!node) return;
    if (graph->output_count >= 64) {
        rf__graph_fail(graph, RF_EINVAL, "output %s: a graph has at most 64 outputs", name);
        return;
    }
    name = rf__arena_strdup(graph->arena, name);
    node->output = name;
    graph->outputs[graph->output_count++] = (rf_output_entry){name, node};
}

/* The kernels that pass a gradient through a norm sum those of its vectors on the way, also where these are frozen and nobody reads the sums. */
static bool always_writes(const rf_node *node) { return node->op == RF_OP_GROUP_NORM_BWD || node->op == RF_OP_LAYER_NORM_BWD; }

void rf__graph_live(const rf_graph *graph, bool *live) {
    memset(live, 0, (size_t)graph->node_count * sizeof *live);
    for (int i = 0; i < graph->output_count; i++) live[graph->outputs[i].node->id] = true;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const rf_node *node = graph->nodes[i];
        if (node->sink || node->cut) live[i] = true;
        if (!live[i]) continue;
        if (always_writes(node) && node->aux[0]) live[node->aux[0]->id] = true;
        for (int k = 0; k < RF_MAX_INPUTS; k++)
            if (node->in[k]) live[node->in[k]->id] = true;
    }
}
