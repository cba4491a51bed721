/* measure.h - the table of measures: what each needs, and what it is called in reports. Whoever collects the evidence looks at `needs`
 * and nothing else, so a new measure is an entry here. */
#ifndef RF_EVAL_MEASURE_H
#define RF_EVAL_MEASURE_H
#include "../flow/field.h"
#include "../io/fields.h"
#include "paired.h"
#include "sample_set.h"

#define RF_MEASURE_VALUES 8

typedef enum rf_measure_need {
    RF_NEED_FEATURES = 1, /* moments of the features of both sets */
    RF_NEED_KEPT = 2,     /* feature vectors of both sets */
    RF_NEED_LOGITS = 4,   /* answers for the first set */
    RF_NEED_LABELS = 8,   /* wanted classes of the first set */
    RF_NEED_PAIRS = 16,   /* picture k of one set belongs to picture k of the other */
    RF_NEED_POINTS = 32,  /* the samples of both sets themselves */
    RF_NEED_FLOW = 64,    /* a velocity field and the coupling it was learned from */
    RF_NEED_LPIPS = 128,  /* a learned distance of each pair */
} rf_measure_need;

/* What one set has to provide so that two sets can be compared by it. */
enum { RF_NEED_BOTH = RF_NEED_FEATURES | RF_NEED_KEPT | RF_NEED_PAIRS | RF_NEED_POINTS };

typedef struct rf_measure_opts {
    uint64_t seed;           /* of subsets and directions */
    int kid_subsets;         /* 100 */
    int64_t kid_subset_size; /* 1000, at most the vectors kept */
    int neighbours;          /* 3: k of precision and recall; 5 is usual for density and coverage */
    int directions;          /* 256: of the sliced distance */
    int flow_steps;          /* 64: Runge-Kutta steps that stand for the exact solution */
} rf_measure_opts;

/* A flow and samples of the coupling it was learned from. */
typedef struct rf_flow_case {
    const rf_field *field;
    const rf_field *exact; /* the velocity it should have; NULL: not known, its own fine solution is the yardstick */
    const float *x0, *x1;  /* [samples, scalars] */
    const rf_cond *cond;   /* [samples], or NULL: no class */
    int64_t samples;
} rf_flow_case;

/* All there is to judge by. NULL: none. */
typedef struct rf_evidence {
    const rf_sample_set *made, *reference; /* features; made is judged, reference is what it should look like */
    const rf_paired *paired; /* with `perceptual` when a measure needs it */
    const char *perceptual;  /* what that distance may be called: "lpips", or something else when the network is not LPIPS's */
    const rf_kept *points[2];              /* samples made, samples of the reference */
    const rf_flow_case *flow;
} rf_evidence;

typedef struct rf_measure_value {
    const char *key;       /* static */
    const char *inception; /* what the same number is called when the features are Inception's (torch-fidelity's keys); NULL: as key */
    double value;          /* NAN: not defined here */
} rf_measure_value;

typedef struct rf_measure_values {
    int count;
    rf_measure_value at[RF_MEASURE_VALUES];
} rf_measure_values;
void rf__measure_put(rf_measure_values *values, const char *key, const char *inception, double value);

typedef struct rf_measure {
    const char *name, *alias, *source, *help; /* alias: another name that users have in their fingers, or NULL */
    const char *keys;  /* what it reports, for help */
    unsigned needs;    /* rf_measure_need */
    bool larger_is_better;
    rf_status (*compute)(const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values);
} rf_measure;

rf_measure_opts rf__measure_defaults(void);
const rf_measure *const *rf__measures(void);          /* NULL-terminated */
const rf_measure *rf__measure_find(const char *name); /* by name or alias; NULL and a sentence listing the names */
/* compute, after checking that the evidence has what it needs; the sentence says what is missing. */
rf_status rf__measure(const rf_measure *measure, const rf_evidence *evidence, const rf_measure_opts *opts, rf_measure_values *values);

#endif
