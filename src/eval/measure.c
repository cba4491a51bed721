/* measure.c - the table of measures, and the ones that are a few lines of a set's sums. */
#include "measure.h"

#include <math.h>

#include "../base/memory.h"
#include "../base/table.h"
#include "frechet.h"

extern const rf_measure rf__measure_kid, rf__measure_prdc;

/* ---- Fréchet distance ---- */

static rf_status frechet(const rf_sample_set *made, const rf_sample_set *reference, const rf_measure_opts *opts, rf_measure_value *values, int *count) {
    (void)opts;
    int width = made->moments.width;
    size_t all = (size_t)width * (size_t)width;
    double *covariance = rf__alloc_array(2 * all, sizeof *covariance), distance = 0;
    if (!covariance) return rf__fail(RF_ENOMEM, "no memory for the Fréchet distance of %d features", width);
    rf_status status = rf__moments_covariance(&made->moments, covariance);
    if (status == RF_OK) status = rf__moments_covariance(&reference->moments, covariance + all);
    if (status == RF_OK) status = rf__frechet(made->moments.mean, covariance, reference->moments.mean, covariance + all, width, &distance);
    rf__free(covariance);
    values[(*count)++] = (rf_measure_value){"frechet_distance", distance};
    return status;
}

static const rf_measure measure_frechet = {
    .name = "fd", .source = "Heusel et al. 2017, arXiv 1706.08500", .help = "Fréchet distance of Gaussians fitted to the features",
    .keys = "frechet_distance", .needs = RF_NEED_REFERENCE, .smaller_is_better = true, .compute = frechet};

/* ---- Inception-type score ---- */

/* exp of the mean KL(p(y|x) || p(y)) of one split. */
static double split_score(const rf_answer_sums *sums, int classes) {
    double marginal = 0, n = (double)sums->count;
    for (int k = 0; k < classes; k++) {
        double p = sums->probability[k] / n;
        if (p > 0) marginal += p * log(p);
    }
    return exp(sums->negentropy / n - marginal);
}

static rf_status inception_score(const rf_sample_set *made, const rf_sample_set *reference, const rf_measure_opts *opts, rf_measure_value *values,
                                 int *count) {
    (void)reference, (void)opts;
    double sum = 0, squares = 0, score[RF_SPLITS];
    for (int i = 0; i < RF_SPLITS; i++) {
        if (made->split[i].count == 0)
            return rf__fail(RF_EINVAL, "the score has %d splits, expected at least so many pictures, got %lld", RF_SPLITS, (long long)made->count);
        sum += score[i] = split_score(&made->split[i], made->classes);
    }
    double mean = sum / RF_SPLITS;
    for (int i = 0; i < RF_SPLITS; i++) squares += (score[i] - mean) * (score[i] - mean);
    values[(*count)++] = (rf_measure_value){"inception_score_mean", mean};
    values[(*count)++] = (rf_measure_value){"inception_score_std", sqrt(squares / RF_SPLITS)};
    return RF_OK;
}

static const rf_measure measure_isc = {
    .name = "isc", .source = "Salimans et al. 2016, arXiv 1606.03498", .help = "exp of the mean KL divergence of the answers from their mean, 10 splits",
    .keys = "inception_score_mean, inception_score_std", .needs = RF_NEED_LOGITS, .compute = inception_score};

/* ---- class accuracy ---- */

static rf_status accuracy(const rf_sample_set *made, const rf_sample_set *reference, const rf_measure_opts *opts, rf_measure_value *values, int *count) {
    (void)reference, (void)opts;
    values[(*count)++] = (rf_measure_value){"class_accuracy", (double)made->right / (double)made->labelled};
    return RF_OK;
}

static const rf_measure measure_accuracy = {
    .name = "accuracy", .source = "Ravuri & Vinyals 2019, arXiv 1905.10887 (its converse)", .help = "share of pictures that the extractor takes for the class they were asked for",
    .keys = "class_accuracy", .needs = RF_NEED_LOGITS | RF_NEED_LABELS, .compute = accuracy};

/* ---- the table ---- */

rf_measure_opts rf__measure_defaults(void) {
    return (rf_measure_opts){.kid_subsets = 100, .kid_subset_size = 1000, .neighbours = 3};
}

const rf_measure *const *rf__measures(void) {
    static const rf_measure *const table[] = {&measure_frechet, &rf__measure_kid, &measure_isc, &rf__measure_prdc, &measure_accuracy, NULL};
    return table;
}

const rf_measure *rf__measure_find(const char *name) { RF_TABLE_FIND(rf__measures(), "measure", name); }

rf_status rf__measure(const rf_measure *measure, const rf_sample_set *made, const rf_sample_set *reference, const rf_measure_opts *opts,
                      rf_measure_value *values, int *count) {
    *count = 0;
    if ((measure->needs & RF_NEED_REFERENCE) && !reference)
        return rf__fail(RF_EINVAL, "%s compares two sets, expected a second one", measure->name);
    if ((measure->needs & RF_NEED_REFERENCE) && reference->moments.width != made->moments.width)
        return rf__fail(RF_EMISMATCH, "%s: one set has %d features, the other %d: they are of different extractors", measure->name,
                        made->moments.width, reference->moments.width);
    if ((measure->needs & RF_NEED_KEPT) && (made->kept_count < 2 || reference->kept_count < 2))
        return rf__fail(RF_EINVAL, "%s needs the pictures of both sets, and one has only its statistics", measure->name);
    if ((measure->needs & RF_NEED_LOGITS) && made->classes == 0)
        return rf__fail(RF_EUNSUPPORTED, "%s needs an extractor that answers with classes", measure->name);
    if ((measure->needs & RF_NEED_LABELS) && made->labelled == 0)
        return rf__fail(RF_EINVAL, "%s needs pictures whose class is known, and none has one", measure->name);
    return measure->compute(made, reference, opts, values, count);
}
