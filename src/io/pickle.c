/* pickle.c - see pickle.h. */
#include "pickle_inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- the names that are understood ---- */

typedef enum role { ROLE_DICT, ROLE_TENSOR, ROLE_TENSOR_OLD, ROLE_PARAMETER, ROLE_LIST, ROLE_STORAGE } role;

static const struct known {
    const char *module, *name;
    role role;
    rf_tensor_type type; /* of storages */
} known[] = {
    {"collections", "OrderedDict", ROLE_DICT, 0},
    {"diffusers.configuration_utils", "FrozenDict", ROLE_DICT, 0}, /* an OrderedDict of settings */
    {"torch._utils", "_rebuild_tensor_v2", ROLE_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor", ROLE_TENSOR_OLD, 0},
    {"torch._utils", "_rebuild_parameter", ROLE_PARAMETER, 0},
    {"torch", "Size", ROLE_LIST, 0},
    {"torch", "FloatStorage", ROLE_STORAGE, RF_TENSOR_F32},
    {"torch", "DoubleStorage", ROLE_STORAGE, RF_TENSOR_F64},
    {"torch", "HalfStorage", ROLE_STORAGE, RF_TENSOR_F16},
    {"torch", "BFloat16Storage", ROLE_STORAGE, RF_TENSOR_BF16},
    {"torch", "LongStorage", ROLE_STORAGE, RF_TENSOR_I64},
    {"torch", "IntStorage", ROLE_STORAGE, RF_TENSOR_I32},
    {"torch", "ShortStorage", ROLE_STORAGE, RF_TENSOR_I16},
    {"torch", "CharStorage", ROLE_STORAGE, RF_TENSOR_I8},
    {"torch", "ByteStorage", ROLE_STORAGE, RF_TENSOR_U8},
    {"torch", "BoolStorage", ROLE_STORAGE, RF_TENSOR_BOOL},
};
#define KNOWN ((int)(sizeof known / sizeof *known))

/* ---- names, storages, tensors ---- */

static rf_status push_name(rf_pickle_machine *m, const char *module, const char *name) {
    const char *old = strncmp(module, "__builtin__", 12) == 0 ? "builtins" : module;
    for (int i = 0; i < KNOWN; i++)
        if (!strcmp(known[i].module, old) && !strcmp(known[i].name, name)) {
            rf_pickle *value = rf__pickle_make(m, RF_PICKLE_NAME);
            if (value) value->role = i;
            return rf__pickle_push(m, value);
        }
    return rf__fail(RF_EFORMAT, "the pickle asks for %.80s.%.80s, which is no tensor and no plain container: refused, nothing was executed", module, name);
}

static bool is_list(const rf_pickle *v, int64_t least) { return v && v->kind == RF_PICKLE_LIST && v->count >= least; }

/* ('storage', torch.FloatStorage, key, device, numbers[, view]) */
static rf_status push_storage(rf_pickle_machine *m) {
    rf_pickle *id = NULL, *storage = rf__pickle_make(m, RF_PICKLE_STORAGE);
    RF_TRY(rf__pickle_pop(m, &id));
    if (!storage) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    if (!is_list(id, 5) || id->item[1]->kind != RF_PICKLE_NAME || known[id->item[1]->role].role != ROLE_STORAGE ||
        id->item[2]->kind != RF_PICKLE_TEXT || id->item[4]->kind != RF_PICKLE_INT || id->item[4]->number < 0)
        return rf__fail(RF_EFORMAT, "the pickle has a storage that is not (name, type, key, device, numbers)");
    if (id->count > 5 && id->item[5]->kind != RF_PICKLE_NONE)
        return rf__fail(RF_EUNSUPPORTED, "the file has views of storages (PyTorch before 0.4), which are not read");
    storage->type = known[id->item[1]->role].type;
    storage->text = id->item[2]->text;
    storage->number = id->item[4]->number;
    RF_TRY(rf__pickle_append(m->storages, &storage, 1, m->arena));
    return rf__pickle_push(m, storage);
}

/* Sizes and strides must stay inside the storage, and a view may not be larger than it (strides of zero). */
static rf_status check_view(const rf_pickle_view *t) {
    int64_t count = 1, last = t->offset;
    for (int i = 0; i < t->rank; i++) {
        int64_t reach;
        if (t->dim[i] < 0 || t->stride[i] < 0 || __builtin_mul_overflow(count, t->dim[i], &count) ||
            __builtin_mul_overflow(t->dim[i] > 0 ? t->dim[i] - 1 : 0, t->stride[i], &reach) || __builtin_add_overflow(last, reach, &last))
            return rf__fail(RF_EFORMAT, "a tensor has sizes that overflow");
    }
    if (t->offset < 0 || count > t->storage->number || (count > 0 && last >= t->storage->number))
        return rf__fail(RF_EFORMAT, "a tensor reaches beyond number %lld of a storage of %lld", (long long)(last > count ? last : count),
                        (long long)t->storage->number);
    return RF_OK;
}

/* (storage, offset, sizes, strides, ...) */
static rf_status push_tensor(rf_pickle_machine *m, const rf_pickle *args) {
    rf_pickle *tensor = rf__pickle_make(m, RF_PICKLE_TENSOR);
    rf_pickle_view *view = tensor ? rf__arena_alloc(m->arena, sizeof *view) : NULL;
    if (!view) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    if (!is_list(args, 4) || args->item[0]->kind != RF_PICKLE_STORAGE || args->item[1]->kind != RF_PICKLE_INT || !is_list(args->item[2], 0) ||
        !is_list(args->item[3], 0) || args->item[2]->count != args->item[3]->count || args->item[2]->count > RF_TENSOR_RANK_MAX)
        return rf__fail(RF_EFORMAT, "the pickle has a tensor that is not (storage, offset, sizes, strides) with at most %d axes", RF_TENSOR_RANK_MAX);
    view->storage = args->item[0];
    view->offset = args->item[1]->number;
    view->rank = (int)args->item[2]->count;
    for (int i = 0; i < view->rank; i++) {
        const rf_pickle *dim = args->item[2]->item[i], *stride = args->item[3]->item[i];
        if (dim->kind != RF_PICKLE_INT || stride->kind != RF_PICKLE_INT) return rf__fail(RF_EFORMAT, "a tensor has sizes that are no whole numbers");
        view->dim[i] = dim->number;
        view->stride[i] = stride->number;
    }
    RF_TRY(check_view(view));
    tensor->view = view;
    return rf__pickle_push(m, tensor);
}

/* A dictionary from a list of (key, value) pairs. */
static rf_status push_dict(rf_pickle_machine *m, const rf_pickle *args) {
    rf_pickle *dict = rf__pickle_make(m, RF_PICKLE_DICT);
    if (!dict) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    if (is_list(args, 1) && args->item[0]->kind == RF_PICKLE_DICT) return rf__pickle_push(m, args->item[0]);
    for (int64_t i = 0; is_list(args, 1) && is_list(args->item[0], 0) && i < args->item[0]->count; i++) {
        const rf_pickle *pair = args->item[0]->item[i];
        if (!is_list(pair, 2) || pair->count != 2) return rf__fail(RF_EFORMAT, "the pickle has a dictionary that is not made of pairs");
        RF_TRY(rf__pickle_append(dict, pair->item, 2, m->arena));
    }
    return rf__pickle_push(m, dict);
}

static rf_status apply(rf_pickle_machine *m) {
    rf_pickle *args = NULL, *name = NULL;
    RF_TRY(rf__pickle_pop(m, &args));
    RF_TRY(rf__pickle_pop(m, &name));
    if (name->kind != RF_PICKLE_NAME || !is_list(args, 0)) return rf__fail(RF_EFORMAT, "the pickle calls something that is no name");
    switch (known[name->role].role) {
    case ROLE_DICT: return push_dict(m, args);
    case ROLE_TENSOR:
    case ROLE_TENSOR_OLD: return push_tensor(m, args);
    case ROLE_PARAMETER: /* (tensor, requires_grad, hooks) */
        if (is_list(args, 1) && args->item[0]->kind == RF_PICKLE_TENSOR) return rf__pickle_push(m, args->item[0]);
        return rf__fail(RF_EFORMAT, "the pickle has a parameter without a tensor");
    case ROLE_LIST:
        if (is_list(args, 1) && is_list(args->item[0], 0)) return rf__pickle_push(m, args->item[0]);
        return rf__fail(RF_EFORMAT, "the pickle has a size that is no list");
    case ROLE_STORAGE: break;
    }
    return rf__fail(RF_EFORMAT, "the pickle calls %s.%s, which only a storage may name", known[name->role].module, known[name->role].name);
}

/* State of an OrderedDict (`_metadata`) says nothing about tensors. */
static rf_status drop_state(rf_pickle_machine *m) {
    rf_pickle *state = NULL;
    RF_TRY(rf__pickle_pop(m, &state));
    if (m->depth > 0 && m->stack[m->depth - 1]->kind == RF_PICKLE_DICT) return RF_OK;
    return rf__fail(RF_EFORMAT, "the pickle sets the state of something that is no dictionary");
}

/* LONG1: up to 255 bytes, two's complement; what does not fit 63 bits becomes the nearest real number. */
static rf_status push_long(rf_pickle_machine *m) {
    uint64_t size;
    RF_TRY(rf__pickle_number(m, 1, &size));
    RF_TRY(rf__pickle_need(m, size));
    double real = size > 0 && m->at[size - 1] & 0x80 ? -1 : 0;
    uint64_t bits = real < 0 ? ~(uint64_t)0 : 0;
    for (uint64_t i = size; i-- > 0;) {
        real = real * 256 + m->at[i]; /* -1 carries the sign down */
        bits = bits << 8 | m->at[i];
    }
    m->at += size;
    if (size <= 8) return rf__pickle_push_number(m, RF_PICKLE_INT, (int64_t)bits);
    rf_pickle *value = rf__pickle_make(m, RF_PICKLE_FLOAT);
    if (value) value->real = real;
    return rf__pickle_push(m, value);
}

static rf_status push_real(rf_pickle_machine *m) { /* big endian */
    RF_TRY(rf__pickle_need(m, 8));
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) bits = bits << 8 | m->at[i];
    m->at += 8;
    rf_pickle *value = rf__pickle_make(m, RF_PICKLE_FLOAT);
    if (value) memcpy(&value->real, &bits, sizeof bits);
    return rf__pickle_push(m, value);
}

static rf_status push_line_name(rf_pickle_machine *m) {
    const char *module, *name;
    RF_TRY(rf__pickle_line(m, &module));
    RF_TRY(rf__pickle_line(m, &name));
    return push_name(m, module, name);
}

static rf_status push_stack_name(rf_pickle_machine *m) {
    rf_pickle *module = NULL, *name = NULL;
    RF_TRY(rf__pickle_pop(m, &name));
    RF_TRY(rf__pickle_pop(m, &module));
    if (module->kind != RF_PICKLE_TEXT || name->kind != RF_PICKLE_TEXT) return rf__fail(RF_EFORMAT, "the pickle has a name that is no text");
    return push_name(m, module->text, name->text);
}

static rf_status tuple_of_marked(rf_pickle_machine *m) {
    int count;
    RF_TRY(rf__pickle_above_mark(m, &count));
    return rf__pickle_make_tuple(m, count, true);
}

static rf_status sized_text(rf_pickle_machine *m, int width) {
    uint64_t size;
    RF_TRY(rf__pickle_number(m, width, &size));
    return rf__pickle_push_text(m, size);
}

static rf_status sized_int(rf_pickle_machine *m, int width) {
    uint64_t value;
    RF_TRY(rf__pickle_number(m, width, &value));
    return rf__pickle_push_number(m, RF_PICKLE_INT, width == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value);
}

static rf_status indexed(rf_pickle_machine *m, int width, rf_status (*use)(rf_pickle_machine *, uint64_t)) {
    uint64_t index;
    RF_TRY(rf__pickle_number(m, width, &index));
    return use(m, index);
}

static rf_status skip(rf_pickle_machine *m, int width) {
    uint64_t unused;
    return rf__pickle_number(m, width, &unused);
}

/* One instruction; the letters are pickle's own. */
static rf_status instruction(rf_pickle_machine *m, uint8_t op) {
    switch (op) {
    case 0x80: return skip(m, 1);            /* protocol */
    case 0x95: return skip(m, 8);            /* frame */
    case '}': return rf__pickle_push(m, rf__pickle_make(m, RF_PICKLE_DICT));
    case ']': return rf__pickle_push(m, rf__pickle_make(m, RF_PICKLE_LIST));
    case ')': return rf__pickle_push(m, rf__pickle_make(m, RF_PICKLE_LIST));
    case '(': return rf__pickle_push(m, rf__pickle_make(m, RF_PICKLE_MARK));
    case 'N': return rf__pickle_push(m, rf__pickle_make(m, RF_PICKLE_NONE));
    case 0x88: return rf__pickle_push_number(m, RF_PICKLE_BOOL, 1);
    case 0x89: return rf__pickle_push_number(m, RF_PICKLE_BOOL, 0);
    case 'J': return sized_int(m, 4);
    case 'K': return sized_int(m, 1);
    case 'M': return sized_int(m, 2);
    case 0x8a: return push_long(m);
    case 'G': return push_real(m);
    case 'X': return sized_text(m, 4);
    case 'T': return sized_text(m, 4);
    case 0x8c:
    case 'U': return sized_text(m, 1);
    case 'q': return indexed(m, 1, rf__pickle_remember);
    case 'r': return indexed(m, 4, rf__pickle_remember);
    case 0x94: return rf__pickle_remember(m, m->memo_next);
    case 'h': return indexed(m, 1, rf__pickle_recall);
    case 'j': return indexed(m, 4, rf__pickle_recall);
    case 't': return tuple_of_marked(m);
    case 0x85: return rf__pickle_make_tuple(m, 1, false);
    case 0x86: return rf__pickle_make_tuple(m, 2, false);
    case 0x87: return rf__pickle_make_tuple(m, 3, false);
    case 'a': return rf__pickle_extend(m, RF_PICKLE_LIST, 1);
    case 'e': return rf__pickle_extend(m, RF_PICKLE_LIST, 0);
    case 's': return rf__pickle_extend(m, RF_PICKLE_DICT, 2);
    case 'u': return rf__pickle_extend(m, RF_PICKLE_DICT, 0);
    case 'c': return push_line_name(m);
    case 0x93: return push_stack_name(m);
    case 'Q': return push_storage(m);
    case 'R': return apply(m);
    case 'b': return drop_state(m);
    default:
        return rf__fail(RF_EFORMAT, "the pickle has instruction 0x%02x at byte %lld, which files of tensors do not need: refused", op,
                        (long long)(m->at - 1 - m->start));
    }
}

rf_status rf__pickle_read(const rf_pickle **out, rf_arena *arena, const uint8_t *bytes, size_t size, size_t *used, const rf_pickle **storages) {
    rf_pickle_machine m = {.arena = arena, .at = bytes, .start = bytes, .end = bytes + size};
    m.storages = rf__pickle_make(&m, RF_PICKLE_LIST);
    rf_status status = m.storages ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the pickle");
    rf_pickle *top = NULL;
    for (bool stop = false; status == RF_OK && !stop;) {
        status = rf__pickle_need(&m, 1);
        if (status != RF_OK) break;
        uint8_t op = *m.at++;
        stop = op == '.';
        status = stop ? rf__pickle_pop(&m, &top) : instruction(&m, op);
    }
    free(m.stack);
    free(m.memo);
    *out = top;
    *used = (size_t)(m.at - bytes);
    if (storages) *storages = m.storages;
    return status;
}
