/* coupling_error.h - how far N Euler steps of a velocity end from the exact flow of the same noise.
 *
 * Reference: the 1-RF row of rectified-flow.md section 2. "Coupling MSE" there is |Euler_N(v_net; x0) - Phi_exact(x0)|^2 summed over the
 * scalars of a sample and averaged over noise x0, with Phi_exact the fine solve of the *exact* velocity (not of the network's own): the
 * exact velocity itself gives 16.2, 1.16, 0.130, 0.034 at 1, 2, 4, 8 steps, reproduced by this definition to three digits. */
#ifndef RF_EVAL_COUPLING_ERROR_H
#define RF_EVAL_COUPLING_ERROR_H
#include "../flow/field.h"
#include "../io/fields.h"

/* second: NULL, or the second network of Constant Acceleration Flow, whose steps are then taken instead of Euler's.
 * out[i]: the error of steps->at[i] Euler steps of `field`, over noise x0 [samples, scalars]. exact: the velocity whose solution by
 * `fine` Runge-Kutta steps is the yardstick; may be `field` itself, when no exact one is known. cond: [samples] or NULL. */
rf_status rf__coupling_error(const rf_field *field, const rf_field *second, const rf_field *exact, const float *x0, const rf_cond *cond, int64_t samples, int fine,
                             const rf_int_list *steps, double *out);

#endif
