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
} rf_window_target;

/* Windows edge[k] .. edge[k+1], rising from 0 to 1 in our t (paper: tau = 1 - t falls). */
typedef struct rf_windows {
    int count;
    double edge[RF_MAX_WINDOWS + 1];
    double lambda[RF_MAX_WINDOWS], eta[RF_MAX_WINDOWS]; /* of the noise prediction; set by rf__windows_schedule */
} rf_windows;

/* `count` equal windows, with the identity lambda = 1, eta = 0. errors: RF_EINVAL. */
rf_status rf__windows_uniform(rf_windows *out, int count);
/* lambda and eta of each window from the products alpha_bar of a diffusion schedule.
 * alpha_bar  [count], of training step i, falling; a time t has index int(1000 (1-t)) - 1 for 1000 steps, at least 0 */
void rf__windows_schedule(rf_windows *windows, const double *alpha_bar, int count, rf_window_target target);
/* Stable Diffusion's scaled-linear schedule: beta from 0.00085 to 0.012, linear in its square root. out: [count] */
void rf__alpha_bar_scaled_linear(double *out, int count, double first, double last);

/* The window of a time: an edge belongs to the later window, 1 to the last. */
int rf__windows_find(const rf_windows *windows, double t);
/* v = [(lambda - 1) x + eta eps] / [lambda (t - a) + (b - t)] of the window [a, b]; finite at t = b, where the published form
 * (x_b - x)/(b - t) is 0/0 (streamflow.md section 2a). */
double rf__window_velocity(const rf_windows *windows, double t, double x, double eps);

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
