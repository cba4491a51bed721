/* outputs.h - what a network may predict instead of the velocity, on the path x = (1-t) x0 + t x1. For converting other people's
 * checkpoints where they are read; everything else speaks velocity. Exact for any coupling (score: x0 Gaussian and independent). */
#ifndef RF_OUTPUTS_H
#define RF_OUTPUTS_H

typedef enum rf_output_kind {
    RF_OUTPUT_V,     /* E[x1 - x0 | x] */
    RF_OUTPUT_X1,    /* E[x1 | x]; the velocity from it is singular at t = 1 */
    RF_OUTPUT_X0,    /* E[x0 | x] (the diffusion people's epsilon); singular at t = 0 */
    RF_OUTPUT_SCORE, /* gradient of log p_t; singular at t = 0 */
} rf_output_kind;

static inline double rf__velocity_of(rf_output_kind kind, double value, double x, double t) {
    switch (kind) {
    case RF_OUTPUT_X1: return (value - x) / (1 - t);
    case RF_OUTPUT_X0: return (x - value) / t;
    case RF_OUTPUT_SCORE: return (x + (1 - t) * value) / t;
    case RF_OUTPUT_V: break;
    }
    return value;
}

static inline double rf__output_of(rf_output_kind kind, double v, double x, double t) {
    switch (kind) {
    case RF_OUTPUT_X1: return x + (1 - t) * v;
    case RF_OUTPUT_X0: return x - t * v;
    case RF_OUTPUT_SCORE: return (t * v - x) / (1 - t);
    case RF_OUTPUT_V: break;
    }
    return v;
}

#endif
