/* prepare.h - rf_sample_opts made ready: plug-ins found, options read, grid built, profile opened. What all images of one request share. */
#ifndef RF_API_PREPARE_H
#define RF_API_PREPARE_H
#include "../flow/policies/profile.h"
#include "../flow/schedule.h"
#include "sampler.h"

typedef struct rf_prepared {
    rf_job_spec spec;    /* everything but seed, class, start and user; points into this struct, which therefore must not move */
    rf_options solver_options, policy_options;
    rf_blocks blocks;
    rf_grid grid;
    rf_profile *profile; /* NULL: the policy needs none */
    char *profile_path;  /* where it is written back; NULL: nothing was learned */
    int64_t answers;     /* of one image when all come from the network */
} rf_prepared;

/* backward: the walk goes from pictures to noise. *out: rf__prepared_fini when the last job is over; empty after an error.
 * errors: a sentence that names the option, what it had and what was expected. */
rf_status rf__prepared_init(rf_prepared *out, const rf_sample_opts *opts, const rf_sampler *sampler, bool backward);
/* Fill the job of image k: seed opts->seed + k, its part of init and carry. */
void rf__prepared_describe(const rf_prepared *prepared, const rf_sample_opts *opts, int64_t k, rf_job_spec *spec);
/* Write what a policy has learned back. errors: the file. */
rf_status rf__prepared_save(const rf_prepared *prepared);
void rf__prepared_fini(rf_prepared *prepared);

#endif
