/* run.h - a run from recipe to model.safetensors, in a run folder:
 *   recipe.json  checkpoint_*.safetensors  log.jsonl  loss.png  loss_by_time.png  samples_*.png  model.safetensors */
#ifndef RF_TRAIN_RUN_H
#define RF_TRAIN_RUN_H
#include "../eval/straightness.h"
#include "recipe.h"

typedef struct rf_run_opts {
    const char *folder;
    int threads;        /* <= 0: all */
    bool resume;
} rf_run_opts;

typedef struct rf_run_report {
    int64_t steps, images, skipped;
    double seconds, images_per_second, loss; /* of this process; loss: mean of the newest log interval */
    double accuracy;                         /* of a classifier, evaluate.accuracy; 0: not asked for */
    double adversary_loss, adversary_pull;   /* of the newest step; pull 0: there is none */
    rf_straightness straightness;            /* over the pairs it learned from, evaluate.crossing; energy_coupling 0: not asked for */
    int couplings;                           /* evaluate.coupling_steps */
    double coupling[RF_FIELD_LIST_MAX];      /* squared error per sample against the exact flow */
} rf_run_report;

/* errors: RF_EINTERRUPTED after rf__interrupted, with a checkpoint written; RF_ENUMERIC when too many steps in a row had no finite gradient;
 * RF_EINVAL when the folder holds another run and resume is off. */
rf_status rf__train_run(rf_recipe *recipe, const rf_run_opts *opts, rf_run_report *report);
/* The EMA of the newest checkpoint in opts->folder as a model at `path`, while the run may go on; *step: of that checkpoint. The folder is only
 * read. errors: RF_ENOTFOUND without a checkpoint, RF_EMISMATCH when it is of another recipe. */
rf_status rf__train_export(rf_recipe *recipe, const rf_run_opts *opts, const char *path, int64_t *step);

/* What the program prints as a report (new reference), or NULL when out of memory. */
json_t *rf__run_report_json(const rf_recipe *recipe, const rf_run_report *report, const char *folder);

#endif
