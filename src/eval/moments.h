/* moments.h - mean and covariance of a stream of vectors in double: memory does not grow with the number of vectors. */
#ifndef RF_EVAL_MOMENTS_H
#define RF_EVAL_MOMENTS_H
#include "../base/status.h"

typedef struct rf_moments {
    int64_t count;
    int width;
    double *mean;    /* [width] */
    double *scatter; /* [width, width] row-major, both triangles: sum of (x - mean)(x - mean)^T */
} rf_moments;

rf_status rf__moments_init(rf_moments *moments, int width);
void rf__moments_fini(rf_moments *moments);
/* Add rows [n, width]. Batches are merged by Chan, Golub & LeVeque 1979, so that a large mean costs no digits. */
rf_status rf__moments_add(rf_moments *moments, const float *rows, int64_t n);
/* into += from; widths must agree. */
rf_status rf__moments_merge(rf_moments *into, const rf_moments *from);
/* Known moments instead of rows: mean [width], covariance [width, width]. */
void rf__moments_set(rf_moments *moments, const double *mean, const double *covariance);
/* The unbiased covariance scatter / (count - 1), as numpy.cov; [width, width]. errors: fewer than two vectors. */
rf_status rf__moments_covariance(const rf_moments *moments, double *out);

#endif
