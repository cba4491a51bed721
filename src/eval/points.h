/* points.h - distances between clouds of points, for flows in a few dimensions: no features, no Gaussian assumption. */
#ifndef RF_EVAL_POINTS_H
#define RF_EVAL_POINTS_H
#include "../base/status.h"

/* 2 E|X-Y| - E|X-X'| - E|Y-Y'| (Szekely & Rizzo), U-statistics: unbiased, may be slightly negative. a [n, d], b [m, d]. O((n+m)^2 d). */
rf_status rf__energy_distance(const float *a, int64_t n, const float *b, int64_t m, int64_t d, double *out);

/* Square root of the mean over random directions of the squared 1-D Wasserstein-2 distance (Rabin et al. 2011; Bonneel et al. 2015).
 * n points each. A function of the points, `directions` and `seed`. errors: no memory. */
rf_status rf__sliced_wasserstein(const float *a, const float *b, int64_t n, int64_t d, int directions, uint64_t seed, double *out);

#endif
