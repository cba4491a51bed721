/* frechet.c - see frechet.h. */
#include "frechet.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "linear_algebra.h"

/* root [rank, n] with covariance = root^T root, in a matrix's memory. values: [n] scratch. Eigenvalues that are only rounding are left
 * out: their roots are not small, 1e-16 becomes 1e-8, a thousand times over. */
static rf_status take_root(const double *covariance, int n, double *root, double *values, int *rank) {
    memcpy(root, covariance, (size_t)n * (size_t)n * sizeof *root);
    RF_TRY(rf__eigen_symmetric(root, n, values, true));
    double floor = values[n - 1] > 0 ? (double)n * DBL_EPSILON * values[n - 1] : 0;
    *rank = 0;
    for (int k = 0; k < n; k++) {
        if (!(values[k] > floor)) continue;
        double scale = sqrt(values[k]), *row = root + (int64_t)*rank * n;
        for (int i = 0; i < n; i++) row[i] = scale * root[(int64_t)k * n + i];
        ++*rank;
    }
    return RF_OK;
}

/* tr (C1 C2)^1/2 as the sum of the singular values of R1 R2^T, C = R^T R. scratch: three matrices and a vector. */
static rf_status trace_of_root(const double *c1, const double *c2, int n, double *scratch, double *out) {
    size_t all = (size_t)n * (size_t)n;
    double *root1 = scratch, *root2 = scratch + all, *product = scratch + 2 * all, *values = scratch + 3 * all;
    int rank1, rank2;
    *out = 0;
    RF_TRY(take_root(c1, n, root1, values, &rank1));
    RF_TRY(take_root(c2, n, root2, values, &rank2));
    if (rank1 == 0 || rank2 == 0) return RF_OK;
    rf__products_double(product, root1, rank1, root2, rank2, n);
    RF_TRY(rf__singular_values(product, rank1, rank2, values));
    for (int k = 0; k < (rank1 < rank2 ? rank1 : rank2); k++) *out += values[k];
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
