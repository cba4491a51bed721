/* tensors_inside.h - what a format's reader builds. */
#ifndef RF_IO_TENSORS_INSIDE_H
#define RF_IO_TENSORS_INSIDE_H
#include "../base/memory.h"
#include "tensors.h"
#include "zip_archive.h"

enum { RF_TENSORS_MOST = 100000 };

/* An array that stays in its archive until it is read. */
typedef struct rf_lazy {
    int entry;       /* whose data is NULL */
    int64_t member;  /* of the zip archive */
    size_t start;    /* bytes before the numbers */
} rf_lazy;

struct rf_tensors {
    const char *format;
    rf_arena *arena;          /* names and whatever the reader needs */
    rf_tensor_entry *entries; /* [room], realloc */
    int count, room;
    int *order;               /* [count] entries by name */
    void **blocks;            /* [block_count] storages, each freed with rf__free */
    int block_count, block_room;
    uint64_t held, most;      /* bytes of the blocks; what they may be together */
    json_t *metadata;
    rf_safetensors *file;     /* of that format */
    const uint8_t *mapping;   /* the file, when it was opened by path */
    size_t mapped;
    rf_zip *zip;              /* while `lazy` needs it */
    rf_lazy *lazy;            /* [lazy_count], realloc */
    int lazy_count;
    struct {
        rf_zip_stream *stream;
        int lazy;
        uint64_t at;          /* bytes of the numbers that were read */
    } cursor;
};

/* A reader's view of the whole file. */
typedef struct rf_bytes {
    const uint8_t *at;
    size_t size;
} rf_bytes;

/* name is copied; data must live as long as the tensors. */
rf_status rf__tensors_add(rf_tensors *tensors, const char *name, rf_tensor_type type, int rank, const int64_t *dim, const void *data);
/* The newest entry has its numbers in the archive. */
rf_status rf__tensors_add_lazy(rf_tensors *tensors, int64_t member, size_t start);
/* A plain value that lies beside the tensors; both are copied. */
rf_status rf__tensors_note(rf_tensors *tensors, const char *key, const char *text);
/* A block that lives as long as the tensors. */
rf_status rf__tensors_block(rf_tensors *tensors, uint64_t size, uint8_t **out);
/* A view of numbers with any strides (in numbers) as a block of its own, row-major. The view lies inside `from`. */
rf_status rf__tensors_gather(rf_tensors *tensors, rf_tensor_type type, int rank, const int64_t *dim, const int64_t *stride, const uint8_t *from,
                             const uint8_t **out);

rf_status rf__tensors_read_zip(rf_tensors *tensors, rf_bytes bytes);          /* torch zip or npz, by what lies inside */
rf_status rf__tensors_read_torch_stream(rf_tensors *tensors, rf_bytes bytes); /* pickles in a row, then storages */
/* list: NAME.param, numbers: NAME.bin */
rf_status rf__tensors_read_ncnn(rf_tensors *tensors, rf_bytes list, rf_bytes numbers);

#endif
