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

rf_status rf__ssim(const float *a, const float *b, const float *region, int h, int w, int c, double range, double *out) {
    if (h < WINDOW || w < WINDOW)
        return rf__fail(RF_EINVAL, "SSIM has windows of %dx%d, the pictures are %dx%d", WINDOW, WINDOW, w, h);
    double weight[WINDOW], sums[5], c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range, total = 0, area = 0;
    gaussian(weight);
    for (int y = 0; y + WINDOW <= h; y++)
        for (int x = 0; x + WINDOW <= w; x++) {
            double part = region ? (double)region[(int64_t)(y + WINDOW / 2) * w + x + WINDOW / 2] : 1;
            for (int k = 0; k < c && part > 0; k++) {
                int64_t at = ((int64_t)y * w + x) * c + k;
                window_sums(a + at, b + at, w, c, weight, sums);
                total += part * window_ssim(sums, c1, c2);
            }
            area += part * c;
        }
    *out = area > 0 ? total / area : (double)NAN;
    return RF_OK;
}

/* As rf__mse, each pixel with its weight; NAN without any. */
static double mse_inside(const float *a, const float *b, const float *region, int64_t pixels, int c) {
    double sum = 0, area = 0;
    for (int64_t i = 0; i < pixels; i++) {
        sum += (double)region[i] * rf__mse(a + i * c, b + i * c, c);
        area += (double)region[i];
    }
    return area > 0 ? sum / area : (double)NAN;
}

rf_status rf__paired_add_inside(rf_paired *paired, const float *a, const float *b, const float *region, int h, int w, int c) {
    int64_t pixels = (int64_t)h * w;
    double mse = region ? mse_inside(a, b, region, pixels, c) : rf__mse(a, b, pixels * c), ssim;
    if (isnan(mse) && region) return RF_OK;
    paired->count++;
    paired->mse += mse;
    if (mse > 0) paired->psnr += rf__psnr(mse, RF_PAIRED_RANGE);
    else paired->equal++;
    if (h < WINDOW || w < WINDOW) return RF_OK;
    RF_TRY(rf__ssim(a, b, region, h, w, c, RF_PAIRED_RANGE, &ssim));
    if (isnan(ssim) && region) return RF_OK;
    paired->ssim += ssim;
    paired->similar++;
    return RF_OK;
}

rf_status rf__paired_add(rf_paired *paired, const float *a, const float *b, int h, int w, int c) {
    return rf__paired_add_inside(paired, a, b, NULL, h, w, c);
}
