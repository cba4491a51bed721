/* path.c - the table of paths: where x_t is, and what the network is asked there. */
#include <string.h>

#include "batch.h"

static void linear_point(const rf_path_ends *e, float t, float *xt, float *target) {
    for (int64_t i = 0; i < e->n; i++) {
        xt[i] = (1 - t) * e->x0[i] + t * e->x1[i];
        target[i] = e->x1[i] - e->x0[i];
    }
}

static double linear_reach(double t, double shape) {
    (void)shape;
    return 1 - t;
}

static const rf_path linear = {
    {"linear", "Liu et al. 2022, arXiv 2209.03003", "x_t = (1-t) x0 + t x1, velocity x1 - x0"}, .straight = true, .point = linear_point, .reach = linear_reach};

static void clean_point(const rf_path_ends *e, float t, float *xt, float *target) {
    (void)t;
    memcpy(xt, e->x1, (size_t)e->n * sizeof(float));
    memcpy(target, e->x1, (size_t)e->n * sizeof(float));
}

static const rf_path clean = {{"clean", "for networks that classify", "x_t = x1 at every t"}, .still = true, .point = clean_point};

/* ---- Constant Acceleration Flow: x_t = x0 + v0 t + a t^2/2 with v0 = h (x1 - x0), a = 2 (x1 - x0 - v0) ---- */

static void speed_point(const rf_path_ends *e, float t, float *xt, float *target) {
    float h = (float)e->shape, along = h * t + (1 - h) * t * t;
    for (int64_t i = 0; i < e->n; i++) {
        float d = e->x1[i] - e->x0[i];
        xt[i] = (1 - along) * e->x0[i] + along * e->x1[i];
        target[i] = h * d;
    }
}

/* x1 = x_t + (v0/h)(1 - h t - (1-h) t^2). The published code goes on at constant speed, x_t + (1-t) v0/h, which misses x1 unless h is 1.
 * With h = 0 the first velocity says nothing of x1. */
static double speed_reach(double t, double h) { return h > 0 ? (1 - h * t - (1 - h) * t * t) / h : 0; }

static const rf_path speed = {
    {"caf_velocity", "Park et al. 2024 (CAF), arXiv 2411.00322, stage 1", "the first velocity of an even acceleration, h (x1 - x0); path_shape: h"},
    .point = speed_point, .reach = speed_reach};

/* Asked for v0 + a/2, the mean speed, instead of a: the network then corrects v0 (a refiner), and an even acceleration is twice its
 * correction. The published target 2 (x1 - x0 - v0) is twice as large and vanishes with the same network. */
static void push_point(const rf_path_ends *e, float t, float *xt, float *target) {
    float square = t * t;
    for (int64_t i = 0; i < e->n; i++) {
        xt[i] = (1 - square) * e->x0[i] + square * e->x1[i] + e->before[i] * (t - square);
        target[i] = e->x1[i] - e->x0[i];
    }
}

/* x1 = x_t + (1-t) v0 + (1-t^2)/2 a, and v0 is given. */
static double push_reach(double t, double shape) {
    (void)shape;
    return 1 - t * t;
}

static const rf_path push = {
    {"caf_acceleration", "Park et al. 2024 (CAF), arXiv 2411.00322, stage 2", "the mean speed, for a network that corrects the first velocity of train.initial (model.refines: plain)"},
    .informed = true, .point = push_point, .reach = push_reach};

const rf_plugin *const *rf__paths(void) {
    static const rf_plugin *const table[] = {&linear.is, &speed.is, &push.is, &clean.is, NULL};
    return table;
}
