/* points.c - see points.h. */
#include "points.h"

#include <math.h>
#include <stdlib.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/rng.h"
#include "linear_algebra.h"
#include "measure.h"
#include "streams.h"

enum { SLAB = 128 /* rows of one product */ };

/* Sum of |a_i - b_j| over rows first .. first + rows - 1 of a and all of b; |a|^2 + |b|^2 - 2 a.b in double, so that many dimensions cost
 * a matrix product. other: leave out i = j. */
static double slab_sum(const double *a, int64_t first, int64_t rows, const double *b, int64_t m, int64_t d, const double *square_a,
                       const double *square_b, bool other, double *products) {
    double sum = 0;
    rf__products_double(products, a + first * d, rows, b, m, (int)d);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < m; j++) {
            double square = square_a[first + i] + square_b[j] - 2 * products[i * m + j];
            if (square > 0 && !(other && first + i == j)) sum += sqrt(square);
        }
    return sum;
}

/* x in double around `centre`, with the squared lengths: a common offset would cost digits. */
static double *widen(const float *x, int64_t n, int64_t d, const double *centre, double *squares) {
    double *out = rf__alloc_array((size_t)n, (size_t)d * sizeof *out);
    for (int64_t i = 0; out && i < n; i++) {
        squares[i] = 0;
        for (int64_t k = 0; k < d; k++) {
            double value = out[i * d + k] = (double)x[i * d + k] - centre[k];
            squares[i] += value * value;
        }
    }
    return out;
}

static rf_status mean_distance(const double *a, int64_t n, const double *b, int64_t m, int64_t d, const double *square_a, const double *square_b,
                               double *products, double *out) {
    bool same = a == b;
    double sum = 0;
    for (int64_t first = 0; first < n; first += SLAB) {
        if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
        sum += slab_sum(a, first, n - first < SLAB ? n - first : SLAB, b, m, d, square_a, square_b, same, products);
    }
    *out = n > 1 || !same ? sum / ((double)n * (double)(same ? m - 1 : m)) : 0;
    return RF_OK;
}

rf_status rf__energy_distance(const float *a, int64_t n, const float *b, int64_t m, int64_t d, double *out) {
    double *centre = rf__alloc_array((size_t)d, sizeof *centre), *squares = rf__alloc_array((size_t)(n + m), sizeof *squares);
    double *products = rf__alloc_array(SLAB, (size_t)(n > m ? n : m) * sizeof *products), *x = NULL, *y = NULL, between = 0, in_a = 0, in_b = 0;
    rf_status status = rf__fail(RF_ENOMEM, "no memory for distances of %lld points", (long long)(n + m));
    if (centre && squares && products) {
        for (int64_t i = 0; i < n * d; i++) centre[i % d] += (double)a[i] / (double)n;
        x = widen(a, n, d, centre, squares);
        y = widen(b, m, d, centre, squares + n);
    }
    if (x && y) status = mean_distance(x, n, y, m, d, squares, squares + n, products, &between);
    if (status == RF_OK) status = mean_distance(x, n, x, n, d, squares, squares, products, &in_a);
    if (status == RF_OK) status = mean_distance(y, m, y, m, d, squares + n, squares + n, products, &in_b);
    *out = 2 * between - in_a - in_b;
    rf__free(centre);
    rf__free(squares);
    rf__free(products);
    rf__free(x);
    rf__free(y);
    return status;
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void project(const float *points, int64_t n, int64_t d, const float *direction, double length, double *out) {
    for (int64_t i = 0; i < n; i++) {
        out[i] = 0;
        for (int64_t k = 0; k < d; k++) out[i] += (double)points[i * d + k] * (double)direction[k] / length;
    }
    qsort(out, (size_t)n, sizeof *out, rising);
}

rf_status rf__sliced_wasserstein(const float *a, const float *b, int64_t n, int64_t d, int directions, uint64_t seed, double *out) {
    double *x = rf__alloc_array(2 * (size_t)n, sizeof *x), *y = x + n, sum = 0;
    float *direction = rf__alloc_array((size_t)d, sizeof *direction);
    rf_status status = x && direction ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the projections of %lld points", (long long)n);
    for (int k = 0; k < directions && status == RF_OK; k++) {
        if (rf__interrupted) status = rf__fail(RF_EINTERRUPTED, "interrupted");
        rf__rng_normal_sample(seed, RF_STREAM_DIRECTION, (uint64_t)k, d, direction);
        double length = 0;
        for (int64_t i = 0; i < d; i++) length += (double)direction[i] * (double)direction[i];
        project(a, n, d, direction, sqrt(length), x);
        project(b, n, d, direction, sqrt(length), y);
        for (int64_t i = 0; i < n; i++) sum += (x[i] - y[i]) * (x[i] - y[i]) / (double)n;
    }
    rf__free(x);
    rf__free(direction);
    if (status == RF_OK) *out = sqrt(sum / directions);
    return status;
}

/* ---- as measures ---- */

static rf_status measure_energy(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    (void)opts;
    const rf_kept *a = evidence->points[0], *b = evidence->points[1];
    double distance;
    RF_TRY(rf__energy_distance(a->rows, a->count, b->rows, b->count, a->width, &distance));
    rf__measure_put(values, "energy_distance", NULL, distance);
    return RF_OK;
}

static rf_status measure_sliced(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    const rf_kept *a = evidence->points[0], *b = evidence->points[1];
    double distance;
    if (a->count != b->count)
        return rf__fail(RF_EINVAL, "swd compares as many samples of each side, got %lld and %lld", (long long)a->count, (long long)b->count);
    RF_TRY(rf__sliced_wasserstein(a->rows, b->rows, a->count, a->width, opts->directions, opts->seed, &distance));
    rf__measure_put(values, "sliced_wasserstein", NULL, distance);
    return RF_OK;
}

const rf_measure rf__measure_energy = {.name = "energy", .source = "Szekely & Rizzo 2013, JSPI 143(8)", .help = "energy distance of the samples, unbiased",
                                       .keys = "energy_distance", .needs = RF_NEED_POINTS, .compute = measure_energy};
const rf_measure rf__measure_sliced = {.name = "swd", .source = "Rabin et al. 2011; Bonneel et al. 2015",
                                       .help = "Wasserstein-2 distance of the samples along random directions", .keys = "sliced_wasserstein",
                                       .needs = RF_NEED_POINTS, .compute = measure_sliced};
