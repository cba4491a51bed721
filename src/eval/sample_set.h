/* sample_set.h - what the judge keeps of a set of pictures: streaming statistics of features and answers, and a bounded number of
 * feature vectors for the measures that are defined on pairs of pictures. Memory does not grow with the number of pictures. */
#ifndef RF_EVAL_SAMPLE_SET_H
#define RF_EVAL_SAMPLE_SET_H
#include "kept.h"
#include "moments.h"

#define RF_SPLITS 10 /* of the Inception-type score, Salimans et al. 2016 */

/* One split of the Inception-type score: exp(mean KL(p(y|x) || p(y))) needs only these sums. */
typedef struct rf_answer_sums {
    int64_t count;
    double *probability; /* [classes] sum of p(y|x) */
    double negentropy;   /* sum of sum_y p log p */
} rf_answer_sums;

typedef struct rf_sample_set {
    int64_t expected, count;  /* pictures announced, pictures seen */
    rf_moments moments;
    rf_kept kept;             /* features of some of them */
    int classes;
    rf_answer_sums split[RF_SPLITS];
    int64_t labelled, right;  /* pictures whose wanted class is known, and how many the extractor agrees with */
} rf_sample_set;

/* expected: how many pictures will come (splits and spacing follow from it); keep: most feature vectors held, 0: none. */
rf_status rf__sample_set_init(rf_sample_set *set, int64_t expected, int width, int classes, int64_t keep);
void rf__sample_set_fini(rf_sample_set *set);
/* The class that answers [classes] name: the largest, the first of equal ones. */
int rf__class_named(const float *logits, int classes);
/* features [n, width], logits [n, classes], labels [n] wanted classes, -1 or NULL: not known. More than `expected` is an error. */
rf_status rf__sample_set_add(rf_sample_set *set, int64_t n, const float *features, const float *logits, const int32_t *labels);

#endif
