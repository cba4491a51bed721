/* sample_set.c - see sample_set.h. */
#include "sample_set.h"

#include <math.h>
#include <string.h>

#include "../base/memory.h"

rf_status rf__sample_set_init(rf_sample_set *set, int64_t expected, int width, int classes, int64_t keep) {
    *set = (rf_sample_set){.expected = expected, .classes = classes, .kept_room = keep < expected ? keep : expected};
    RF_TRY(rf__moments_init(&set->moments, width));
    bool complete = true;
    if (set->kept_room > 0) complete = (set->kept = rf__alloc_array((size_t)(set->kept_room * width), sizeof(float))) != NULL;
    for (int i = 0; i < RF_SPLITS && classes > 0 && complete; i++)
        complete = (set->split[i].probability = rf__alloc_array((size_t)classes, sizeof(double))) != NULL;
    if (complete) return RF_OK;
    rf__sample_set_fini(set);
    return rf__fail(RF_ENOMEM, "no memory for the features of %lld pictures", (long long)keep);
}

void rf__sample_set_fini(rf_sample_set *set) {
    rf__moments_fini(&set->moments);
    rf__free(set->kept);
    for (int i = 0; i < RF_SPLITS; i++) rf__free(set->split[i].probability);
    *set = (rf_sample_set){0};
}

/* Softmax of one row in double, into the sums of its split. */
static void add_answer(rf_answer_sums *sums, const float *logits, int classes) {
    double top = (double)logits[0], total = 0, mean = 0;
    for (int k = 1; k < classes; k++) top = fmax(top, (double)logits[k]);
    for (int k = 0; k < classes; k++) total += exp((double)logits[k] - top);
    for (int k = 0; k < classes; k++) {
        double log_p = (double)logits[k] - top - log(total), p = exp(log_p);
        sums->probability[k] += p;
        mean += p * log_p;
    }
    sums->negentropy += mean;
    sums->count++;
}

static int best_of(const float *logits, int classes) {
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (logits[k] > logits[best]) best = k;
    return best;
}

/* Picture i is kept when the count i * room / expected rises with it. */
static bool is_kept(const rf_sample_set *set, int64_t i) {
    return set->kept && (i + 1) * set->kept_room / set->expected > i * set->kept_room / set->expected;
}

rf_status rf__sample_set_add(rf_sample_set *set, int64_t n, const float *features, const float *logits, const int32_t *labels) {
    int width = set->moments.width;
    if (set->count + n > set->expected)
        return rf__fail(RF_EINVAL, "a set of %lld pictures was given %lld", (long long)set->expected, (long long)(set->count + n));
    RF_TRY(rf__moments_add(&set->moments, features, n));
    for (int64_t r = 0; r < n; r++) {
        int64_t i = set->count + r;
        if (is_kept(set, i)) memcpy(set->kept + set->kept_count++ * width, features + r * width, (size_t)width * sizeof(float));
        if (!logits || !set->classes) continue;
        const float *row = logits + r * set->classes;
        add_answer(&set->split[i * RF_SPLITS / set->expected], row, set->classes);
        if (!labels || labels[r] < 0) continue;
        set->labelled++;
        set->right += best_of(row, set->classes) == labels[r];
    }
    set->count += n;
    return RF_OK;
}
