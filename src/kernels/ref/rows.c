/* rows.c - vectors over channels, factors over rows, and sums, in plain C. */
#include "../scalar.h"
#include "memory.h"

void rf__ref_row_affine(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_row_affine_args *a = args;
    (void)scratch;
    for (int64_t image = begin; image < end; image++)
        for (int64_t row = image * a->rows; row < (image + 1) * a->rows; row++)
            for (int c = 0; c < a->channels; c++) {
                int64_t i = row * a->channels + c;
                float y = rf__get(a->dtype, a->x, i);
                if (a->gate) y *= a->gate[image * a->gate_stride + c] + (a->one_plus ? 1.0f : 0.0f);
                if (a->shift) y += a->shift[image * a->shift_stride + c];
                if (a->residual) y += rf__get(a->dtype, a->residual, i);
                rf__put(a->dtype, a->y, i, y);
            }
}

void rf__ref_row_reduce(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_row_reduce_args *a = args;
    (void)scratch;
    for (int64_t image = begin; image < end; image++)
        for (int c = 0; c < a->channels; c++) {
            double sum = 0;
            for (int64_t row = image * a->rows; row < (image + 1) * a->rows; row++) {
                int64_t i = row * a->channels + c;
                double x = rf__get(a->dtype, a->x, i);
                sum += a->z ? x * rf__get(a->dtype, a->z, i) : x;
            }
            float *y = &a->y[image * a->y_stride + c];
            *y = (a->accumulate ? *y : 0.0f) + a->a * (float)sum;
        }
}

void rf__ref_scale_rows(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_rows_args *a = args;
    (void)scratch;
    for (int64_t row = begin; row < end; row++)
        for (int64_t i = row * a->n; i < (row + 1) * a->n; i++) {
            float y = rf__get(a->dtype, a->x, i) * a->s[row];
            rf__put(a->dtype, a->y, i, a->z ? y + rf__get(a->dtype, a->z, i) : y);
        }
}

void rf__ref_dot_rows(const void *args, int64_t begin, int64_t end, void *scratch) {
    const rf_rows_args *a = args;
    (void)scratch;
    for (int64_t row = begin; row < end; row++) {
        double sum = 0;
        for (int64_t i = row * a->n; i < (row + 1) * a->n; i++) {
            double x = rf__get(a->dtype, a->x, i);
            sum += a->z ? x * rf__get(a->dtype, a->z, i) : x;
        }
        a->out[row] = a->a * (float)sum;
    }
}

/* One unit: the whole sum. */
void rf__ref_sum(const void *args, int64_t begin, int64_t end, void *scratch) {
    rf_rows_args one = *(const rf_rows_args *)args;
    one.n *= one.batch;
    if (begin < end) rf__ref_dot_rows(&one, 0, 1, scratch);
}
