/* sample_set.c - see sample_set.h. */
#include "sample_set.h"

#include <math.h>

#include "../base/memory.h"

rf_status rf__sample_set_init(rf_sample_set *set, int64_t expected, int width, int classes, int64_t keep) {
    *set = (rf_sample_set){.expected = expected, .classes = classes};
    rf_status status = rf__moments_init(&set->moments, width);
    if (status == RF_OK) status = rf__kept_init(&set->kept, expected, width, keep);
    for (int i = 0; i < RF_SPLITS && classes > 0 && status == RF_OK; i++) {
        set->split[i].probability = rf__alloc_array((size_t)classes, sizeof(double));
        if (!set->split[i].probability) status = rf__fail(RF_ENOMEM, "no memory for the answers of %d classes", classes);
    }
    if (status != RF_OK) rf__sample_set_fini(set);
    return status;
}

void rf__sample_set_fini(rf_sample_set *set) {
    rf__moments_fini(&set->moments);
    rf__kept_fini(&set->kept);
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

int rf__class_named(const float *logits, int classes) {
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (logits[k] > logits[best]) best = k;
    return best;
}

rf_status rf__sample_set_add(rf_sample_set *set, int64_t n, const float *features, const float *logits, const int32_t *labels) {
    RF_TRY(rf__kept_add(&set->kept, n, features));
    RF_TRY(rf__moments_add(&set->moments, features, n));
    for (int64_t r = 0; r < n; r++) {
        int64_t i = set->count + r;
        if (!logits || !set->classes) continue;
        const float *row = logits + r * set->classes;
        add_answer(&set->split[i * RF_SPLITS / set->expected], row, set->classes);
        if (!labels || labels[r] < 0) continue;
        set->labelled++;
        set->right += rf__class_named(row, set->classes) == labels[r];
    }
    set->count += n;
    return RF_OK;
}
