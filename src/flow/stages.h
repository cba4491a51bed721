/* stages.h - one walk over several resolutions, coarse to fine (methods: flowturbo, "multi-stage refinement"; our specification, of which
 * the abstract of FlowTurbo's extension says only that there are stages, and MrFlow, arXiv 2607.01642, is the trained-free example).
 *
 *   leave a stage at b:  x1^ = x + (1-b) v(x, b)                 the clean picture as seen from there (b = 1: x itself)
 *   enter the next at a: x = (1-a) noise + a upsampled(x1^)      a in (0, 1), a <= b: part of the way is walked again, finer
 *
 * Velocities known before are forgotten. */
#ifndef RF_FLOW_STAGES_H
#define RF_FLOW_STAGES_H
#include "blocks.h"
#include "field.h"

#define RF_MAX_STAGES_OF_A_WALK 8
enum { RF_STREAM_STAGE = 96 }; /* of random numbers: the fresh noise of stage k has RF_STREAM_STAGE + k */

/* A picture's size, channels last. */
typedef struct rf_extent { int height, width, channels; } rf_extent;

typedef struct rf_upsampler {
    const char *name, *source, *help;
    /* in [from], out [to], same channels; may not overlap */
    void (*apply)(const float *in, rf_extent from, float *out, rf_extent to);
} rf_upsampler;

/* Where the noise of the next stage comes from. */
typedef struct rf_renoise {
    const char *name, *source, *help;
    bool fresh; /* of the walk's seed; otherwise what x0 looks like from where the stage before was left, upsampled */
} rf_renoise;

const rf_upsampler *const *rf__upsamplers(void);          /* NULL-terminated; the first is the default */
const rf_upsampler *rf__upsampler_find(const char *name); /* NULL and a sentence listing the names */
const rf_renoise *rf__renoise_find(const char *name);

/* A stage behind the first (which is the job itself). Everything is borrowed until the job is over. */
typedef struct rf_stage {
    const rf_field *field, *refiner; /* refiner NULL: none */
    const rf_blocks *blocks;
    const double *times; /* [steps + 1], from a to b */
    int steps;
    rf_extent from, to; /* of the stage before, and of this one */
    const rf_upsampler *upsampler;
    const rf_renoise *renoise;
} rf_stage;

/* Stages that follow a walk which ends at `end`: no hole between two, re-noising inside (0, 1), sizes, blocks and their refiners. The last
 * one ends at 1. scalars: of the first stage. */
rf_status rf__stages_check(const rf_stage *stages, int count, double end, int64_t scalars);
/* Answers of the network and of refiners from stage `first` on, with those that look at the clean picture between two. */
int64_t rf__stages_calls(const rf_stage *stages, int first, int count);
/* x [from], velocity there [from] (NULL at t = 1) and its time -> out [to]; both inputs are used up. room [to]. index: of the stage, from 1. */
void rf__stage_enter(const rf_stage *stage, int index, uint64_t seed, double t, float *x, float *velocity, float *room, float *out);

#endif
