/* prdc.c - improved precision and recall, density and coverage: is a vector inside the balls that reach to the k-th neighbours? */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "linear_algebra.h"
#include "measure.h"

enum { SLAB = 256 /* rows of distances held at a time */ };

static double *squared_norms(const float *x, int64_t n, int width) {
    double *out = rf__alloc_array((size_t)n, sizeof *out);
    for (int64_t i = 0; out && i < n; i++)
        for (int k = 0; k < width; k++) out[i] += (double)x[i * width + k] * (double)x[i * width + k];
    return out;
}

/* One set of vectors: its squared norms, and the squared distance of each vector to its k-th neighbour. */
typedef struct cloud {
    const float *x;
    int64_t count;
    double *norm, *reach;
} cloud;

/* distance [rows, b->count] = |a_i - b_j|^2 for rows `first` .. of a. */
static void distances(const cloud *a, int64_t first, int64_t rows, const cloud *b, int width, float *distance) {
    rf__products(distance, a->x + first * width, rows, b->x, b->count, width);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < b->count; j++) {
            double d = a->norm[first + i] + b->norm[j] - 2 * (double)distance[i * b->count + j];
            distance[i * b->count + j] = d > 0 ? (float)d : 0;
        }
}

/* The k-th smallest, k counted from 0; reorders. Quickselect. */
static float kth(float *values, int64_t n, int64_t k) {
    int64_t low = 0, high = n - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i <= j) {
                float kept = values[i];
                values[i++] = values[j];
                values[j--] = kept;
            }
        }
        if (k <= j) high = j;
        else if (k >= i) low = i;
        else break;
    }
    return values[k];
}

static rf_status prepare(cloud *c, int width, int k, float *distance) {
    c->norm = squared_norms(c->x, c->count, width);
    c->reach = rf__alloc_array((size_t)c->count, sizeof *c->reach);
    if (!c->norm || !c->reach) return rf__fail(RF_ENOMEM, "no memory for the neighbours of %lld pictures", (long long)c->count);
    for (int64_t first = 0; first < c->count; first += SLAB) {
        int64_t rows = c->count - first < SLAB ? c->count - first : SLAB;
        if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
        distances(c, first, rows, c, width, distance);
        for (int64_t i = 0; i < rows; i++) {
            distance[i * c->count + first + i] = 0; /* itself, exactly: it is number 0 */
            c->reach[first + i] = (double)kth(distance + i * c->count, c->count, k);
        }
    }
    return RF_OK;
}

/* inside: share of a's vectors in at least one ball of b. balls: mean number of b's balls around a vector of a, over k.
 * covered: share of b's balls that hold a vector of a. */
static void compare(const cloud *a, const cloud *b, int width, int k, float *distance, uint8_t *hit, double *inside, double *balls, double *covered) {
    int64_t in = 0, sum = 0, held = 0;
    memset(hit, 0, (size_t)b->count);
    for (int64_t first = 0; first < a->count; first += SLAB) {
        int64_t rows = a->count - first < SLAB ? a->count - first : SLAB;
        distances(a, first, rows, b, width, distance);
        for (int64_t i = 0; i < rows; i++) {
            int64_t around = 0;
            for (int64_t j = 0; j < b->count; j++)
                if ((double)distance[i * b->count + j] <= b->reach[j]) around++, hit[j] = 1;
            in += around > 0;
            sum += around;
        }
    }
    for (int64_t j = 0; j < b->count; j++) held += hit[j];
    *inside = (double)in / (double)a->count;
    *balls = (double)sum / ((double)k * (double)a->count);
    *covered = (double)held / (double)b->count;
}

static rf_status compute(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    const rf_sample_set *made = evidence->made, *reference = evidence->reference;
    int width = made->moments.width, k = opts->neighbours;
    cloud fake = {made->kept.rows, made->kept.count, NULL, NULL}, real = {reference->kept.rows, reference->kept.count, NULL, NULL};
    int64_t most = fake.count > real.count ? fake.count : real.count;
    if (k < 1 || k >= fake.count || k >= real.count)
        return rf__fail(RF_EINVAL, "precision and recall with k = %d need more than %d pictures, got %lld and %lld", k, k, (long long)fake.count,
                        (long long)real.count);
    float *distance = rf__alloc_array((size_t)(SLAB * most), sizeof *distance);
    uint8_t *hit = rf__alloc((size_t)most);
    rf_status status = distance && hit ? RF_OK : rf__fail(RF_ENOMEM, "no memory for the distances of %lld pictures", (long long)most);
    if (status == RF_OK) status = prepare(&fake, width, k, distance);
    if (status == RF_OK) status = prepare(&real, width, k, distance);
    if (status == RF_OK) {
        double precision, recall, density, coverage, unused;
        compare(&fake, &real, width, k, distance, hit, &precision, &density, &coverage);
        compare(&real, &fake, width, k, distance, hit, &recall, &unused, &unused);
        rf__measure_put(values, "precision", NULL, precision);
        rf__measure_put(values, "recall", NULL, recall);
        rf__measure_put(values, "density", NULL, density);
        rf__measure_put(values, "coverage", NULL, coverage);
    }
    rf__free(fake.norm), rf__free(fake.reach), rf__free(real.norm), rf__free(real.reach);
    rf__free(distance);
    rf__free(hit);
    return status;
}

const rf_measure rf__measure_prdc = {
    .name = "prc", .source = "Kynkaanniemi et al. 2019, arXiv 1904.06991; Naeem et al. 2020, arXiv 2002.09797",
    .help = "share of pictures inside the reference's neighbourhoods and the other way round", .keys = "precision, recall, density, coverage",
    .needs = RF_NEED_KEPT, .larger_is_better = true, .compute = compute};
