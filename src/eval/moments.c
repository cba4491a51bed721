/* moments.c - see moments.h. */
#include "moments.h"

#include <string.h>

#include "../base/memory.h"
#include "linear_algebra.h"

rf_status rf__moments_init(rf_moments *moments, int width) {
    *moments = (rf_moments){.width = width};
    moments->mean = rf__alloc_array((size_t)width, sizeof(double));
    moments->scatter = rf__alloc_array((size_t)width * (size_t)width, sizeof(double));
    if (moments->mean && moments->scatter) return RF_OK;
    rf__moments_fini(moments);
    return rf__fail(RF_ENOMEM, "no memory for the covariance of %d features", width);
}

void rf__moments_fini(rf_moments *moments) {
    rf__free(moments->mean);
    rf__free(moments->scatter);
    *moments = (rf_moments){0};
}

rf_status rf__moments_merge(rf_moments *into, const rf_moments *from) {
    if (into->width != from->width)
        return rf__fail(RF_EMISMATCH, "moments of %d features cannot take those of %d", into->width, from->width);
    if (from->count == 0) return RF_OK;
    int width = into->width;
    double total = (double)(into->count + from->count), share = (double)from->count / total;
    double between = (double)into->count * share; /* weight of the difference of the means */
    for (int i = 0; i < width; i++) {
        double *row = into->scatter + (int64_t)i * width, di = from->mean[i] - into->mean[i];
        const double *other = from->scatter + (int64_t)i * width;
        for (int j = 0; j < width; j++) row[j] += other[j] + between * di * (from->mean[j] - into->mean[j]);
    }
    for (int i = 0; i < width; i++) into->mean[i] += share * (from->mean[i] - into->mean[i]);
    into->count += from->count;
    return RF_OK;
}

/* Mean and scatter of one batch. centred: [n, width] scratch. */
static void batch_moments(rf_moments *batch, const float *rows, int64_t n, double *centred) {
    int width = batch->width;
    batch->count = n;
    memset(batch->mean, 0, (size_t)width * sizeof(double));
    for (int64_t r = 0; r < n; r++)
        for (int i = 0; i < width; i++) batch->mean[i] += (double)rows[r * width + i] / (double)n;
    for (int64_t r = 0; r < n; r++)
        for (int i = 0; i < width; i++) centred[r * width + i] = (double)rows[r * width + i] - batch->mean[i];
    rf__gram(batch->scatter, centred, n, width);
}

rf_status rf__moments_add(rf_moments *moments, const float *rows, int64_t n) {
    enum { SLAB = 512 };
    rf_moments batch;
    RF_TRY(rf__moments_init(&batch, moments->width));
    double *centred = rf__alloc_array((size_t)SLAB * (size_t)moments->width, sizeof(double));
    rf_status status = centred ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the covariance of %d features", moments->width);
    for (int64_t first = 0; first < n && status == RF_OK; first += SLAB) {
        int64_t count = n - first < SLAB ? n - first : SLAB;
        batch_moments(&batch, rows + first * moments->width, count, centred);
        status = rf__moments_merge(moments, &batch);
    }
    rf__free(centred);
    rf__moments_fini(&batch);
    return status;
}

/* As two rows would have left them: their scatter is their covariance. */
void rf__moments_set(rf_moments *moments, const double *mean, const double *covariance) {
    size_t width = (size_t)moments->width;
    moments->count = 2;
    memcpy(moments->mean, mean, width * sizeof *mean);
    memcpy(moments->scatter, covariance, width * width * sizeof *covariance);
}

rf_status rf__moments_covariance(const rf_moments *moments, double *out) {
    if (moments->count < 2)
        return rf__fail(RF_EINVAL, "a covariance needs at least 2 pictures, there %s %lld", moments->count == 1 ? "is" : "are",
                        (long long)moments->count);
    int64_t all = (int64_t)moments->width * moments->width;
    for (int64_t i = 0; i < all; i++) out[i] = moments->scatter[i] / (double)(moments->count - 1);
    return RF_OK;
}
