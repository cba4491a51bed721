/* torch_flatten.c - the tree of a pickle to tensors with dotted names. */
#include "torch_flatten.h"

#include <stdio.h>
#include <string.h>

#include "tensors_inside.h"

enum { DEPTH_MOST = 32, NAME_MOST = 512, NODES_MOST = 1000000 };

typedef struct walk {
    rf_tensors *tensors;
    rf_storage_source source;
    char name[NAME_MOST];
    int64_t nodes; /* a shared list inside shared lists is met exponentially often */
} walk;

/* Contiguous row-major: the storage itself. Else a copy in the arena. */
static bool is_contiguous(const rf_pickle *t) {
    int64_t stride = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (t->dim[i] != 1 && t->stride[i] != stride) return false;
        stride *= t->dim[i];
    }
    return true;
}

static const void *gather(rf_tensors *tensors, const rf_pickle *t, const uint8_t *storage, size_t width, int64_t count) {
    uint8_t *copy = rf__tensors_block(tensors, (size_t)count * width);
    int64_t index[RF_TENSOR_RANK_MAX] = {0};
    for (int64_t i = 0; copy && i < count; i++) {
        int64_t at = t->offset;
        for (int d = 0; d < t->rank; d++) at += index[d] * t->stride[d];
        memcpy(copy + (size_t)i * width, storage + (size_t)at * width, width);
        for (int d = t->rank - 1; d >= 0 && ++index[d] == t->dim[d]; d--) index[d] = 0;
    }
    return copy;
}

static rf_status add_tensor(walk *w, const rf_pickle *t) {
    const uint8_t *storage;
    size_t width = rf__tensor_type_size(t->storage->type);
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= t->dim[i];
    RF_TRY(w->source.find(w->source.self, t->storage, &storage));
    const void *data = is_contiguous(t) ? storage + (size_t)t->offset * width : gather(w->tensors, t, storage, width, count);
    if (!data) return rf__fail(RF_ENOMEM, "no memory for %s", w->name);
    return rf__tensors_add(w->tensors, w->name, t->storage->type, t->rank, t->dim, data);
}

static rf_status visit(walk *w, const rf_pickle *value, size_t length, int depth);

/* value under "name.key" */
static rf_status child(walk *w, const char *key, const rf_pickle *value, size_t length, int depth) {
    int added = snprintf(w->name + length, NAME_MOST - length, "%s%s", length ? "." : "", key);
    if (added < 0 || length + (size_t)added >= NAME_MOST) return rf__fail(RF_EFORMAT, "a tensor's name is longer than %d bytes", NAME_MOST - 1);
    rf_status status = visit(w, value, length + (size_t)added, depth + 1);
    w->name[length] = 0;
    return status;
}

static rf_status visit(walk *w, const rf_pickle *value, size_t length, int depth) {
    char number[24];
    if (depth > DEPTH_MOST || ++w->nodes > NODES_MOST) return rf__fail(RF_EFORMAT, "its containers nest deeper than %d or hold too much", DEPTH_MOST);
    if (value->kind == RF_PICKLE_TENSOR) return add_tensor(w, value);
    for (int64_t i = 0; value->kind == RF_PICKLE_LIST && i < value->count; i++) {
        snprintf(number, sizeof number, "%lld", (long long)i);
        RF_TRY(child(w, number, value->item[i], length, depth));
    }
    for (int64_t i = 0; value->kind == RF_PICKLE_DICT && i + 1 < value->count; i += 2) {
        const rf_pickle *key = value->item[i];
        if (key->kind == RF_PICKLE_INT) snprintf(number, sizeof number, "%lld", (long long)key->number);
        else if (key->kind != RF_PICKLE_TEXT) continue; /* tensors are never under other keys */
        RF_TRY(child(w, key->kind == RF_PICKLE_INT ? number : key->text, value->item[i + 1], length, depth));
    }
    return RF_OK;
}

rf_status rf__torch_flatten(rf_tensors *tensors, const rf_pickle *root, rf_storage_source source) {
    walk w = {.tensors = tensors, .source = source};
    return visit(&w, root, 0, 0);
}
