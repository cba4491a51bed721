/* eval.h - `strait eval`: one or two sources, the measures asked for, and a report whose numbers carry their protocol.
 *
 *   eval_source, eval_sets, eval_files, eval_model   where rows come from
 *   eval_run      what the measures need -> evidence -> numbers
 *   eval_report   numbers and protocol as JSON and as text
 *   eval_explain  what differs between the protocols of two reports, and whether it matters */
#ifndef RF_CLI_EVAL_H
#define RF_CLI_EVAL_H
#include <stdio.h>

#include "../eval/features.h"
#include "../eval/measure.h"
#include "../eval/perceptual.h"
#include "eval_source.h"

enum { RF_EVAL_MEASURES = 16, RF_EVAL_VALUES = RF_EVAL_MEASURES * RF_MEASURE_VALUES };
enum { RF_EVAL_MADE, RF_EVAL_REFERENCE };

typedef struct rf_eval {
    /* The wish: filled by the command. */
    const rf_measure *measure[RF_EVAL_MEASURES];
    int measures;
    rf_measure_opts opts;
    int64_t wanted[2];      /* rows of each side; 0: all, or 10 000 of what is endless */
    int64_t keep;           /* most rows of a side that are compared with each other */
    int64_t flow_samples;
    rf_eval_source source[2]; /* open; kind NULL: none */
    rf_features *features;  /* NULL: none */
    rf_perceptual *perceptual; /* NULL: none */
    rf_model *model;        /* the flow that is judged, NULL: none. Borrowed */
    rf_dtype dtype;
    rf_pool *pool;          /* borrowed */
    bool statistics;        /* collect the features of the first side even when no measure needs them */
    /* The work. */
    unsigned needs;
    int64_t count[2];
    rf_sample_set set[2];
    rf_kept points[2];
    rf_paired paired;
    float *partners;        /* [RF_EVAL_ROWS, scalars] of side 1 */
    bool walked[2];         /* all rows of the side were read, in order */
    char digest[2][65];     /* of the rows of a side, in order; "": none were read */
    double feature_seconds, seconds;
    int64_t feature_rows;
    /* The outcome. */
    rf_measure_value value[RF_EVAL_VALUES];
    int values;
} rf_eval;

/* Can this be judged? Everything that can be known before the work; sets needs and count. errors: RF_EINVAL for a wrong wish. */
rf_status rf__eval_plan(rf_eval *eval);
rf_status rf__eval_run(rf_eval *eval);
void rf__eval_fini(rf_eval *eval); /* sources and evidence */

/* New reference. */
json_t *rf__eval_json(const rf_eval *eval);
void rf__eval_print(const rf_eval *eval, FILE *stream);
/* mu and sigma of the first side, as pytorch-fid writes them, with the protocol beside. */
rf_status rf__eval_save_statistics(const rf_eval *eval, const char *path);

/* {"differences": [...], "comparable": bool}; new reference. errors: a file without a protocol. */
rf_status rf__eval_explain(const char *a, const char *b, json_t **out);
void rf__eval_explain_print(const json_t *explanation, const char *a, const char *b, FILE *stream);

#endif
