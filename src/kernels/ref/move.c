/* move.c - resampling, strided copies and patches in plain C. */
#include <string.h>

#include "../scalar.h"
#include "memory.h"

void rf__ref_up2(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_resample_args *a = args;
    (void)scratch;
    for (int64_t image = begin; image < end; image++)
        for (int y = 0; y < 2 * a->h; y++)
            for (int x = 0; x < 2 * a->w; x++)
                for (int c = 0; c < a->channels; c++) {
                    int64_t from = ((image * a->h + y / 2) * a->w + x / 2) * a->channels + c;
                    int64_t to = ((image * 2 * a->h + y) * 2 * a->w + x) * a->channels + c;
                    rf__put(a->dtype, a->y, to, a->scale * rf__get(a->dtype, a->x, from));
                }
}

void rf__ref_down2(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_resample_args *a = args;
    (void)scratch;
    for (int64_t image = begin; image < end; image++)
        for (int y = 0; y < a->h; y++)
            for (int x = 0; x < a->w; x++)
                for (int c = 0; c < a->channels; c++) {
                    float sum = 0;
                    for (int k = 0; k < 4; k++)
                        sum += rf__get(a->dtype, a->x,
                                       ((image * 2 * a->h + 2 * y + k / 2) * 2 * a->w + 2 * x + k % 2) * a->channels + c);
                    rf__put(a->dtype, a->y, ((image * a->h + y) * a->w + x) * a->channels + c, a->scale * sum);
                }
}

/* ---- bilinear ---- */

/* The two pixels that output position o reads, and the share of the second. */
typedef struct tap {
    int low, high;
    float share;
} tap;

static tap tap_at(int o, int in, int out, bool corner) {
    float scale = (float)in / (float)out, at = corner ? (float)o * scale : ((float)o + 0.5f) * scale - 0.5f;
    if (at < 0) at = 0;
    int low = (int)at < in - 1 ? (int)at : in - 1;
    return (tap){low, low < in - 1 ? low + 1 : low, at - (float)low};
}

/* Elements and shares of the four pixels that output pixel (oy, ox) reads. */
typedef struct square {
    int64_t at[4];
    float share[4];
} square;

static square square_at(const rf_resize_args *a, int64_t image, int oy, int ox) {
    tap v = tap_at(oy, a->h, a->oh, a->corner), u = tap_at(ox, a->w, a->ow, a->corner);
    square s;
    for (int k = 0; k < 4; k++) {
        int64_t y = k / 2 ? v.high : v.low, x = k % 2 ? u.high : u.low;
        s.at[k] = ((image * a->h + y) * a->w + x) * a->channels;
        s.share[k] = (k / 2 ? v.share : 1 - v.share) * (k % 2 ? u.share : 1 - u.share);
    }
    return s;
}

void rf__ref_resize(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_resize_args *a = args;
    (void)scratch;
    for (int64_t pixel = begin * a->oh * a->ow; pixel < end * a->oh * a->ow; pixel++) {
        square s = square_at(a, pixel / a->ow / a->oh, (int)(pixel / a->ow % a->oh), (int)(pixel % a->ow));
        for (int c = 0; c < a->channels; c++) {
            float sum = 0;
            for (int k = 0; k < 4; k++) sum += s.share[k] * rf__get(a->dtype, a->x, s.at[k] + c);
            rf__put(a->dtype, a->y, pixel * a->channels + c, sum);
        }
    }
}

void rf__ref_resize_bwd(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_resize_args *a = args;
    size_t image = (size_t)a->h * (size_t)a->w * (size_t)a->channels * rf__dtype_size(a->dtype);
    (void)scratch;
    memset((char *)a->dx + (size_t)begin * image, 0, (size_t)(end - begin) * image);
    for (int64_t pixel = begin * a->oh * a->ow; pixel < end * a->oh * a->ow; pixel++) {
        square s = square_at(a, pixel / a->ow / a->oh, (int)(pixel / a->ow % a->oh), (int)(pixel % a->ow));
        for (int c = 0; c < a->channels; c++) {
            float dy = rf__get(a->dtype, a->dy, pixel * a->channels + c);
            for (int k = 0; k < 4; k++) rf__put(a->dtype, a->dx, s.at[k] + c, rf__get(a->dtype, a->dx, s.at[k] + c) + s.share[k] * dy);
        }
    }
}

void rf__ref_copy(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_copy_args *a = args;
    size_t size = rf__dtype_size(a->dtype);
    (void)scratch;
    for (int64_t row = begin; row < end; row++) {
        if (!a->accumulate) {
            memcpy((char *)a->y + (size_t)(row * a->y_stride) * size, (const char *)a->x + (size_t)(row * a->x_stride) * size,
                   (size_t)a->cols * size);
            continue;
        }
        for (int64_t c = 0; c < a->cols; c++) {
            float y = rf__get(a->dtype, a->y, row * a->y_stride + c) + rf__get(a->dtype, a->x, row * a->x_stride + c);
            rf__put(a->dtype, a->y, row * a->y_stride + c, y);
        }
    }
}

void rf__ref_patch(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_patch_args *a = args;
    int p = a->patch, ch = a->channels, per_row = a->w / p;
    (void)scratch;
    for (int64_t image = begin; image < end; image++)
        for (int y = 0; y < a->h; y++)
            for (int x = 0; x < a->w; x++)
                for (int c = 0; c < ch; c++) {
                    int64_t pixel = ((image * a->h + y) * a->w + x) * ch + c;
                    int64_t token = image * (a->h / p) * per_row + (y / p) * per_row + x / p;
                    int inside = a->channel_first ? (c * p + y % p) * p + x % p : ((y % p) * p + x % p) * ch + c;
                    int64_t packed = token * p * p * ch + inside;
                    if (a->inverse) rf__put(a->dtype, a->y, pixel, rf__get(a->dtype, a->x, packed));
                    else rf__put(a->dtype, a->y, packed, rf__get(a->dtype, a->x, pixel));
                }
}
