/* measure.c - the table of measures, and the ones that are a few lines of a set's sums. */
#include "measure.h"

#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/table.h"
#include "frechet.h"

extern const rf_measure rf__measure_kid, rf__measure_prdc, rf__measure_energy, rf__measure_sliced, rf__measure_straightness,
    rf__measure_window_straightness, rf__measure_coupling;

void rf__measure_put(rf_measure_values *values, const char *key, const char *inception, double value) {
    if (values->count < RF_MEASURE_VALUES) values->at[values->count++] = (rf_measure_value){key, inception ? inception : key, value};
}

/* ---- Fréchet distance ---- */

static rf_status frechet(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    (void)opts;
    const rf_moments *made = &evidence->made->moments, *reference = &evidence->reference->moments;
    size_t all = (size_t)made->width * (size_t)made->width;
    double *covariance = rf__alloc_array(2 * all, sizeof *covariance), distance = 0;
    if (!covariance) return rf__fail(RF_ENOMEM, "no memory for the Fréchet distance of %d features", made->width);
    rf_status status = rf__moments_covariance(made, covariance);
    if (status == RF_OK) status = rf__moments_covariance(reference, covariance + all);
    if (status == RF_OK) status = rf__frechet(made->mean, covariance, reference->mean, covariance + all, made->width, &distance);
    rf__free(covariance);
    rf__measure_put(values, "frechet_distance", "frechet_inception_distance", distance);
    return status;
}

static const rf_measure measure_frechet = {
    .name = "fd", .alias = "fid", .source = "Heusel et al. 2017, arXiv 1706.08500", .help = "Fréchet distance of Gaussians fitted to the features",
    .keys = "frechet_distance", .needs = RF_NEED_FEATURES, .compute = frechet};

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

static rf_status inception_score(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    (void)opts;
    const rf_sample_set *made = evidence->made;
    double sum = 0, squares = 0, score[RF_SPLITS];
    for (int i = 0; i < RF_SPLITS; i++) {
        if (made->split[i].count == 0)
            return rf__fail(RF_EINVAL, "the score has %d splits, expected at least so many pictures, got %lld", RF_SPLITS, (long long)made->count);
        sum += score[i] = split_score(&made->split[i], made->classes);
    }
    double mean = sum / RF_SPLITS;
    for (int i = 0; i < RF_SPLITS; i++) squares += (score[i] - mean) * (score[i] - mean);
    rf__measure_put(values, "class_score_mean", "inception_score_mean", mean);
    rf__measure_put(values, "class_score_std", "inception_score_std", sqrt(squares / RF_SPLITS));
    return RF_OK;
}

static const rf_measure measure_isc = {
    .name = "isc", .alias = "is", .source = "Salimans et al. 2016, arXiv 1606.03498", .help = "exp of the mean KL divergence of the answers from their mean, 10 splits",
    .keys = "class_score_mean, class_score_std", .needs = RF_NEED_LOGITS, .larger_is_better = true, .compute = inception_score};

/* ---- class accuracy ---- */

static rf_status accuracy(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    (void)opts;
    rf__measure_put(values, "class_accuracy", NULL, (double)evidence->made->right / (double)evidence->made->labelled);
    return RF_OK;
}

static const rf_measure measure_accuracy = {
    .name = "accuracy", .source = "Ravuri & Vinyals 2019, arXiv 1905.10887 (its converse)", .help = "share of pictures that the extractor takes for the class they were asked for",
    .keys = "class_accuracy", .needs = RF_NEED_LOGITS | RF_NEED_LABELS, .larger_is_better = true, .compute = accuracy};

/* ---- pairs of pictures ---- */

static rf_status mse(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    (void)opts;
    rf__measure_put(values, "mse", NULL, evidence->paired->mse / (double)evidence->paired->count);
    return RF_OK;
}

/* Pairs without a difference have an infinite one; they are counted, not averaged. */
static rf_status psnr(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    (void)opts;
    const rf_paired *p = evidence->paired;
    rf__measure_put(values, "psnr", NULL, p->count > p->equal ? p->psnr / (double)(p->count - p->equal) : (double)NAN);
    rf__measure_put(values, "equal_pairs", NULL, (double)p->equal);
    return RF_OK;
}

static rf_status ssim(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    (void)opts;
    const rf_paired *p = evidence->paired;
    if (p->similar < p->count) return rf__fail(RF_EINVAL, "ssim: the pictures are smaller than its window, expected at least 11x11");
    rf__measure_put(values, "ssim", NULL, p->ssim / (double)p->similar);
    return RF_OK;
}

static rf_status lpips(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values) {
    (void)opts;
    rf__measure_put(values, evidence->perceptual, NULL, evidence->paired->perceptual / (double)evidence->paired->perceived);
    return RF_OK;
}

static const rf_measure measure_lpips = {.name = "lpips", .source = "Zhang et al. 2018, arXiv 1801.03924", .help = "learned perceptual distance of pairs",
                                         .keys = "lpips (perceptual_distance when the network is not LPIPS's)", .needs = RF_NEED_PAIRS | RF_NEED_LPIPS, .compute = lpips};
static const rf_measure measure_mse = {.name = "mse", .source = "mean over pairs and pixels, pictures in [-1,1]", .help = "squared difference of pairs",
                                       .keys = "mse", .needs = RF_NEED_PAIRS, .compute = mse};
static const rf_measure measure_psnr = {.name = "psnr", .source = "mean over pairs of 10 log10(range^2 / mse)", .help = "signal to noise of pairs, decibel",
                                        .keys = "psnr, equal_pairs", .needs = RF_NEED_PAIRS, .larger_is_better = true, .compute = psnr};
static const rf_measure measure_ssim = {.name = "ssim", .source = "Wang et al. 2004, IEEE TIP 13(4)", .help = "structural similarity of pairs, window 11x11, sd 1.5",
                                        .keys = "ssim", .needs = RF_NEED_PAIRS, .larger_is_better = true, .compute = ssim};

/* ---- the table ---- */

rf_measure_opts rf__measure_defaults(void) {
    return (rf_measure_opts){.kid_subsets = 100, .kid_subset_size = 1000, .neighbours = 3, .directions = 256, .flow_steps = 64};
}

const rf_measure *const *rf__measures(void) {
    static const rf_measure *const table[] = {&measure_frechet, &rf__measure_kid, &measure_isc, &rf__measure_prdc, &measure_accuracy,
                                              &measure_mse, &measure_psnr, &measure_ssim, &measure_lpips, &rf__measure_sliced, &rf__measure_energy,
                                              &rf__measure_straightness, &rf__measure_window_straightness, &rf__measure_coupling, NULL};
    return table;
}

const rf_measure *rf__measure_find(const char *name) {
    for (const rf_measure *const *m = rf__measures(); *m; m++)
        if ((*m)->alias && strcmp((*m)->alias, name) == 0) return *m;
    RF_TABLE_FIND(rf__measures(), "measure", name);
}

static rf_status check_features(const rf_measure *measure, const rf_evidence *e) {
    if (!(measure->needs & (RF_NEED_FEATURES | RF_NEED_KEPT | RF_NEED_LOGITS | RF_NEED_LABELS))) return RF_OK;
    if (!e->made) return rf__fail(RF_EINVAL, "%s looks at features of pictures, expected an extractor", measure->name);
    bool both = measure->needs & (RF_NEED_FEATURES | RF_NEED_KEPT);
    if (both && !e->reference) return rf__fail(RF_EINVAL, "%s compares two sets, expected a second one", measure->name);
    if (both && e->reference->moments.width != e->made->moments.width)
        return rf__fail(RF_EMISMATCH, "%s: one set has %d features, the other %d: they are of different extractors", measure->name,
                        e->made->moments.width, e->reference->moments.width);
    if ((measure->needs & RF_NEED_KEPT) && (e->made->kept.count < 2 || e->reference->kept.count < 2))
        return rf__fail(RF_EINVAL, "%s needs the pictures of both sets, and one has only its statistics", measure->name);
    if ((measure->needs & RF_NEED_LOGITS) && e->made->classes == 0)
        return rf__fail(RF_EUNSUPPORTED, "%s needs an extractor that answers with classes", measure->name);
    if ((measure->needs & RF_NEED_LABELS) && e->made->labelled == 0)
        return rf__fail(RF_EINVAL, "%s needs pictures whose class is known, and none has one", measure->name);
    return RF_OK;
}

rf_status rf__measure(const rf_measure *measure, const rf_evidence *e, const rf_measure_opts *opts, rf_measure_values *values) {
    values->count = 0;
    RF_TRY(check_features(measure, e));
    if ((measure->needs & RF_NEED_PAIRS) && (!e->paired || e->paired->count < 1))
        return rf__fail(RF_EINVAL, "%s compares pairs of pictures, and there are none", measure->name);
    if ((measure->needs & RF_NEED_LPIPS) && (e->paired->perceived < 1 || !e->perceptual))
        return rf__fail(RF_EINVAL, "%s needs a network of its own, and there is none", measure->name);
    if (measure->needs & RF_NEED_POINTS)
        for (int side = 0; side < 2; side++)
            if (!e->points[side] || e->points[side]->count < 2)
                return rf__fail(RF_EINVAL, "%s compares two clouds, expected at least 2 samples of each", measure->name);
    if ((measure->needs & RF_NEED_FLOW) && (!e->flow || e->flow->samples < 1))
        return rf__fail(RF_EINVAL, "%s judges a velocity field, expected a model of a flow and data", measure->name);
    return measure->compute(e, opts, values);
}
