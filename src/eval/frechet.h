/* frechet.h - the Fréchet distance of two Gaussians, the formula behind FID (Heusel et al. 2017, arXiv 1706.08500, equation 6). */
#ifndef RF_EVAL_FRECHET_H
#define RF_EVAL_FRECHET_H
#include "../base/status.h"

/* |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2). mean: [width], covariance: [width, width] symmetric positive semi-definite; rank
 * deficient ones (fewer pictures than features) are fine.
 * The usual code takes a complex square root of the non-symmetric C1 C2. With C = R^T R from the symmetric eigen-decomposition, the
 * trace of that root is the sum of the singular values of R1 R2^T: no complex numbers, no ridge, and unlike the eigenvalues of
 * sqrt(C1) C2 sqrt(C1) nothing is squared, so that small variances keep their digits (3e-5 of the distance when they span 1e8). */
rf_status rf__frechet(const double *mean1, const double *covariance1, const double *mean2, const double *covariance2, int width, double *out);

#endif
