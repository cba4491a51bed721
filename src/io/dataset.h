/* dataset.h - sets of small pictures in memory. A set that is missing is not fetched: the message says where it comes from and which
 * command gets it. */
#ifndef RF_IO_DATASET_H
#define RF_IO_DATASET_H
#include "../base/status.h"

typedef struct rf_dataset {
    int64_t count;
    int height, width, channels, classes; /* classes 0: no labels */
    uint8_t *pixels;                      /* [count, height, width, channels] */
    int32_t *labels;                      /* [count], or NULL */
    char **class_names;                   /* [classes], or NULL */
    char name[64];
} rf_dataset;

typedef struct rf_dataset_spec {
    const char *name;  /* an entry of the table, e.g. "fashion-mnist" */
    const char *path;  /* directory; NULL or "": the usual places ($STRAIT_DATA/NAME, data/NAME, the distribution's) */
    const char *split; /* "train" or "test", or "test:5,7,9" for the pictures of these classes alone */
    int64_t limit;     /* the first so many, counted before classes are chosen; 0: all */
} rf_dataset_spec;

typedef struct rf_dataset_kind {
    const char *name, *source, *help;
    const char *how_to_get; /* sentence with the command and a checksum, said when the set is missing */
    const char *const *places; /* usual directories besides $STRAIT_DATA/NAME and data/NAME; NULL-terminated */
    /* Read `directory`; RF_ENOTFOUND when the files of the set are not there. */
    rf_status (*read)(rf_dataset *out, const char *directory, const rf_dataset_spec *spec);
} rf_dataset_kind;

const rf_dataset_kind *const *rf__dataset_kinds(void); /* NULL-terminated */
rf_status rf__dataset_open(rf_dataset **out, const rf_dataset_spec *spec);
void rf__dataset_free(rf_dataset **dataset);
/* One picture as f32 in [-1,1], mirrored left to right when `flip`. */
void rf__dataset_image(const rf_dataset *dataset, int64_t index, bool flip, float *out);

/* The same pictures, each pixel the rounded mean of those it stands for; height and width divide the set's. No class names. */
rf_status rf__dataset_smaller(rf_dataset **out, const rf_dataset *dataset, int height, int width);

/* Shared by the formats: room for count pictures; limits checked before allocating. */
rf_status rf__dataset_alloc(rf_dataset *dataset, int64_t count, int height, int width, int channels, int classes);
rf_status rf__dataset_names(rf_dataset *dataset, const char *const *names);

#endif
