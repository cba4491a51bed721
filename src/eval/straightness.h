/* straightness.h - how straight a flow is and how much a coupling crosses (Liu et al. 2022, arXiv 2209.03003, sections 3.2 and D).
 *
 * For the flow Z of a velocity v that was learned from the coupling (X0, X1):
 *   S = integral over t of E|Z1 - Z0 - v(Z_t, t)|^2        straightness of the new flow; 0: one Euler step is exact
 *   V = integral over t of E|X1 - X0 - v(X_t, t)|^2        crossing of the old coupling (v = E[X1 - X0 | X_t]); 0: nothing left to straighten
 *   E|X1 - X0|^2 - E|Z1 - Z0|^2 = S + V                    exactly, for the exact v
 * All are sums over the scalars of a sample, averaged over samples. With a network's v, V holds its regression error too, and the
 * difference of the two sides (`gap`) says how far the network is from the exact velocity. */
#ifndef RF_EVAL_STRAIGHTNESS_H
#define RF_EVAL_STRAIGHTNESS_H
#include "../flow/field.h"

typedef struct rf_straightness {
    double s, v;
    double energy_coupling, energy_flow; /* E|X1 - X0|^2, E|Z1 - Z0|^2 */
    double gap;                          /* energy_coupling - energy_flow - s - v */
} rf_straightness;

/* Pairs x0, x1 [samples, scalars] of the coupling; the flow starts from the same x0. `steps` classical Runge-Kutta steps solve the flow;
 * S is taken by Simpson's rule at their ends and middles, V by the midpoint rule over `steps` times, shifted for each sample so that all
 * times are met. cond: [samples] or NULL (no class). errors: what the field returned. */
rf_status rf__straightness(const rf_field *field, const float *x0, const float *x1, const rf_cond *cond, int64_t samples, int steps,
                           rf_straightness *out);

#endif
