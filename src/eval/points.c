/* points.c - see points.h. */
#include "points.h"

#include <math.h>
#include <stdlib.h>

#include "../base/memory.h"
#include "../base/rng.h"
#include "measure.h"
#include "streams.h"

static double distance(const float *a, const float *b, int64_t d) {
    double sum = 0;
    for (int64_t k = 0; k < d; k++) sum += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
    return sqrt(sum);
}

/* Mean distance of different points of one cloud. */
static double within(const float *a, int64_t n, int64_t d) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) sum += distance(a + i * d, a + j * d, d);
    return n > 1 ? sum / ((double)n * (double)(n - 1) / 2) : 0;
}

double rf__energy_distance(const float *a, int64_t n, const float *b, int64_t m, int64_t d) {
    double between = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) between += distance(a + i * d, b + j * d, d);
    return 2 * between / ((double)n * (double)m) - within(a, n, d) - within(b, m, d);
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
    rf__measure_put(values, "energy_distance", NULL, rf__energy_distance(a->rows, a->count, b->rows, b->count, a->width));
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
