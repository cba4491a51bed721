/* paired.h - how far two pictures of the same seed are apart: the price of an acceleration, measured against the unaccelerated run. */
#ifndef RF_EVAL_PAIRED_H
#define RF_EVAL_PAIRED_H
#include "../base/status.h"

#define RF_PAIRED_RANGE 2.0 /* pictures are in [-1,1] */

/* Mean squared difference of n numbers. */
double rf__mse(const float *a, const float *b, int64_t n);
/* 10 log10(range^2 / mse) in decibel; infinite for equal pictures. */
double rf__psnr(double mse, double range);
/* Wang et al. 2004: windows of 11x11 under a Gaussian of sd 1.5, only those that fit, K1 = 0.01, K2 = 0.03, each channel by itself, then
 * the mean over the windows, weighed by region [h, w] >= 0 at their middles; region NULL: all alike. a, b: [h, w, c]. NAN when no window
 * has weight. errors: pictures smaller than a window. */
rf_status rf__ssim(const float *a, const float *b, const float *region, int h, int w, int c, double range, double *out);

/* Sums over pairs of pictures. */
typedef struct rf_paired {
    int64_t count, similar; /* pairs; pairs with an SSIM */
    double mse, psnr, ssim; /* sums: mse of all, psnr of pairs that differ, ssim of `similar` */
    double perceptual;      /* sum of a learned distance, of `perceived` pairs; whoever has the network adds to it */
    int64_t perceived;
    int64_t equal;          /* pairs without any difference: their psnr is infinite and left out of the sum */
} rf_paired;

/* Pictures too small for an SSIM count without one. */
rf_status rf__paired_add(rf_paired *paired, const float *a, const float *b, int h, int w, int c);
/* Of a region only: weights [h, w] in 0..1, NULL: everything. The squared error is the mean over its pixels, the SSIM that over the windows
 * whose middles it has. A picture whose region is empty, or for the SSIM has no window's middle, does not count. */
rf_status rf__paired_add_inside(rf_paired *paired, const float *a, const float *b, const float *region, int h, int w, int c);

#endif
