/* torch_flatten.c - the tree of a pickle to tensors with dotted names, and the plain values beside them to metadata. */
#include "torch_flatten.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensors_inside.h"

enum { DEPTH_MOST = 32, NAME_MOST = 512, NODES_MOST = 1000000, LISTED_MOST = 64, TEXT_MOST = 16384 /* bytes of a text that are kept */ };

typedef struct walk {
    rf_tensors *tensors;
    rf_storage_source source;
    char name[NAME_MOST];
    int64_t nodes; /* a shared list inside shared lists is met exponentially often */
} walk;

/* Contiguous row-major: the storage itself. */
static bool is_contiguous(const rf_pickle_view *t) {
    int64_t stride = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (t->dim[i] != 1 && t->stride[i] != stride) return false;
        if (t->dim[i] == 0) return true; /* nothing to gather */
        stride *= t->dim[i];
    }
    return true;
}

static rf_status add_tensor(walk *w, const rf_pickle_view *t) {
    const uint8_t *data;
    rf_tensor_type type = t->storage->type;
    RF_TRY(w->source.find(w->source.self, t->storage, &data));
    data += (size_t)t->offset * rf__tensor_type_size(type);
    if (!is_contiguous(t)) RF_TRY(rf__tensors_gather(w->tensors, type, t->rank, t->dim, t->stride, data, &data));
    return rf__tensors_add(w->tensors, w->name[0] ? w->name : "tensor", type, t->rank, t->dim, data);
}

/* ---- plain values ---- */

static bool is_plain(const rf_pickle *value) {
    return value->kind == RF_PICKLE_NONE || value->kind == RF_PICKLE_BOOL || value->kind == RF_PICKLE_INT || value->kind == RF_PICKLE_FLOAT ||
           value->kind == RF_PICKLE_TEXT;
}

static bool is_plain_list(const rf_pickle *value) {
    for (int64_t i = 0; i < value->count; i++)
        if (!is_plain(value->item[i])) return false;
    return value->kind == RF_PICKLE_LIST && value->count > 0;
}

/* A pickle may name one long text again and again. Cut between characters of UTF-8. */
static void print_text(FILE *out, const char *text) {
    size_t size = strnlen(text, TEXT_MOST + 1), most = TEXT_MOST;
    if (size <= TEXT_MOST) {
        fputs(text, out);
        return;
    }
    while (most && ((unsigned char)text[most] & 0xc0) == 0x80) most--;
    fwrite(text, 1, most, out);
    fputs("...", out);
}

/* As Python prints it. */
static void print_plain(FILE *out, const rf_pickle *value) {
    switch (value->kind) {
    case RF_PICKLE_BOOL: fputs(value->number ? "True" : "False", out); return;
    case RF_PICKLE_INT: fprintf(out, "%lld", (long long)value->number); return;
    case RF_PICKLE_FLOAT: fprintf(out, "%.17g", value->real); return;
    case RF_PICKLE_TEXT: print_text(out, value->text); return;
    default: fputs("None", out);
    }
}

/* A value, or a list of values in brackets, cut behind the first ones. */
static rf_status note(walk *w, const rf_pickle *value) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return rf__fail(RF_ENOMEM, "no memory for %s", w->name);
    if (value->kind == RF_PICKLE_LIST) {
        int64_t count = value->count < LISTED_MOST ? value->count : LISTED_MOST;
        for (int64_t i = 0; i < count; i++) fputs(i ? ", " : "[", out), print_plain(out, value->item[i]);
        fputs(count < value->count ? ", ...]" : "]", out);
    } else {
        print_plain(out, value);
    }
    rf_status status = fclose(out) ? rf__fail(RF_ENOMEM, "no memory for %s", w->name) : rf__tensors_note(w->tensors, w->name[0] ? w->name : "value", text);
    free(text);
    return status;
}

/* ---- containers ---- */

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
    if (value->kind == RF_PICKLE_TENSOR) return add_tensor(w, value->view);
    if (is_plain(value)) return note(w, value);
    if (value->kind == RF_PICKLE_LIST) {
        w->nodes += value->count;
        if (is_plain_list(value)) return note(w, value);
        for (int64_t i = 0; i < value->count; i++) {
            snprintf(number, sizeof number, "%lld", (long long)i);
            RF_TRY(child(w, number, value->item[i], length, depth));
        }
    }
    for (int64_t i = 0; value->kind == RF_PICKLE_DICT && i + 1 < value->count; i += 2) {
        const rf_pickle *key = value->item[i];
        if (key->kind == RF_PICKLE_INT) snprintf(number, sizeof number, "%lld", (long long)key->number);
        else if (key->kind != RF_PICKLE_TEXT) return rf__fail(RF_EFORMAT, "%s: a dictionary has a key that is no text and no whole number", w->name);
        RF_TRY(child(w, key->kind == RF_PICKLE_INT ? number : key->text, value->item[i + 1], length, depth));
    }
    return RF_OK;
}

rf_status rf__torch_flatten(rf_tensors *tensors, const rf_pickle *root, rf_storage_source source) {
    walk w = {.tensors = tensors, .source = source};
    return visit(&w, root, 0, 0);
}
