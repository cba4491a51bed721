/* linear_algebra.h - the few dense routines that judging needs, through CBLAS and LAPACKE (OpenBLAS). They run on the calling
 * thread: OpenBLAS's own pool would fight ours for the cores, and its results depend on how many threads it has. */
#ifndef RF_EVAL_LINEAR_ALGEBRA_H
#define RF_EVAL_LINEAR_ALGEBRA_H
#include "../base/status.h"

/* out [width, width] = rows^T rows, rows [n, width]. */
void rf__gram(double *out, const double *rows, int64_t n, int width);
/* out [n, m] = a b^T, a [n, width], b [m, width]. */
void rf__products(float *out, const float *a, int64_t n, const float *b, int64_t m, int width);
/* The same in double. */
void rf__products_double(double *out, const double *a, int64_t n, const double *b, int64_t m, int width);
/* Eigenvalues of a symmetric matrix, rising; a [n, n] is overwritten: row k of it is then eigenvector k, when `vectors`. */
rf_status rf__eigen_symmetric(double *a, int n, double *values, bool vectors);
/* Singular values [min(n, m)] of a [n, m], falling; a is destroyed. */
rf_status rf__singular_values(double *a, int64_t n, int64_t m, double *values);

#endif
