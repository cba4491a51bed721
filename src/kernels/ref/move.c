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
