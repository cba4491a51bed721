/* measure.h - the table of measures on sets of pictures: what each needs, what it is called in reports. */
#ifndef RF_EVAL_MEASURE_H
#define RF_EVAL_MEASURE_H
#include "sample_set.h"

#define RF_MEASURE_VALUES 4

typedef enum rf_measure_need {
    RF_NEED_REFERENCE = 1, /* a second set */
    RF_NEED_KEPT = 2,      /* feature vectors of both sets, not only their moments */
    RF_NEED_LOGITS = 4,    /* answers for the first set */
    RF_NEED_LABELS = 8,    /* wanted classes of the first set */
} rf_measure_need;

typedef struct rf_measure_opts {
    uint64_t seed;           /* of subsets */
    int kid_subsets;         /* 100 */
    int64_t kid_subset_size; /* 1000, at most the vectors kept */
    int neighbours;          /* 3: k of precision and recall; 5 is usual for density and coverage */
} rf_measure_opts;

typedef struct rf_measure_value {
    const char *key; /* static */
    double value;
} rf_measure_value;

typedef struct rf_measure {
    const char *name, *source, *help;
    const char *keys;  /* what it reports, for help */
    unsigned needs;    /* rf_measure_need */
    bool smaller_is_better;
    /* made: the set that is judged; reference: what it should look like, NULL unless needed. Fills values, at most RF_MEASURE_VALUES. */
    rf_status (*compute)(const rf_sample_set *made, const rf_sample_set *reference, const rf_measure_opts *opts, rf_measure_value *values, int *count);
} rf_measure;

rf_measure_opts rf__measure_defaults(void);
const rf_measure *const *rf__measures(void);          /* NULL-terminated */
const rf_measure *rf__measure_find(const char *name); /* NULL and a sentence listing the names */
/* compute, after checking that the sets have what it needs; the sentence says what is missing. */
rf_status rf__measure(const rf_measure *measure, const rf_sample_set *made, const rf_sample_set *reference, const rf_measure_opts *opts,
                      rf_measure_value *values, int *count);

#endif
