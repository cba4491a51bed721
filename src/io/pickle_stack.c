/* pickle_stack.c - bytes, stack and memo of a pickle; see pickle_inside.h. */
#include <stdlib.h>
#include <string.h>

#include "pickle_inside.h"

enum { STACK_MOST = 1 << 20, MEMO_MOST = 1 << 22, VALUES_MOST = 1 << 21 };

/* ---- bytes ---- */

rf_status rf__pickle_need(const rf_pickle_machine *m, uint64_t count) {
    if ((uint64_t)(m->end - m->at) >= count) return RF_OK;
    return rf__fail(RF_EFORMAT, "the pickle ends at byte %lld inside an instruction", (long long)(m->end - m->start));
}

/* Little endian, up to eight bytes. */
rf_status rf__pickle_number(rf_pickle_machine *m, int width, uint64_t *out) {
    RF_TRY(rf__pickle_need(m, (uint64_t)width));
    *out = 0;
    for (int i = 0; i < width; i++) *out |= (uint64_t)m->at[i] << (8 * i);
    m->at += width;
    return RF_OK;
}

/* Text until a line feed (of GLOBAL). Into the arena. */
rf_status rf__pickle_line(rf_pickle_machine *m, const char **out) {
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

rf_status rf__pickle_push(rf_pickle_machine *m, rf_pickle *value) {
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

rf_pickle *rf__pickle_make(rf_pickle_machine *m, rf_pickle_kind kind) {
    /* Every push is checked: no value, no more memory for a file that only pretends. */
    rf_pickle *value = m->values++ < VALUES_MOST ? rf__arena_alloc(m->arena, sizeof *value) : NULL;
    if (value) value->kind = kind;
    return value;
}

rf_status rf__pickle_push_number(rf_pickle_machine *m, rf_pickle_kind kind, int64_t number) {
    rf_pickle *value = rf__pickle_make(m, kind);
    if (value) value->number = number;
    return rf__pickle_push(m, value);
}

rf_status rf__pickle_push_text(rf_pickle_machine *m, uint64_t size) {
    RF_TRY(rf__pickle_need(m, size));
    char *text = rf__arena_alloc(m->arena, (size_t)size + 1);
    rf_pickle *value = rf__pickle_make(m, RF_PICKLE_TEXT);
    if (!text || !value) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    memcpy(text, m->at, (size_t)size);
    m->at += size;
    value->text = text;
    return rf__pickle_push(m, value);
}

rf_status rf__pickle_pop(rf_pickle_machine *m, rf_pickle **out) {
    if (m->depth == 0 || m->stack[m->depth - 1]->kind == RF_PICKLE_MARK) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    *out = m->stack[--m->depth];
    return RF_OK;
}

/* How many values lie above the newest mark. */
rf_status rf__pickle_above_mark(const rf_pickle_machine *m, int *count) {
    int at = m->depth - 1;
    while (at >= 0 && m->stack[at]->kind != RF_PICKLE_MARK) at--;
    if (at < 0) return rf__fail(RF_EFORMAT, "the pickle has no mark where one is needed");
    *count = m->depth - 1 - at;
    return RF_OK;
}

rf_status rf__pickle_append(rf_pickle *list, rf_pickle *const *values, int count, rf_arena *arena) {
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
rf_status rf__pickle_make_tuple(rf_pickle_machine *m, int count, bool marked) {
    rf_pickle *tuple = rf__pickle_make(m, RF_PICKLE_LIST);
    if (!tuple) return rf__fail(RF_ENOMEM, "no memory for the pickle");
    if (m->depth < count) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    for (int i = 0; i < count; i++)
        if (m->stack[m->depth - 1 - i]->kind == RF_PICKLE_MARK) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    if (count) RF_TRY(rf__pickle_append(tuple, m->stack + m->depth - count, count, m->arena));
    m->depth -= count + marked;
    return rf__pickle_push(m, tuple);
}

/* Values above the mark go into the container below it. */
rf_status rf__pickle_extend(rf_pickle_machine *m, rf_pickle_kind kind, int single) {
    int count = single;
    if (!single) RF_TRY(rf__pickle_above_mark(m, &count));
    int below = m->depth - count - (single ? 1 : 2);
    if (below < 0 || m->stack[below]->kind != kind || (kind == RF_PICKLE_DICT && count % 2))
        return rf__fail(RF_EFORMAT, "the pickle fills a %s that is not there", kind == RF_PICKLE_DICT ? "dictionary" : "list");
    for (int i = 0; i < count; i++)
        if (m->stack[m->depth - 1 - i]->kind == RF_PICKLE_MARK) return rf__fail(RF_EFORMAT, "the pickle takes a value that is not there");
    RF_TRY(rf__pickle_append(m->stack[below], m->stack + m->depth - count, count, m->arena));
    m->depth = below + 1;
    return RF_OK;
}

/* ---- memo ---- */

rf_status rf__pickle_remember(rf_pickle_machine *m, uint64_t index) {
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

rf_status rf__pickle_recall(rf_pickle_machine *m, uint64_t index) {
    if (index >= m->memo_room || !m->memo[index])
        return rf__fail(RF_EFORMAT, "the pickle recalls value number %llu, which was never remembered", (unsigned long long)index);
    return rf__pickle_push(m, m->memo[index]);
}
