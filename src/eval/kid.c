/* kid.c - kernel distance: unbiased squared MMD with the cubic kernel (x.y / d + 1)^3, mean over random subsets. */
#include <math.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/rng.h"
#include "linear_algebra.h"
#include "measure.h"
#include "streams.h"

/* Sum of the kernel over all pairs, without the diagonal when `same`. products: [n, n] scratch. */
static double kernel_sum(const float *a, const float *b, int64_t n, int width, bool same, float *products) {
    rf__products(products, a, n, b, n, width);
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double k = (double)products[i * n + j] / (double)width + 1;
            if (!same || i != j) sum += k * k * k;
        }
    return sum;
}

static double mmd2(const float *x, const float *y, int64_t n, int width, float *products) {
    double pairs = (double)n * (double)(n - 1), all = (double)n * (double)n;
    return kernel_sum(x, x, n, width, true, products) / pairs + kernel_sum(y, y, n, width, true, products) / pairs -
           2 * kernel_sum(x, y, n, width, false, products) / all;
}

/* `size` different rows of the kept ones: a partial Fisher-Yates shuffle of `order`, which stays a permutation. */
static void pick(const rf_sample_set *set, uint64_t seed, uint64_t first, int64_t size, int32_t *order, float *out) {
    size_t width = (size_t)set->moments.width;
    for (int64_t i = 0; i < size; i++) {
        int64_t j = i + (int64_t)rf__rng_below(seed, RF_STREAM_SUBSET, first + (uint64_t)i, (uint64_t)(set->kept.count - i));
        int32_t row = order[j];
        order[j] = order[i];
        order[i] = row;
        memcpy(out + (size_t)i * width, set->kept.rows + (size_t)row * width, width * sizeof(float));
    }
}

static rf_status run(const rf_sample_set *made, const rf_sample_set *reference, const rf_measure_opts *opts, int64_t size, float *scratch,
                     int32_t *order, double *mean, double *deviation) {
    int width = made->moments.width;
    int32_t *other = order + made->kept.count;
    float *x = scratch, *y = x + size * width, *products = y + size * width;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < made->kept.count; i++) order[i] = (int32_t)i;
    for (int64_t i = 0; i < reference->kept.count; i++) other[i] = (int32_t)i;
    for (int s = 0; s < opts->kid_subsets; s++) {
        if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
        uint64_t first = (uint64_t)s * 2 * (uint64_t)size;
        pick(made, opts->seed, first, size, order, x);
        pick(reference, opts->seed, first + (uint64_t)size, size, other, y);
        double value = mmd2(x, y, size, width, products);
        sum += value;
        squares += value * value;
    }
    *mean = sum / opts->kid_subsets;
    *deviation = sqrt(fmax(0, squares / opts->kid_subsets - *mean * *mean));
    return RF_OK;
}

static rf_status compute(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    const rf_sample_set *made = evidence->made, *reference = evidence->reference;
    int64_t size = opts->kid_subset_size, width = made->moments.width;
    if (made->kept.count < size) size = made->kept.count;
    if (reference->kept.count < size) size = reference->kept.count;
    float *scratch = rf__alloc_array((size_t)(2 * size * width + size * size), sizeof *scratch);
    int32_t *order = rf__alloc_array((size_t)(made->kept.count + reference->kept.count), sizeof *order);
    double mean = 0, deviation = 0;
    rf_status status = scratch && order ? run(made, reference, opts, size, scratch, order, &mean, &deviation)
                                        : rf__fail(RF_ENOMEM, "no memory for subsets of %lld pictures", (long long)size);
    rf__free(scratch);
    rf__free(order);
    rf__measure_put(values, "kernel_distance_mean", "kernel_inception_distance_mean", mean);
    /* Subsets that are all of both sets are the same every time: that they do not differ says nothing. */
    bool whole = size == made->kept.count && size == reference->kept.count;
    rf__measure_put(values, "kernel_distance_std", "kernel_inception_distance_std", whole ? (double)NAN : deviation);
    return status;
}

const rf_measure rf__measure_kid = {
    .name = "kid", .source = "Binkowski et al. 2018, arXiv 1801.01401", .help = "kernel distance of random subsets, unbiased",
    .keys = "kernel_distance_mean, kernel_distance_std", .needs = RF_NEED_KEPT, .compute = compute};
