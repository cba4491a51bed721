/* adversary.h - the adversarial stage of Constant Acceleration Flow (Park et al. 2024, arXiv 2411.00322, stage 3), for any path on which data can
 * be predicted: a small network learns to tell real pictures from those that the flow makes of noise in one step, and the flow is rewarded
 * for those that it takes for real.
 *
 *   picture -> frozen features -> a head at each inner layer -> mean of their answers, larger for real       (a projected discriminator)
 *   its loss   relu(1 - answer(real)) + relu(1 + answer(made))        the flow's   fit - pull * answer(made), rows at t = 0 alone
 *
 * A step of the trainer is one update of the flow, then one of the discriminator. The second has lanes, an optimiser and random numbers of
 * its own, and its state is part of the checkpoint.
 *
 * Where we differ: one frozen network of the user's choice instead of DeiT and EfficientNet, no augmentation; the balance `pull` compares gradients at
 * the flow's answer instead of at its last layer, and is that of the step before; both networks learn in every step, not in turns. */
#ifndef RF_TRAIN_ADVERSARY_H
#define RF_TRAIN_ADVERSARY_H
#include "lanes.h"
#include "optim.h"

/* The `adversary` section of a recipe; features "": none. */
typedef struct rf_adversary_config {
    char features[RF_FIELD_STRING_MAX], file[RF_FIELD_STRING_MAX], data[RF_FIELD_STRING_MAX], path[RF_FIELD_STRING_MAX];
    int64_t width;
    double lr, pull;
} rf_adversary_config;
extern const rf_field_desc rf__adversary_fields[];

/* What a checkpoint keeps beside the vectors. */
typedef struct rf_adversary_state {
    int64_t updates, skipped;
    double pull;  /* factor of the flow's reward in the step to come */
    double loss;  /* the discriminator's, of the newest step; 2 when it knows nothing */
} rf_adversary_state;

typedef struct rf_adversary rf_adversary;

/* The frozen features, the real pictures and the heads, with weights of their own. model: the flow; borrowed. */
rf_status rf__adversary_open(rf_adversary **out, const rf_adversary_config *config, const rf_model *model, rf_dtype dtype, uint64_t seed);
void rf__adversary_free(rf_adversary **adversary);
/* Answers [B] for pictures [B,H,W,C] in [-1,1] of classes `label` (NULL: none), with everything frozen: gradients pass to the picture. */
rf_node *rf__adversary_answer(rf_graph *graph, const rf_adversary *adversary, rf_node *picture, rf_node *label);
/* What a graph with these nodes finds its buffers in. */
rf_weights *rf__adversary_weights(const rf_adversary *adversary);

/* Lanes and optimiser. flow: the lanes of the flow, whose batches, pool and sizes are taken over and which then tell how strong the two
 * gradients are; initial: as of those lanes. Both borrowed. */
rf_status rf__adversary_start(rf_adversary *adversary, rf_lanes *flow, const rf_plan *initial);
/* After the lanes of the flow have run and its weights are new: one update of the discriminator. */
rf_status rf__adversary_step(rf_adversary *adversary, uint64_t step);

/* 2 |d fit| / (|d answer| + 1e-4), in [0.01, 10]; fit: squared norm; fool: squared norm of the gradient of pull * answer. */
double rf__adversary_balance(double fit, double fool, double pull);

/* For checkpoints: [count] each. Weights that were written need rf__adversary_resume. */
typedef struct rf_adversary_memory {
    float *weights, *m, *v;
    int64_t count;
    rf_adversary_state *state;
} rf_adversary_memory;
rf_adversary_memory rf__adversary_memory(rf_adversary *adversary);
rf_status rf__adversary_resume(rf_adversary *adversary);

#endif
