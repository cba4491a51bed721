/* norm.c - group and layer normalisation in plain C: the truth for the native ones. Sums in double, one fixed order. */
#include "../scalar.h"
#include "memory.h"

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/* Mean and 1/sqrt(var + eps) of one group of one image. */
static void group_stats(const rf_group_norm_args *a, int64_t image, int group, float *mean, float *rstd) {
    int width = a->channels / a->groups;
    double sum = 0, square = 0, count = (double)a->pixels * width;
    for (int pass = 0; pass < 2; pass++)
        for (int p = 0; p < a->pixels; p++)
            for (int c = group * width; c < (group + 1) * width; c++) {
                double x = rf__get(a->dtype, a->x, (image * a->pixels + p) * a->channels + c);
                if (pass) square += (x - sum / count) * (x - sum / count);
                else sum += x;
            }
    *mean = (float)(sum / count);
    *rstd = (float)(1.0 / sqrt(square / count + (double)a->eps));
}

void rf__ref_group_norm(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_group_norm_args *a = args;
    int width = a->channels / a->groups;
    (void)scratch;
    for (int64_t image = begin; image < end; image++)
        for (int group = 0; group < a->groups; group++) {
            float mean, rstd;
            group_stats(a, image, group, &mean, &rstd);
            if (a->stats) {
                a->stats[(image * a->groups + group) * 2] = mean;
                a->stats[(image * a->groups + group) * 2 + 1] = rstd;
            }
            for (int p = 0; p < a->pixels; p++)
                for (int c = group * width; c < (group + 1) * width; c++) {
                    int64_t i = (image * a->pixels + p) * a->channels + c;
                    float n = (rf__get(a->dtype, a->x, i) - mean) * rstd * a->gamma[c] + a->beta[c];
                    rf__put(a->dtype, a->y, i, rf__act_value(a->act, n));
                }
        }
}

/* d(loss)/d(normalised * gamma + beta) at element i. */
static float norm_dy(const rf_group_norm_args *a, int64_t i, int c, float xhat) {
    float dy = rf__get(a->dtype, a->dy, i);
    if (a->act == RF_ACT_NONE) return dy;
    float n = xhat * a->gamma[c] + a->beta[c], s = sigmoid(n);
    return dy * s * (1.0f + n * (1.0f - s));
}

static void group_norm_bwd_group(const rf_group_norm_args *a, int64_t image, int group) {
    int width = a->channels / a->groups;
    float mean = a->stats[(image * a->groups + group) * 2], rstd = a->stats[(image * a->groups + group) * 2 + 1];
    double mean_g = 0, mean_gx = 0, count = (double)a->pixels * width;
    for (int c = group * width; c < (group + 1) * width; c++) {
        double dgamma = 0, dbeta = 0;
        for (int p = 0; p < a->pixels; p++) {
            int64_t i = (image * a->pixels + p) * a->channels + c;
            float xhat = (rf__get(a->dtype, a->x, i) - mean) * rstd, d = norm_dy(a, i, c, xhat);
            dgamma += (double)d * xhat;
            dbeta += d;
        }
        a->partial[(image * 2) * a->channels + c] = (float)dgamma;
        a->partial[(image * 2 + 1) * a->channels + c] = (float)dbeta;
        mean_g += dbeta * a->gamma[c] / count;
        mean_gx += dgamma * a->gamma[c] / count;
    }
    for (int p = 0; p < a->pixels; p++)
        for (int c = group * width; c < (group + 1) * width; c++) {
            int64_t i = (image * a->pixels + p) * a->channels + c;
            float xhat = (rf__get(a->dtype, a->x, i) - mean) * rstd, g = norm_dy(a, i, c, xhat) * a->gamma[c];
            rf__put(a->dtype, a->dx, i, rstd * (g - (float)mean_g - xhat * (float)mean_gx));
        }
}

void rf__ref_group_norm_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_group_norm_args *a = args;
    (void)scratch;
    for (int64_t image = begin; image < end; image++)
        for (int group = 0; group < a->groups; group++) group_norm_bwd_group(a, image, group);
}

/* ---- layer norm ---- */

static float layer_mul(const rf_layer_norm_args *a, int64_t image, int c) {
    return a->mul ? a->mul[image * a->mul_stride + c] + (a->one_plus ? 1.0f : 0.0f) : 1.0f;
}

void rf__ref_layer_norm(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_layer_norm_args *a = args;
    (void)scratch;
    for (int64_t row = begin * a->tokens; row < end * a->tokens; row++) {
        double sum = 0, square = 0;
        for (int c = 0; c < a->channels; c++) sum += rf__get(a->dtype, a->x, row * a->channels + c);
        double mean = sum / a->channels;
        for (int c = 0; c < a->channels; c++) {
            double d = rf__get(a->dtype, a->x, row * a->channels + c) - mean;
            square += d * d;
        }
        float rstd = (float)(1.0 / sqrt(square / a->channels + (double)a->eps));
        if (a->stats) a->stats[2 * row] = (float)mean, a->stats[2 * row + 1] = rstd;
        for (int c = 0; c < a->channels; c++) {
            float xhat = (rf__get(a->dtype, a->x, row * a->channels + c) - (float)mean) * rstd;
            float shift = a->shift ? a->shift[row / a->tokens * a->shift_stride + c] : 0.0f;
            rf__put(a->dtype, a->y, row * a->channels + c, xhat * layer_mul(a, row / a->tokens, c) + shift);
        }
    }
}

void rf__ref_layer_norm_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_layer_norm_args *a = args;
    (void)scratch;
    for (int64_t image = begin; image < end; image++) {
        float *dmul = a->partial + image * 2 * a->channels, *dshift = dmul + a->channels;
        for (int c = 0; c < 2 * a->channels; c++) dmul[c] = 0;
        for (int64_t row = image * a->tokens; row < (image + 1) * a->tokens; row++) {
            float mean = a->stats[2 * row], rstd = a->stats[2 * row + 1];
            double mean_g = 0, mean_gx = 0;
            for (int c = 0; c < a->channels; c++) {
                float dy = rf__get(a->dtype, a->dy, row * a->channels + c);
                float xhat = (rf__get(a->dtype, a->x, row * a->channels + c) - mean) * rstd;
                double g = (double)dy * layer_mul(a, image, c);
                mean_g += g / a->channels;
                mean_gx += g * xhat / a->channels;
                dmul[c] += dy * xhat;
                dshift[c] += dy;
            }
            for (int c = 0; c < a->channels; c++) {
                float dy = rf__get(a->dtype, a->dy, row * a->channels + c);
                float xhat = (rf__get(a->dtype, a->x, row * a->channels + c) - mean) * rstd;
                rf__put(a->dtype, a->dx, row * a->channels + c,
                        rstd * (dy * layer_mul(a, image, c) - (float)mean_g - xhat * (float)mean_gx));
            }
        }
    }
}

/* ---- unit length ---- */

static float length_of(const rf_unit_norm_args *a, int64_t row) {
    double square = 0;
    for (int c = 0; c < a->channels; c++) {
        double x = rf__get(a->dtype, a->x, row * a->channels + c);
        square += x * x;
    }
    return (float)sqrt(square);
}

void rf__ref_unit_norm(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_unit_norm_args *a = args;
    (void)scratch;
    for (int64_t row = begin; row < end; row++) {
        float length = length_of(a, row) + a->eps;
        for (int64_t i = row * a->channels; i < (row + 1) * a->channels; i++)
            rf__put(a->dtype, a->y, i, rf__get(a->dtype, a->x, i) / length);
    }
}

void rf__ref_unit_norm_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_unit_norm_args *a = args;
    (void)scratch;
    for (int64_t row = begin; row < end; row++) {
        int64_t first = row * a->channels, last = first + a->channels;
        float n = length_of(a, row), length = n + a->eps;
        double dot = 0;
        for (int64_t i = first; i < last; i++) dot += (double)rf__get(a->dtype, a->x, i) * (double)rf__get(a->dtype, a->dy, i);
        float pull = n > 0 ? (float)dot / (n * length) : 0;
        for (int64_t i = first; i < last; i++) {
            float d = rf__get(a->dtype, a->dy, i) - rf__get(a->dtype, a->x, i) * pull;
            rf__put(a->dtype, a->dx, i, n > 0 ? d / length : 0);
        }
    }
}
