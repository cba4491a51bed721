/* window_straightness.h - S inside windows. */
#ifndef RF_EVAL_WINDOW_STRAIGHTNESS_H
#define RF_EVAL_WINDOW_STRAIGHTNESS_H
#include "../flow/windows.h"

/* out: the sum over the windows (NULL: one from 0 to 1) of the integral of E|(Z_b - Z_a)/(b-a) - v(Z_t, t)|^2, scalars summed, over the flow
 * from x0 [samples, scalars]. steps: of Runge-Kutta for the whole way. cond: [samples] or NULL. errors: as the field. */
rf_status rf__window_straightness(const rf_field *field, const rf_windows *windows, const float *x0, const rf_cond *cond, int64_t samples, int steps,
                                  double *out);

#endif
