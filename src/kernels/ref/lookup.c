/* lookup.c - embeddings, time features, dropout masks, pooling and cross-entropy in plain C. */
#include <string.h>

#include "../../base/rng.h"
#include "../scalar.h"
#include "memory.h"

void rf__ref_embed(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_embed_args *a = args;
    (void)scratch;
    for (int64_t row = begin; row < end; row++)
        memcpy(a->y + row * a->channels, a->table + (int64_t)a->index[row] * a->channels, (size_t)a->channels * sizeof(float));
}

void rf__ref_embed_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_embed_args *a = args;
    (void)scratch;
    if (begin >= end) return;
    for (int64_t row = 0; row < a->batch; row++)
        for (int c = 0; c < a->channels; c++) a->dtable[(int64_t)a->index[row] * a->channels + c] += a->dy[row * a->channels + c];
}

void rf__ref_time_features(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_time_args *a = args;
    int half = a->channels / 2;
    (void)scratch;
    for (int64_t row = begin; row < end; row++)
        for (int i = 0; i < half; i++) {
            /* The angle in double: scale * t reaches 1000, where f32 leaves 6e-5. */
            double frequency = a->frequency ? (double)a->frequency[i] : exp(-log((double)a->max_period) * i / ((double)half - (double)a->shift));
            double angle = (double)a->scale * (double)a->t[row] * frequency;
            float *y = a->y + row * a->channels;
            y[i] = (float)(a->sin_first ? sin(angle) : cos(angle));
            y[half + i] = (float)(a->sin_first ? cos(angle) : sin(angle));
        }
}

void rf__ref_time_map(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_time_map_args *a = args;
    (void)scratch;
    for (int64_t row = begin; row < end; row++) a->y[row] = (float)a->of((double)a->t[row], a->with);
}

/* Philox counter: (sample number, block of four elements and layer); the seed is the key. */
void rf__ref_dropout(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_dropout_args *a = args;
    uint64_t seed = (uint64_t)(uint32_t)a->seed[1] << 32 | (uint32_t)a->seed[0];
    uint32_t threshold = (uint32_t)((double)a->p * 4294967296.0);
    float keep = 1.0f / (1.0f - a->p);
    (void)scratch;
    for (int64_t image = begin; image < end; image++) {
        uint64_t key = (uint64_t)(uint32_t)a->key[2 * image + 1] << 32 | (uint32_t)a->key[2 * image];
        for (int64_t i = 0; i < a->n; i += 4) {
            uint32_t words[4];
            rf__rng_bits(seed + key * 0x9e3779b97f4a7c15u, RF_STREAM_DROPOUT, (uint64_t)a->layer << 40 | (uint64_t)i / 4, words);
            for (int64_t k = i; k < i + 4 && k < a->n; k++) {
                float x = rf__get(a->dtype, a->x, image * a->n + k);
                rf__put(a->dtype, a->y, image * a->n + k, words[k - i] >= threshold ? x * keep : 0.0f);
            }
        }
    }
}

/* ---- pooling ---- */

typedef struct window {
    int y0, y1, x0, x1;
} window;

static window window_at(const rf_pool_args *a, int oy, int ox) {
    int y = oy * a->stride - a->pad, x = ox * a->stride - a->pad;
    return (window){y < 0 ? 0 : y, y + a->size > a->h ? a->h : y + a->size, x < 0 ? 0 : x, x + a->size > a->w ? a->w : x + a->size};
}

static int64_t pixel_at(const rf_pool_args *a, int64_t image, int y, int x, int c) {
    return ((image * a->h + y) * a->w + x) * a->channels + c;
}

/* Value of one window; *arg: the first pixel that holds the maximum. */
static float pool_value(const rf_pool_args *a, int64_t image, window w, int c, int64_t *arg) {
    float best = -INFINITY, sum = 0;
    for (int y = w.y0; y < w.y1; y++)
        for (int x = w.x0; x < w.x1; x++) {
            int64_t i = pixel_at(a, image, y, x, c);
            float v = rf__get(a->dtype, a->x, i);
            sum += v;
            if (v > best) best = v, *arg = i;
        }
    float count = a->count_pad ? (float)(a->size * a->size) : (float)((w.y1 - w.y0) * (w.x1 - w.x0));
    return a->max ? best : sum / count;
}

void rf__ref_pool(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_pool_args *a = args;
    (void)scratch;
    for (int64_t image = begin; image < end; image++)
        for (int oy = 0; oy < a->oh; oy++)
            for (int ox = 0; ox < a->ow; ox++)
                for (int c = 0; c < a->channels; c++) {
                    int64_t arg = 0, to = ((image * a->oh + oy) * a->ow + ox) * a->channels + c;
                    rf__put(a->dtype, a->y, to, pool_value(a, image, window_at(a, oy, ox), c, &arg));
                }
}

static void pool_bwd_window(const rf_pool_args *a, int64_t image, int oy, int ox, int c) {
    window w = window_at(a, oy, ox);
    float dy = rf__get(a->dtype, a->dy, ((image * a->oh + oy) * a->ow + ox) * a->channels + c);
    if (a->max) {
        int64_t arg = pixel_at(a, image, w.y0, w.x0, c);
        pool_value(a, image, w, c, &arg);
        rf__put(a->dtype, a->dx, arg, rf__get(a->dtype, a->dx, arg) + dy);
        return;
    }
    float count = a->count_pad ? (float)(a->size * a->size) : (float)((w.y1 - w.y0) * (w.x1 - w.x0));
    for (int y = w.y0; y < w.y1; y++)
        for (int x = w.x0; x < w.x1; x++) {
            int64_t i = pixel_at(a, image, y, x, c);
            rf__put(a->dtype, a->dx, i, rf__get(a->dtype, a->dx, i) + dy / count);
        }
}

void rf__ref_pool_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_pool_args *a = args;
    int64_t size = (int64_t)a->h * a->w * a->channels;
    (void)scratch;
    memset((char *)a->dx + (size_t)(begin * size) * rf__dtype_size(a->dtype), 0, (size_t)((end - begin) * size) * rf__dtype_size(a->dtype));
    for (int64_t image = begin; image < end; image++)
        for (int oy = 0; oy < a->oh; oy++)
            for (int ox = 0; ox < a->ow; ox++)
                for (int c = 0; c < a->channels; c++) pool_bwd_window(a, image, oy, ox, c);
}

/* ---- cross-entropy ---- */

static double log_sum_exp(const float *x, int n) {
    float top = x[0];
    double sum = 0;
    for (int i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++) sum += exp((double)x[i] - (double)top);
    return (double)top + log(sum);
}

void rf__ref_xent(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_xent_args *a = args;
    (void)scratch;
    for (int64_t row = begin; row < end; row++) {
        const float *x = a->x + row * a->classes;
        a->loss[row] = (float)(log_sum_exp(x, a->classes) - (double)x[a->label[row]]);
    }
}

void rf__ref_xent_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_xent_args *a = args;
    (void)scratch;
    for (int64_t row = begin; row < end; row++) {
        const float *x = a->x + row * a->classes;
        double all = log_sum_exp(x, a->classes);
        for (int c = 0; c < a->classes; c++)
            a->dx[row * a->classes + c] = ((float)exp((double)x[c] - all) - (c == a->label[row] ? 1.0f : 0.0f)) * a->dloss[row];
    }
}
