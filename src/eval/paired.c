/* paired.c - see paired.h. */
#include "paired.h"

#include <math.h>

#include "../base/memory.h"

enum { WINDOW = 11 };

double rf__mse(const float *a, const float *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum / (double)n;
}

double rf__psnr(double mse, double range) { return mse > 0 ? 10 * log10(range * range / mse) : (double)INFINITY; }

static void gaussian(double weight[WINDOW]) {
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) sum += weight[i] = exp(-(i - WINDOW / 2) * (i - WINDOW / 2) / (2 * 1.5 * 1.5));
    for (int i = 0; i < WINDOW; i++) weight[i] /= sum;
}

/* The five weighted sums of one window: means, squares, product. */
static void window_sums(const float *a, const float *b, int w, int c, const double weight[WINDOW], double sum[5]) {
    for (int k = 0; k < 5; k++) sum[k] = 0;
    for (int i = 0; i < WINDOW; i++)
        for (int j = 0; j < WINDOW; j++) {
            int64_t at = ((int64_t)i * w + j) * c;
            double g = weight[i] * weight[j], x = (double)a[at], y = (double)b[at];
            sum[0] += g * x;
            sum[1] += g * y;
            sum[2] += g * x * x;
            sum[3] += g * y * y;
            sum[4] += g * x * y;
        }
}

static double window_ssim(const double s[5], double c1, double c2) {
    double xx = s[2] - s[0] * s[0], yy = s[3] - s[1] * s[1], xy = s[4] - s[0] * s[1];
    return (2 * s[0] * s[1] + c1) * (2 * xy + c2) / ((s[0] * s[0] + s[1] * s[1] + c1) * (xx + yy + c2));
}

rf_status rf__ssim(const float *a, const float *b, int h, int w, int c, double range, double *out) {
    if (h < WINDOW || w < WINDOW)
        return rf__fail(RF_EINVAL, "SSIM has windows of %dx%d, the pictures are %dx%d", WINDOW, WINDOW, w, h);
    double weight[WINDOW], sums[5], c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range, total = 0;
    gaussian(weight);
    int64_t windows = (int64_t)(h - WINDOW + 1) * (w - WINDOW + 1) * c;
    for (int y = 0; y + WINDOW <= h; y++)
        for (int x = 0; x + WINDOW <= w; x++)
            for (int k = 0; k < c; k++) {
                int64_t at = ((int64_t)y * w + x) * c + k;
                window_sums(a + at, b + at, w, c, weight, sums);
                total += window_ssim(sums, c1, c2);
            }
    *out = total / (double)windows;
    return RF_OK;
}

rf_status rf__paired_add(rf_paired *paired, const float *a, const float *b, int h, int w, int c) {
    double mse = rf__mse(a, b, (int64_t)h * w * c), ssim;
    paired->count++;
    paired->mse += mse;
    if (mse > 0) paired->psnr += rf__psnr(mse, RF_PAIRED_RANGE);
    else paired->equal++;
    if (h < WINDOW || w < WINDOW) return RF_OK;
    RF_TRY(rf__ssim(a, b, h, w, c, RF_PAIRED_RANGE, &ssim));
    paired->ssim += ssim;
    paired->similar++;
    return RF_OK;
}
