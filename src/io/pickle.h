/* pickle.h - Python pickles as data: a stack machine that builds a tree of plain values and tensors, and nothing else.
 *
 * The names that a pickle may use are a fixed list (pickle.c). They are recognised, never called: a rebuilt tensor is a record of sizes
 * and a storage. Any other name, and any instruction that PyTorch's files do not need, is refused. Memory is bounded by the bytes read. */
#ifndef RF_IO_PICKLE_H
#define RF_IO_PICKLE_H
#include "../base/memory.h"
#include "safetensors.h"

typedef enum rf_pickle_kind {
    RF_PICKLE_NONE, RF_PICKLE_BOOL, RF_PICKLE_INT, RF_PICKLE_FLOAT, RF_PICKLE_TEXT,
    RF_PICKLE_LIST,    /* lists and tuples */
    RF_PICKLE_DICT,    /* items: key, value, key, value ... */
    RF_PICKLE_STORAGE, /* a block of numbers that lies elsewhere in the file */
    RF_PICKLE_TENSOR,  /* a view of one */
    RF_PICKLE_NAME,    /* a name of the list, before it is applied */
    RF_PICKLE_MARK,
} rf_pickle_kind;

typedef struct rf_pickle rf_pickle;

typedef struct rf_pickle_view {
    const rf_pickle *storage;
    int64_t offset; /* in numbers */
    int rank;
    int64_t dim[RF_TENSOR_RANK_MAX], stride[RF_TENSOR_RANK_MAX];
} rf_pickle_view;

struct rf_pickle {
    rf_pickle_kind kind;
    union {
        rf_tensor_type type;        /* STORAGE */
        int role;                   /* NAME: what it stands for (private) */
    };
    union {
        int64_t number;             /* INT, BOOL; STORAGE: numbers it should have */
        double real;                /* FLOAT */
        int64_t count;              /* LIST, DICT: items */
    };
    union {
        const char *text;           /* TEXT, in the arena; STORAGE: its key */
        rf_pickle **item;           /* LIST, DICT */
        const rf_pickle_view *view; /* TENSOR */
    };
    int64_t room;                   /* LIST, DICT */
};

/* Read one pickle from bytes; *used: how many it took. Values live in the arena. storages: NULL, or gets a list of every storage that is
 * named, perhaps several times. errors: RF_EFORMAT. */
rf_status rf__pickle_read(const rf_pickle **out, rf_arena *arena, const uint8_t *bytes, size_t size, size_t *used, const rf_pickle **storages);

#endif
