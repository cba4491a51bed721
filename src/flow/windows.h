/* windows.h - models that are straight only inside windows of the time axis (PeRFlow, arXiv 2405.07510): which window a time belongs
 * to, the closed form that turns a noise prediction into the velocity of its window, and the grids that such a model can walk. */
#ifndef RF_FLOW_WINDOWS_H
#define RF_FLOW_WINDOWS_H
#include "field.h"

#define RF_MAX_WINDOWS 64
#define RF_WINDOW_SLACK 1e-4 /* of t: float noise must not move a time on an edge back into the window it has left */

/* What a noise-predicting PeRFlow checkpoint was trained to give. */
typedef enum rf_window_target {
    RF_WINDOW_DIFF_EPS, /* published default */
    RF_WINDOW_DDIM_EPS,
    RF_WINDOW_VELOCITY, /* not noise: lambda = 1, eta = b - a make the same closed form say "the velocity itself" */
} rf_window_target;

/* Windows edge[k] .. edge[k+1], rising from 0 to 1 in our t (paper: tau = 1 - t falls). */
struct rf_windows {
    int count;
    bool noise;    /* the network predicts noise: its answer goes through rf__window_velocity */
    double edge[RF_MAX_WINDOWS + 1];
    double lambda[RF_MAX_WINDOWS], eta[RF_MAX_WINDOWS]; /* what is predicted is (z_b - lambda z_a) / eta */
};

/* `count` equal windows that predict velocity. errors: RF_EINVAL. */
rf_status rf__windows_uniform(rf_windows *out, int count);
/* Windows between `count` + 1 edges. errors: RF_EINVAL, with the edge that is not above the one before it, or an end that is not 0 or 1. */
rf_status rf__windows_between(rf_windows *out, const double *edge, int count);
/* Windows of a checkpoint's metadata, and back (NULL: no memory): {"edges": [...], "predicts": "velocity" | "noise", "lambda", "eta"}.
 * errors: RF_EFORMAT with the number that was wrong. */
rf_status rf__windows_parse(rf_windows *out, const char *json);
char *rf__windows_text(const rf_windows *windows); /* free() */
/* lambda and eta of each window from the products alpha_bar of a diffusion schedule.
 * alpha_bar  [count], of training step i, falling; a time t has index int(1000 (1-t)) - 1 for 1000 steps, at least 0
 * errors: RF_EINVAL for a window too narrow to hold two times of the schedule */
rf_status rf__windows_schedule(rf_windows *windows, const double *alpha_bar, int count, rf_window_target target);
/* Stable Diffusion's scaled-linear schedule: beta from 0.00085 to 0.012, linear in its square root. out: [count] */
void rf__alpha_bar_scaled_linear(double *out, int count, double first, double last);
double rf__alpha_bar_at(const double *alpha_bar, int count, double t);

/* The window of a time: an edge belongs to the later window, 1 to the last. */
int rf__windows_find(const rf_windows *windows, double t);
/* The same without the slack, for times that were drawn and not summed up. */
int rf__windows_find_exact(const rf_windows *windows, double t);
/* What tells a network the window, because a smooth function of t averages over the edge where the sampler asks (perflow.md section 6):
 * out [count + 1], 1 at window k and 0 at the others, then the part of the window that is done, 0 .. 1. */
void rf__windows_features(const rf_windows *windows, int k, double t, float *out);
/* From `from` (0 noise) to 1: `steps` steps of equal length in each window that is left: steps / left in each, one more in the first
 * steps mod left (the noisiest). times: [steps + 1]. errors: RF_EINVAL, fewer steps than windows left. */
rf_status rf__windows_grid(const rf_windows *windows, double from, int steps, double *times);
/* v = [(lambda - 1) x + eta eps] / [lambda (t - a) + (b - t)] of the window [a, b]; finite at t = b, where the published form
 * (x_b - x)/(b - t) is 0/0 (streamflow.md section 2a). */
double rf__window_velocity(const rf_windows *windows, double t, double x, double eps);
/* The other way, for training: what is predicted at x when v is the velocity of window k. */
double rf__window_prediction(const rf_windows *windows, int k, double t, double x, double v);

/* Refuse a walk that crosses an edge inside a step: fewer steps than windows, or a grid that misses one. */
rf_status rf__windows_check(const rf_windows *windows, const double *times, int steps);
/* Whether t is an edge between two windows (within the slack): what was measured before it says nothing about after. */
bool rf__windows_edge(const rf_windows *windows, double t);

/* A noise-predicting field seen as a velocity field; borrows both. */
typedef struct rf_windows_field {
    const rf_windows *windows;
    const rf_field *noise;
} rf_windows_field;
rf_field rf__windows_field(const rf_windows_field *adapter);

#endif
