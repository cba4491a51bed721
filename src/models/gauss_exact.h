/* gauss_exact.h - flows whose velocity is known in closed form, as fields: the test models of everything above field.h.
 *
 * Data: a mixture of `components` Gaussians N(mean_k, sd^2 I); noise N(0, I), independent. One component is Gaussian to Gaussian; sd 0
 * is a finite data set (its flow ends on the points, so the velocity is singular at t = 1). With M = sum_k r_k mean_k and
 * r = soft-max(log weight_k - |x - t mean_k|^2 / 2 V), V = (1-t)^2 + t^2 sd^2, every conditional mean is linear in x - t M. */
#ifndef RF_GAUSS_EXACT_H
#define RF_GAUSS_EXACT_H
#include "../flow/field.h"

typedef struct rf_gauss_exact {
    int64_t scalars;
    int64_t components;
    const float *mean;      /* [components, scalars], borrowed */
    const double *weight;   /* [components], any positive scale; NULL: equal. Borrowed */
    const int32_t *label;   /* [components], the class of each; NULL: unconditional. Borrowed */
    int classes;            /* label `classes` means all components */
    double sd;
    double t_max;           /* later times are answered as this one. 0: 1, or for points 1 - 1e-3 (SlimFlow's analytic teacher) */
    bool reflowed;          /* the exact 2-RF instead: one component only, straight paths */
} rf_gauss_exact;

/* E[.|x_t = x] and the score; [scalars] each, NULL: not wanted. */
typedef struct rf_gauss_answer {
    double *v, *x1, *x0, *score;
} rf_gauss_answer;

/* At one point, in double. label: a class, or classes (any value when unconditional). Not for reflowed flows: their x0 and x1 are
 * dependent, and the velocity no longer determines the score. mean: [scalars] scratch, M afterwards. */
void rf__gauss_exact_at(const rf_gauss_exact *flow, const double *x, double t, int label, double *mean, const rf_gauss_answer *out);

/* Where the flow of N(0,1) -> N(mean, sd^2) carries x (one scalar) from time `from` to `to`. */
double rf__gauss_exact_map(double mean, double sd, double from, double to, double x);

/* The flow as a field; borrows it. errors: settings that contradict each other. */
rf_status rf__gauss_exact_field(rf_field *out, const rf_gauss_exact *flow);

#endif
