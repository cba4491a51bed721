/* initial.h - a frozen network that says how fast x0 starts: what Constant Acceleration Flow's second network is told. */
#ifndef RF_TRAIN_INITIAL_H
#define RF_TRAIN_INITIAL_H
#include "../models/model.h"

/* The network and its plan for one micro-batch. */
typedef struct rf_initial {
    rf_model *model;
    rf_graph *graph;
    rf_plan *plan;
} rf_initial;

/* errors: it does not take what a network of this shape takes (`extra` aside). dtype: of activations. */
rf_status rf__initial_open(rf_initial **out, const char *path, const rf_model_shape *shape, int64_t rows, rf_dtype dtype);
void rf__initial_free(rf_initial **initial);
/* v [rows, scalars] = its velocity at (x0, 0). exec: of its plan. label [rows], read where the network has classes. */
rf_status rf__initial_ask(rf_exec *exec, int64_t rows, int64_t scalars, const float *x0, const int32_t *label, float *v);

#endif
