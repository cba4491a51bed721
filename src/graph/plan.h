/* plan.h - a graph compiled for fixed shapes: fused, laid out in one arena, kernels chosen, weights packed once.
 *
 *   rf_weights  the f32 parameters of a model and everything derived from them alone (packed panels). Shared by plans.
 *   rf_plan     immutable after build; may be run by many threads at once, each with its own rf_exec.
 *   rf_exec     one arena plus bindings. Running allocates nothing. */
#ifndef RF_PLAN_H
#define RF_PLAN_H
#include <stdio.h>

#include "../base/threads.h"
#include "graph.h"

typedef struct rf_weights rf_weights;
typedef struct rf_plan rf_plan;
typedef struct rf_exec rf_exec;

/* ---- weights ---- */
/* Room for every parameter of the graph, contiguous in one f32 vector (64-byte aligned starts), not initialised. */
rf_status rf__weights_create(rf_weights **out, const rf_graph *graph);
void rf__weights_free(rf_weights **weights);
int rf__weights_count(const rf_weights *weights);
const rf_param *rf__weights_param(const rf_weights *weights, int index);
int rf__weights_find(const rf_weights *weights, const char *name);               /* -1 when absent */
float *rf__weights_data(rf_weights *weights, int index);
float *rf__weights_all(rf_weights *weights, int64_t *count);                      /* the whole vector, trained first, then buffers */
int64_t rf__weights_trained(const rf_weights *weights);                           /* length of the trained part of it (with padding) */
int64_t rf__weights_offset(const rf_weights *weights, int index);                 /* of a parameter in the whole vector */
void rf__weights_init(rf_weights *weights, uint64_t seed);                        /* by each parameter's law */
/* Buffers that `weights` lacks are looked for in `frozen` when a plan is built: the network inside a loss, which is neither trained nor
 * saved. Borrowed; must outlive the plans. */
void rf__weights_attach(rf_weights *weights, rf_weights *frozen);
/* Copy a parameter between memory and the order of files (a convolution is [cout,cin,kh,kw] there). */
void rf__param_turn(const rf_param *param, const float *from, float *to, bool to_file);
/* Call after writing parameters: re-packs what plans derived from them (in the trainer: once a step). */
rf_status rf__weights_refresh(rf_weights *weights, rf_pool *pool);
uint64_t rf__weights_version(const rf_weights *weights); /* another number after each refresh */

/* ---- plan ---- */
typedef struct rf_plan_stats {
    size_t arena_bytes, activation_bytes; /* planned arena; the sum of all activations without reuse */
    size_t packed_bytes;                  /* derived weights this plan uses (shared) */
    int steps, fused;                     /* kernels a run; operations that fusing removed */
    double build_seconds, gflop;          /* gflop: dense work of one run (2 per multiply-add) */
} rf_plan_stats;

rf_status rf__plan_build(rf_plan **out, rf_graph *graph, rf_weights *weights, const rf_kernels *kernels);
/* The same with every operation as it was written, to measure what fusing is worth. */
rf_status rf__plan_build_apart(rf_plan **out, rf_graph *graph, rf_weights *weights, const rf_kernels *kernels);
void rf__plan_free(rf_plan **plan);
rf_plan_stats rf__plan_stats(const rf_plan *plan);

/* The dense work of a plan, for benchmarks: sizes (pointers are not set) and direction 1 forward, 2 by data, 3 by weights.
 * For direction 2 the sizes are those of the forward-shaped call that computes it. *cursor starts at 0; false at the end. */
typedef struct rf_dense_step {
    rf_conv_args args;
    int direction;
    const char *what; /* borrowed from the plan */
    double gflop;
} rf_dense_step;
bool rf__plan_dense(const rf_plan *plan, int *cursor, rf_dense_step *out);

/* threads: worker count of the pool it will run on (scratch); 1 for data-parallel lanes. */
rf_status rf__exec_create(rf_exec **out, const rf_plan *plan, int threads);
void rf__exec_free(rf_exec **exec);
/* Buffer of a named input or output: owned by the exec, stable, f32 or i32. NULL when there is none of that name. */
void *rf__exec_buffer(rf_exec *exec, const char *name);
/* Of half a graph (rf__graph_cut): the vectors that cross at place k = 0, 1, .., [rows, width] f32; NULL past the last. */
float *rf__exec_cut(rf_exec *exec, int k, int64_t *width);
/* Where parameter gradients are added: a vector laid out as rf__weights_all's trained part; borrowed. */
void rf__exec_bind_grads(rf_exec *exec, float *grads);
/* pool NULL: on the calling thread. */
rf_status rf__exec_run(rf_exec *exec, rf_pool *pool);
/* Seconds of each step are summed over the runs since it was enabled (strait bench). */
void rf__exec_profile(rf_exec *exec, bool enabled);
void rf__exec_profile_print(const rf_exec *exec, FILE *stream);

#endif
