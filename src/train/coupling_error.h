/* coupling_error.h - how far N Euler steps of a trained velocity end from the exact flow of the same noise.
 *
 * Reference: the 1-RF row of rectified-flow.md section 2. "Coupling MSE" there is |Euler_N(v_net; x0) - Phi_exact(x0)|^2 summed over the
 * scalars of a sample and averaged over noise x0, with Phi_exact the fine solve of the *exact* velocity (not of the network's own): the
 * exact velocity itself gives 16.2, 1.16, 0.130, 0.034 at 1, 2, 4, 8 steps, reproduced by this definition to three digits. */
#ifndef RF_TRAIN_COUPLING_ERROR_H
#define RF_TRAIN_COUPLING_ERROR_H
#include "../flow/field.h"
#include "source.h"

/* out[i]: the error of steps->at[i] Euler steps of `field`, over `samples` noise samples of `seed`. source: has an exact velocity. */
rf_status rf__coupling_error(const rf_field *field, const rf_source *source, const rf_int_list *steps, int64_t samples, uint64_t seed,
                             rf_pool *pool, double *out);

#endif
