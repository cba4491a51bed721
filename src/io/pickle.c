/* pickle.c - see pickle.h. */
#include "pickle.h"

#include <stdlib.h>
#include <string.h>

enum { STACK_MOST = 1 << 20, MEMO_MOST = 1 << 22, VALUES_MOST = 1 << 21 };

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

typedef struct machine {
    rf_arena *arena;
    const uint8_t *at, *end, *start;
    rf_pickle **stack;
    int depth, room;
    int64_t values;
    rf_pickle *storages; /* LIST */
    rf_pickle **memo;
    uint32_t memo_room, memo_next;
} machine;

/* ---- bytes ---- */

static rf_status need(const machine *m, uint64_t count) {
    if ((uint64_t)(m->end - m->at) >= count) return RF_OK;
    return rf__fail(RF_EFORMAT, "the pickle ends at byte %lld inside an instruction", (long long)(m->end - m->start));
}

/* Little endian, up to eight bytes. */
static rf_status read_number(machine *m, int width, uint64_t *out) {
    RF_TRY(need(m, (uint64_t)width));
    *out = 0;
    for (int i = 0; i < width; i++) *out |= (uint64_t)m->at[i] << (8 * i);
    m->at += width;
    return RF_OK;
}

/* Text until a line feed (of GLOBAL). Into the arena. */
static rf_status read_line(machine *m, const char **out) {
    const uint8_t *stop = memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (!stop) return rf__fail(RF_EFORMAT, "the pickle has a name without an end");
    size_t size = (size_t)(stop - m->at);
    char *text = rf__arena_alloc(m->arena, size + 1);
    if (!text) return rf__fail(RF_ENOMEM, "no memory for a name");
    memcpy(text, m->at, size);
    m->at = stop + 1;
    *out = text;
    return RF_OK;
}

/* ---- stack ---- */

static rf_status push(machine *m, rf_pickle *value) {
    if (!value && m->values > VALUES_MOST) return rf__fail(RF_EFORMAT, "the pickle has more than %d values", VALUES_MOST);
    if (!value) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    if (m->depth == STACK_MOST) return rf__fail(RF_EFORMAT, "the pickle nests more than %d values", STACK_MOST);
    if (m->depth == m->room) {
        int room = m->room ? 2 * m->room : 256;
        rf_pickle **wider = realloc(m->stack, (size_t)room * sizeof *wider);
        if (!wider) return rf__fail(RF_ENOMEM, "no memory for the pickle");
        m->stack = wider;
        m->room = room;
    }
    m->stack[m->depth++] = value;
    return RF_OK;
}

static rf_pickle *make(machine *m, rf_pickle_kind kind) {
    /* Every push is checked: no value, no more memory for a file that only pretends. */
    rf_pickle *value = m->values++ < VALUES_MOST ? rf__arena_alloc(m->arena, sizeof *value) : NULL;
    if (value) value->kind = kind;
    return value;
}

static rf_status push_number(machine *m, rf_pickle_kind kind, int64_t number) {
    rf_pickle *value = make(m, kind);
    if (value) value->number = number;
    return push(m, value);
}

static rf_status push_text(machine *m, uint64_t size) {
    RF_TRY(need(m, size));
    char *text = rf__arena_alloc(m->arena, (size_t)size + 1);
    rf_pickle *value = make(m, RF_PICKLE_TEXT);
    if (!text || !value) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    memcpy(text, m->at, (size_t)size);
    m->at += size;
    value->text = text;
    return push(m, value);
}

static rf_status pop(machine *m, rf_pickle **out) {
    if (m->depth == 0 || m->stack[m->depth - 1]->kind == RF_PICKLE_MARK) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    *out = m->stack[--m->depth];
    return RF_OK;
}

/* How many values lie above the newest mark. */
static rf_status above_mark(const machine *m, int *count) {
    int at = m->depth - 1;
    while (at >= 0 && m->stack[at]->kind != RF_PICKLE_MARK) at--;
    if (at < 0) return rf__fail(RF_EFORMAT, "the pickle has no mark where one is needed");
    *count = m->depth - 1 - at;
    return RF_OK;
}

static rf_status append(rf_pickle *list, rf_pickle *const *values, int count, rf_arena *arena) {
    if (list->count + count > list->room) {
        int64_t room = 2 * list->room > list->count + count ? 2 * list->room : list->count + count;
        rf_pickle **wider = rf__arena_alloc(arena, (size_t)room * sizeof *wider);
        if (!wider) return rf__fail(RF_ENOMEM, "no memory for the pickle");
        if (list->count) memcpy(wider, list->item, (size_t)list->count * sizeof *wider);
        list->item = wider;
        list->room = room;
    }
    for (int i = 0; i < count; i++) list->item[list->count++] = values[i];
    return RF_OK;
}

/* The newest `count` values become a tuple. */
static rf_status make_tuple(machine *m, int count, bool marked) {
    rf_pickle *tuple = make(m, RF_PICKLE_LIST);
    if (!tuple) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    if (m->depth < count) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    for (int i = 0; i < count; i++)
        if (m->stack[m->depth - 1 - i]->kind == RF_PICKLE_MARK) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    if (count) RF_TRY(append(tuple, m->stack + m->depth - count, count, m->arena));
    m->depth -= count + marked;
    return push(m, tuple);
}

/* Values above the mark go into the container below it. */
static rf_status extend(machine *m, rf_pickle_kind kind, int single) {
    int count = single;
    if (!single) RF_TRY(above_mark(m, &count));
    int below = m->depth - count - (single ? 1 : 2);
    if (below < 0 || m->stack[below]->kind != kind || (kind == RF_PICKLE_DICT && count % 2))
        return rf__fail(RF_EFORMAT, "the pickle fills a %s that is not there", kind == RF_PICKLE_DICT ? "dictionary" : "list");
    for (int i = 0; i < count; i++)
        if (m->stack[m->depth - 1 - i]->kind == RF_PICKLE_MARK) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    RF_TRY(append(m->stack[below], m->stack + m->depth - count, count, m->arena));
    m->depth = below + 1;
    return RF_OK;
}

/* ---- memo ---- */

static rf_status remember(machine *m, uint64_t index) {
    if (m->depth == 0) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    if (index >= MEMO_MOST || index > (uint64_t)(m->end - m->start))
        return rf__fail(RF_EFORMAT, "the pickle remembers value number %llu, expected fewer than its bytes", (unsigned long long)index);
    if (index >= m->memo_room) {
        uint32_t room = 256;
        while (room <= index) room *= 2;
        rf_pickle **wider = realloc(m->memo, room * sizeof *wider);
        if (!wider) return rf__fail(RF_ENOMEM, "no memory for the pickle");
        memset(wider + m->memo_room, 0, (room - m->memo_room) * sizeof *wider);
        m->memo = wider;
        m->memo_room = room;
    }
    m->memo[index] = m->stack[m->depth - 1];
    m->memo_next = (uint32_t)index + 1;
    return RF_OK;
}

static rf_status recall(machine *m, uint64_t index) {
    if (index >= m->memo_room || !m->memo[index])
        return rf__fail(RF_EFORMAT, "the pickle recalls value number %llu, which was never remembered", (unsigned long long)index);
    return push(m, m->memo[index]);
}

/* ---- names, storages, tensors ---- */

static rf_status push_name(machine *m, const char *module, const char *name) {
    const char *old = strncmp(module, "__builtin__", 12) == 0 ? "builtins" : module;
    for (int i = 0; i < KNOWN; i++)
        if (!strcmp(known[i].module, old) && !strcmp(known[i].name, name)) {
            rf_pickle *value = make(m, RF_PICKLE_NAME);
            if (value) value->role = i;
            return push(m, value);
        }
    return rf__fail(RF_EFORMAT, "the pickle asks for %.80s.%.80s, which is no tensor and no plain container: refused, nothing was executed", module, name);
}

static bool is_list(const rf_pickle *v, int64_t least) { return v && v->kind == RF_PICKLE_LIST && v->count >= least; }

/* ('storage', torch.FloatStorage, key, device, numbers[, view]) */
static rf_status push_storage(machine *m) {
    rf_pickle *id = NULL, *storage = make(m, RF_PICKLE_STORAGE);
    RF_TRY(pop(m, &id));
    if (!storage) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    if (!is_list(id, 5) || id->item[1]->kind != RF_PICKLE_NAME || known[id->item[1]->role].role != ROLE_STORAGE ||
        id->item[2]->kind != RF_PICKLE_TEXT || id->item[4]->kind != RF_PICKLE_INT || id->item[4]->number < 0)
        return rf__fail(RF_EFORMAT, "the pickle has a storage that is not (name, type, key, device, numbers)");
    if (id->count > 5 && id->item[5]->kind != RF_PICKLE_NONE)
        return rf__fail(RF_EUNSUPPORTED, "the file has views of storages (PyTorch before 0.4), which are not read");
    storage->type = known[id->item[1]->role].type;
    storage->text = id->item[2]->text;
    storage->number = id->item[4]->number;
    RF_TRY(append(m->storages, &storage, 1, m->arena));
    return push(m, storage);
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
        return rf__fail(RF_EFORMAT, "a tensor reaches number %lld of a storage of %lld", (long long)(last > count ? last : count) + 1,
                        (long long)t->storage->number);
    return RF_OK;
}

/* (storage, offset, sizes, strides, ...) */
static rf_status push_tensor(machine *m, const rf_pickle *args) {
    rf_pickle *tensor = make(m, RF_PICKLE_TENSOR);
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
    return push(m, tensor);
}

/* A dictionary from a list of (key, value) pairs. */
static rf_status push_dict(machine *m, const rf_pickle *args) {
    rf_pickle *dict = make(m, RF_PICKLE_DICT);
    if (!dict) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    if (is_list(args, 1) && args->item[0]->kind == RF_PICKLE_DICT) return push(m, args->item[0]);
    for (int64_t i = 0; is_list(args, 1) && is_list(args->item[0], 0) && i < args->item[0]->count; i++) {
        const rf_pickle *pair = args->item[0]->item[i];
        if (!is_list(pair, 2) || pair->count != 2) return rf__fail(RF_EFORMAT, "the pickle has a dictionary that is not made of pairs");
        RF_TRY(append(dict, pair->item, 2, m->arena));
    }
    return push(m, dict);
}

static rf_status apply(machine *m) {
    rf_pickle *args = NULL, *name = NULL;
    RF_TRY(pop(m, &args));
    RF_TRY(pop(m, &name));
    if (name->kind != RF_PICKLE_NAME || !is_list(args, 0)) return rf__fail(RF_EFORMAT, "the pickle calls something that is no name");
    switch (known[name->role].role) {
    case ROLE_DICT: return push_dict(m, args);
    case ROLE_TENSOR:
    case ROLE_TENSOR_OLD: return push_tensor(m, args);
    case ROLE_PARAMETER: /* (tensor, requires_grad, hooks) */
        if (is_list(args, 1) && args->item[0]->kind == RF_PICKLE_TENSOR) return push(m, args->item[0]);
        return rf__fail(RF_EFORMAT, "the pickle has a parameter without a tensor");
    case ROLE_LIST:
        if (is_list(args, 1) && is_list(args->item[0], 0)) return push(m, args->item[0]);
        return rf__fail(RF_EFORMAT, "the pickle has a size that is no list");
    case ROLE_STORAGE: break;
    }
    return rf__fail(RF_EFORMAT, "the pickle calls %s.%s, which only a storage may name", known[name->role].module, known[name->role].name);
}

/* State of an OrderedDict (`_metadata`) says nothing about tensors. */
static rf_status drop_state(machine *m) {
    rf_pickle *state = NULL;
    RF_TRY(pop(m, &state));
    if (m->depth > 0 && m->stack[m->depth - 1]->kind == RF_PICKLE_DICT) return RF_OK;
    return rf__fail(RF_EFORMAT, "the pickle sets the state of something that is no dictionary");
}

/* LONG1: up to 255 bytes, two's complement; what does not fit 63 bits becomes the nearest real number. */
static rf_status push_long(machine *m) {
    uint64_t size;
    RF_TRY(read_number(m, 1, &size));
    RF_TRY(need(m, size));
    double real = size > 0 && m->at[size - 1] & 0x80 ? -1 : 0;
    uint64_t bits = real < 0 ? ~(uint64_t)0 : 0;
    for (uint64_t i = size; i-- > 0;) {
        real = real * 256 + m->at[i]; /* -1 carries the sign down */
        bits = bits << 8 | m->at[i];
    }
    m->at += size;
    if (size <= 8) return push_number(m, RF_PICKLE_INT, (int64_t)bits);
    rf_pickle *value = make(m, RF_PICKLE_FLOAT);
    if (value) value->real = real;
    return push(m, value);
}

static rf_status push_real(machine *m) { /* big endian */
    RF_TRY(need(m, 8));
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) bits = bits << 8 | m->at[i];
    m->at += 8;
    rf_pickle *value = make(m, RF_PICKLE_FLOAT);
    if (value) memcpy(&value->real, &bits, sizeof bits);
    return push(m, value);
}

static rf_status push_line_name(machine *m) {
    const char *module, *name;
    RF_TRY(read_line(m, &module));
    RF_TRY(read_line(m, &name));
    return push_name(m, module, name);
}

static rf_status push_stack_name(machine *m) {
    rf_pickle *module = NULL, *name = NULL;
    RF_TRY(pop(m, &name));
    RF_TRY(pop(m, &module));
    if (module->kind != RF_PICKLE_TEXT || name->kind != RF_PICKLE_TEXT) return rf__fail(RF_EFORMAT, "the pickle has a name that is no text");
    return push_name(m, module->text, name->text);
}

static rf_status tuple_of_marked(machine *m) {
    int count;
    RF_TRY(above_mark(m, &count));
    return make_tuple(m, count, true);
}

static rf_status sized_text(machine *m, int width) {
    uint64_t size;
    RF_TRY(read_number(m, width, &size));
    return push_text(m, size);
}

static rf_status sized_int(machine *m, int width) {
    uint64_t value;
    RF_TRY(read_number(m, width, &value));
    return push_number(m, RF_PICKLE_INT, width == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value);
}

static rf_status indexed(machine *m, int width, rf_status (*use)(machine *, uint64_t)) {
    uint64_t index;
    RF_TRY(read_number(m, width, &index));
    return use(m, index);
}

static rf_status skip(machine *m, int width) {
    uint64_t unused;
    return read_number(m, width, &unused);
}

/* One instruction; the letters are pickle's own. */
static rf_status instruction(machine *m, uint8_t op) {
    switch (op) {
    case 0x80: return skip(m, 1);            /* protocol */
    case 0x95: return skip(m, 8);            /* frame */
    case '}': return push(m, make(m, RF_PICKLE_DICT));
    case ']': return push(m, make(m, RF_PICKLE_LIST));
    case ')': return push(m, make(m, RF_PICKLE_LIST));
    case '(': return push(m, make(m, RF_PICKLE_MARK));
    case 'N': return push(m, make(m, RF_PICKLE_NONE));
    case 0x88: return push_number(m, RF_PICKLE_BOOL, 1);
    case 0x89: return push_number(m, RF_PICKLE_BOOL, 0);
    case 'J': return sized_int(m, 4);
    case 'K': return sized_int(m, 1);
    case 'M': return sized_int(m, 2);
    case 0x8a: return push_long(m);
    case 'G': return push_real(m);
    case 'X': return sized_text(m, 4);
    case 'T': return sized_text(m, 4);
    case 0x8c:
    case 'U': return sized_text(m, 1);
    case 'q': return indexed(m, 1, remember);
    case 'r': return indexed(m, 4, remember);
    case 0x94: return remember(m, m->memo_next);
    case 'h': return indexed(m, 1, recall);
    case 'j': return indexed(m, 4, recall);
    case 't': return tuple_of_marked(m);
    case 0x85: return make_tuple(m, 1, false);
    case 0x86: return make_tuple(m, 2, false);
    case 0x87: return make_tuple(m, 3, false);
    case 'a': return extend(m, RF_PICKLE_LIST, 1);
    case 'e': return extend(m, RF_PICKLE_LIST, 0);
    case 's': return extend(m, RF_PICKLE_DICT, 2);
    case 'u': return extend(m, RF_PICKLE_DICT, 0);
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
    machine m = {.arena = arena, .at = bytes, .start = bytes, .end = bytes + size};
    m.storages = make(&m, RF_PICKLE_LIST);
    rf_status status = m.storages ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the pickle");
    rf_pickle *top = NULL;
    for (bool stop = false; status == RF_OK && !stop;) {
        status = need(&m, 1);
        if (status != RF_OK) break;
        uint8_t op = *m.at++;
        stop = op == '.';
        status = stop ? pop(&m, &top) : instruction(&m, op);
    }
    free(m.stack);
    free(m.memo);
    *out = top;
    *used = (size_t)(m.at - bytes);
    if (storages) *storages = m.storages;
    return status;
}
