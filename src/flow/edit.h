/* edit.h - changing a real picture: jobs that belong together. Inversion walks from the picture to its noise under the source's class; the
 * second pass walks back under the target's. They are plain jobs of a batcher and share its calls with whatever else runs there
 * (methods: fireflow.md section 5). How they are set up is a table of strategies. */
#ifndef RF_FLOW_EDIT_H
#define RF_FLOW_EDIT_H
#include "trajectory.h"

typedef struct rf_edit rf_edit;

typedef enum rf_edit_pass {
    RF_EDIT_INVERT,      /* picture to noise */
    RF_EDIT_RECONSTRUCT, /* back under the source's class: what inversion alone costs */
    RF_EDIT_SAMPLE,      /* back under the target's class */
    RF_EDIT_PASSES
} rf_edit_pass;

typedef struct rf_edit_strategy {
    const char *name, *source, *help;
    const char *solver; /* when none is given */
    bool inverts;       /* has all three passes; false: only RF_EDIT_SAMPLE */
    double strength;    /* when none is given */
    /* What a pass changes of its job, which has a start and classifier-free guidance by the label already. NULL: nothing. */
    void (*invert)(rf_edit *edit, rf_job_spec *spec);
    void (*sample)(rf_edit *edit, rf_job_spec *spec);
    /* State of the source at row `row` of the grid when there is no inversion to take it from, [scalars]. NULL with inversion. */
    void (*state)(const rf_edit *edit, int row, float *out);
} rf_edit_strategy;

typedef struct rf_edit_opts {
    const rf_edit_strategy *strategy;
    const rf_solver *solver;            /* NULL: the strategy's */
    const double *times;                /* [steps + 1] from 0 to 1; copied */
    int steps;
    int32_t source_label, target_label; /* the field's null class: none */
    double source_scale, target_scale;  /* of classifier-free guidance, of inversion and of the second pass */
    double strength;                    /* in (0, 1]: how far towards noise, the grid is laid over that part. 0: the strategy's */
    double gamma, eta, stop;            /* of rf_inversion: pull to the noise, pull to the source, and for which part of the steps */
    const float *mask;                  /* [scalars] in [0,1], 0: stays as it is; borrowed. NULL: everything may change */
    uint64_t seed;                      /* of the noise of strategies that draw some */
    /* Feature hand-over (replay.h), of strategies that invert: */
    int inject;                         /* intervals nearest the noise; 0: none */
    rf_replay_rule rule;
    int first_block, last_block;        /* last_block < 0: to the end */
    size_t memory, disk;                /* of one picture's features, bytes */
} rf_edit_opts;

/* The whole edit of one picture; private to edit.c and the strategies. */
struct rf_edit {
    rf_edit_opts opts;
    const rf_field *field;
    double *times, *back; /* [steps + 1] noise end to data, and the same numbers reversed */
    float *source, *latent, *carry, *noise, *track, *made[RF_EDIT_PASSES]; /* [scalars] each; track [steps + 1, scalars] or NULL */
    bool inverted, carried;
    rf_counters counters[RF_EDIT_PASSES];
    rf_feature_store *store; /* from the first pass to the end of the last; NULL: nothing is handed over */
    rf_replay replay[RF_EDIT_PASSES];
    rf_feature_stats features;
};

rf_edit_opts rf__edit_defaults(void);
const rf_edit_strategy *const *rf__edit_strategies(void);          /* NULL-terminated */
const rf_edit_strategy *rf__edit_strategy_find(const char *name);  /* NULL and a sentence listing the names */

/* source [scalars]: copied. field: borrowed. errors: options that do not make sense; the sentence names the option and its value. */
rf_status rf__edit_create(rf_edit **out, const rf_edit_opts *opts, const rf_field *field, const float *source);
void rf__edit_free(rf_edit **edit);
bool rf__edit_has(const rf_edit *edit, rf_edit_pass pass);
/* Whether the pass may begin: nothing it needs is missing. */
bool rf__edit_ready(const rf_edit *edit, rf_edit_pass pass);
/* Fill the job of a pass; it borrows from the edit until it is over. */
void rf__edit_describe(rf_edit *edit, rf_edit_pass pass, rf_job_spec *spec);
/* Take what a pass came to. errors: those of a job that failed. */
rf_status rf__edit_take(rf_edit *edit, rf_edit_pass pass, const rf_trajectory *trajectory);
/* [scalars] the latent, the reconstruction, the edited picture; valid after `take`. */
const float *rf__edit_result(const rf_edit *edit, rf_edit_pass pass);
/* Of the store when the edit was over. */
rf_feature_stats rf__edit_features(const rf_edit *edit);
/* Network rows of inversion and second pass together: the price of the edit. */
int64_t rf__edit_rows(const rf_edit *edit);

#endif
