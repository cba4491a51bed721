/* frechet.c - see frechet.h. */
#include "frechet.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "linear_algebra.h"

/* Eigenvalues below this are rounding of zero. Their roots are not small: 1e-16 becomes 1e-8, a thousand times over. */
static double noise_floor(const double *values, int n) {
    return values[n - 1] > 0 ? (double)n * DBL_EPSILON * values[n - 1] : 0;
}

/* tr (C1 C2)^1/2. With C1 = Q L Q^T, the matrix B^T C2 B with B = Q L^1/2 is similar to sqrt(C1) C2 sqrt(C1).
 * scratch: three matrices and a vector. */
static rf_status trace_of_root(const double *c1, const double *c2, int n, double *scratch, double *out) {
    size_t all = (size_t)n * (size_t)n;
    double *q = scratch, *half = scratch + all, *full = scratch + 2 * all, *values = scratch + 3 * all;
    memcpy(q, c1, all * sizeof *q);
    RF_TRY(rf__eigen_symmetric(q, n, values, true)); /* row k of q is eigenvector k: q is Q^T */
    double floor = noise_floor(values, n);
    for (int k = 0; k < n; k++) {
        double root = values[k] > floor ? sqrt(values[k]) : 0;
        for (int i = 0; i < n; i++) q[(int64_t)k * n + i] *= root; /* q = B^T */
    }
    rf__square_product(half, q, false, c2, n); /* B^T C2 */
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) { /* q = B */
            double kept = q[(int64_t)i * n + j];
            q[(int64_t)i * n + j] = q[(int64_t)j * n + i];
            q[(int64_t)j * n + i] = kept;
        }
    rf__square_product(full, half, false, q, n);
    RF_TRY(rf__eigen_symmetric(full, n, values, false));
    *out = 0;
    floor = noise_floor(values, n);
    for (int k = 0; k < n; k++)
        if (values[k] > floor) *out += sqrt(values[k]);
    return RF_OK;
}

rf_status rf__frechet(const double *mean1, const double *covariance1, const double *mean2, const double *covariance2, int width, double *out) {
    size_t all = (size_t)width * (size_t)width;
    double *scratch = rf__alloc_array(3 * all + (size_t)width, sizeof *scratch), root = 0, sum = 0;
    if (!scratch) return rf__fail(RF_ENOMEM, "no memory for the Fréchet distance of %d features", width);
    rf_status status = trace_of_root(covariance1, covariance2, width, scratch, &root);
    for (int i = 0; i < width; i++) {
        double d = mean1[i] - mean2[i];
        sum += d * d + covariance1[(int64_t)i * width + i] + covariance2[(int64_t)i * width + i];
    }
    rf__free(scratch);
    *out = sum - 2 * root;
    return status == RF_OK && !isfinite(*out) ? rf__fail(RF_ENUMERIC, "the Fréchet distance is not a finite number") : status;
}
