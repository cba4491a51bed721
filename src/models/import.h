/* import.h - other people's checkpoints as models of ours: recognised by the names of their tensors, converted while they are read.
 * A kind that has one says so in its table entry; `strait convert` keeps the result as a checkpoint of ours. */
#ifndef RF_IMPORT_H
#define RF_IMPORT_H
#include "../io/tensors.h"
#include "model.h"

/* A state dict inside a file: every name in it begins with `prefix` ("" or "model_state_dict." and the like). */
typedef struct rf_import_file {
    const rf_tensors *tensors;
    char prefix[128];
} rf_import_file;

typedef struct rf_model_import {
    const char *source;      /* whose checkpoints */
    const char *marks[4];    /* names that together only such a state dict has; NULL-terminated when fewer */
    const char *class_names; /* JSON list, or NULL */
    double norm_eps;         /* of batch norms: statistics are folded into the weight and bias of the same name; 0: it has none */
    /* Settings from the sizes of tensors; `config` holds the defaults. */
    rf_status (*settings)(const rf_import_file *file, void *config);
    /* A parameter that lies differently in the file: fill `out` and set *done. NULL: there is none. */
    rf_status (*read)(const rf_import_file *file, const rf_param *param, float *out, bool *done);
} rf_model_import;

const rf_tensor_entry *rf__import_find(const rf_import_file *file, const char *name); /* NULL when absent */
/* Size of an axis, 0 when there is no such tensor or axis. */
int64_t rf__import_dim(const rf_import_file *file, const char *name, int axis);
/* The numbers of a tensor that must have `count` of them. */
rf_status rf__import_read(const rf_import_file *file, const char *name, int64_t count, float *out);

/* The model in a file that is not a checkpoint of ours; the sentence lists what is recognised. */
rf_status rf__model_import(rf_model **out, const char *path);

#endif
