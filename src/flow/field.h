/* field.h - the only thing flow/ knows about networks. */
#ifndef RF_FLOW_FIELD_H
#define RF_FLOW_FIELD_H
#include "../base/status.h"

/* What one row wants of the attention blocks inside the network while it is answered (fireflow.md section 2). Blocks are numbered in the
 * order in which the network runs them; q, k and v lie side by side, [tokens, 3 width]. */
typedef struct rf_hook {
    void *self;
    /* Before the call. given [tokens, 3 width] is zero, keep[3] is 1 and mix[3] is 0, for q, k, v: the block computes
     * keep * its own + mix * given. May be NULL. */
    void (*before)(void *self, int block, int64_t tokens, int64_t width, float *given, float keep[3], float mix[3]);
    /* After it: what the block itself had computed, not what it was given. May be NULL. */
    void (*after)(void *self, int block, int64_t tokens, int64_t width, const float *own);
} rf_hook;

/* What a row is conditioned on. */
typedef struct rf_cond {
    int32_t label;      /* class, or the field's null class */
    const float *extra; /* [extra] or NULL */
    const rf_hook *hook; /* NULL: none */
    /* Of a refiner's row: the velocity known before, [scalars], how long ago that was (gap >= 0 along the walk), and the guidance scale
     * it was combined with. */
    const float *before;
    float gap, scale;
} rf_cond;

typedef struct rf_row_times rf_row_times; /* row_times.h */
typedef struct rf_windows rf_windows;     /* windows.h */

/* v[r,:] = velocity at (x[r,:], t[r]) for r < rows. A row's bytes depend on that row alone (row isolation).
 */
typedef struct rf_field {
    void *self;
    int64_t scalars; /* per row */
    int null_label;  /* label meaning "no class", -1 when unconditional */
    /* x, v: [rows, scalars] f32, may not overlap; t: [rows]; cond: [rows] */
    rf_status (*velocity)(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond,
                          float *v);
    /* The network behind it, whom these are asked of: a field that stands before another and answers with its help takes them over. */
    void *network;
    /* These rows will be asked for at some x: compute now what they need of t and cond alone. cond: without hook and `before`. NULL: nothing. */
    rf_status (*prepare)(void *network, int64_t rows, const float *t, const rf_cond *cond);
    /* Rows that a call of `rows` really computes (plans exist for some numbers of rows only). NULL: as many. */
    int64_t (*bucket)(void *network, int64_t rows);
    const rf_row_times *times; /* borrowed; NULL: not measured */
    const rf_windows *windows; /* borrowed; the field is straight inside these only. NULL: one window */
    /* Of a refiner: the gaps it was trained for (most 0: any), and whether it knows guided velocities, which takes one row an answer, and
     * for which scales (most 0: any). */
    double gap_least, gap_most, scale_least, scale_most;
    bool guided;
    bool from_start; /* a second network of Constant Acceleration Flow: the velocity it corrects is always the one at t = 0 */
} rf_field;

#endif
