/* pickle_inside.h - the stack machine of a pickle: bytes, stack and memo, of which pickle.c makes its instructions. A failure leaves its sentence. */
#ifndef RF_IO_PICKLE_INSIDE_H
#define RF_IO_PICKLE_INSIDE_H
#include "pickle.h"

typedef struct rf_pickle_machine {
    rf_arena *arena;
    const uint8_t *at, *end, *start;
    rf_pickle **stack;
    int depth, room;
    int64_t values;
    rf_pickle *storages; /* LIST */
    rf_pickle **memo;
    uint32_t memo_room, memo_next;
} rf_pickle_machine;

/* Fails unless `count` more bytes are there. */
rf_status rf__pickle_need(const rf_pickle_machine *m, uint64_t count);
/* Little endian, up to eight bytes. */
rf_status rf__pickle_number(rf_pickle_machine *m, int width, uint64_t *out);
/* Text until a line feed (of GLOBAL), in the arena. */
rf_status rf__pickle_line(rf_pickle_machine *m, const char **out);

/* A value of a kind in the arena; NULL: no memory, or a file of too many values. Pushing NULL says which. */
rf_pickle *rf__pickle_make(rf_pickle_machine *m, rf_pickle_kind kind);
rf_status rf__pickle_push(rf_pickle_machine *m, rf_pickle *value);
rf_status rf__pickle_push_number(rf_pickle_machine *m, rf_pickle_kind kind, int64_t number);
rf_status rf__pickle_push_text(rf_pickle_machine *m, uint64_t size); /* the next `size` bytes */
rf_status rf__pickle_pop(rf_pickle_machine *m, rf_pickle **out);
/* How many values lie above the newest mark. */
rf_status rf__pickle_above_mark(const rf_pickle_machine *m, int *count);

rf_status rf__pickle_append(rf_pickle *list, rf_pickle *const *values, int count, rf_arena *arena);
/* The newest `count` values become a tuple; marked: a mark lies below them. */
rf_status rf__pickle_make_tuple(rf_pickle_machine *m, int count, bool marked);
/* The newest `single` values (0: those above the mark) go into the container below. */
rf_status rf__pickle_extend(rf_pickle_machine *m, rf_pickle_kind kind, int single);

/* The newest value gets a number, by which it can be pushed again. */
rf_status rf__pickle_remember(rf_pickle_machine *m, uint64_t index);
rf_status rf__pickle_recall(rf_pickle_machine *m, uint64_t index);

#endif
