/* online.h - pairs that are made while training. Before each step a frozen teacher, and where a method wants it the student as it is now,
 * walk along their flows through the batcher; the lanes then take the finished pairs by sample number.
 *
 * What a pair becomes is a function of (seed, sample number, the weights at the start of the step): rows of a call do not touch each other,
 * so neither threads nor batching nor a resumed run can change a byte. Memory: two batches of pictures, and the teacher's plans. */
#ifndef RF_TRAIN_ONLINE_H
#define RF_TRAIN_ONLINE_H
#include "../flow/batcher.h"
#include "../models/model_field.h"
#include "batch.h"
#include "methods.h"

/* One row's way along a field. */
typedef struct rf_walk {
    const float *init;   /* [scalars] */
    float *out;          /* [scalars], may be init */
    const double *times; /* [steps + 1] */
    int steps;
    rf_cond cond;
} rf_walk;

struct rf_online {
    rf_teacher_config how;          /* the recipe's */
    rf_windows_config windows_how;
    rf_anneal_config anneal;
    const rf_batch_plan *plan;      /* borrowed, as all that follows but what is said to be owned */
    rf_model *student;              /* its windows were set by rf__online_open */
    rf_pool *pool;
    uint64_t seed;
    int64_t scalars;
    const rf_solver *solver;
    rf_model *teacher;              /* owned; NULL for an exact velocity */
    rf_model_field *teacher_network, *student_network; /* owned */
    rf_exact_source exact;
    rf_field teacher_field, student_field;
    double start_data[RF_MAX_WINDOWS], start_noise[RF_MAX_WINDOWS]; /* z = data x1 + noise x0 at the start of each window */
    float *x0, *x1, *t;             /* owned: [batch, scalars] and [batch], of the step at hand */
    float *scratch;                 /* owned: [scalars] */
    int32_t *label;                 /* owned: [batch] */
    rf_walk *walks;                 /* owned: [batch] */
    double *times;                  /* owned: the teacher's grid in each window, [count][steps + 1] */
    uint64_t first;                 /* sample number of row 0 */
};

/* What a section of the recipe asks for, before anything is made. model: the student with its weights set; its windows are filled in.
 * plan: must outlive the result. errors: no teacher where one is needed, one of another size, bad windows. */
typedef struct rf_online_opts {
    const rf_teacher_config *teacher;
    const rf_windows_config *windows;
    const rf_anneal_config *anneal;
    const rf_batch_plan *plan;
    rf_model *student;
    rf_pool *pool;
    rf_dtype dtype;
    uint64_t seed;
} rf_online_opts;
rf_status rf__online_open(rf_online **out, const rf_online_opts *opts);
void rf__online_free(rf_online **online);

/* Walk rows along the teacher's or the student's field; cfg 1: no guidance. errors: an answer that is not finite. */
rf_status rf__online_walk(rf_online *online, const rf_field *field, const rf_walk *walks, int64_t count, double cfg);
/* t of each row of the step. */
void rf__online_times(rf_online *online);
/* Row r of a micro-batch from the finished pairs. */
rf_status rf__online_draw(const rf_coupling_args *args, rf_batch *batch);

/* Edges between which the teacher's velocity turns equally much: integral of the root mean square of dv/dt along its trajectories, over
 * `rows` starts [rows, scalars] and `fine` steps. errors: as the field. */
rf_status rf__windows_by_curvature(rf_windows *out, int count, const rf_field *field, const float *starts, const rf_cond *cond, int64_t rows, int fine);

#endif
