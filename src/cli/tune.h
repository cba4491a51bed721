/* tune.h - `strait tune`: what skipping costs and spoils on one model.
 *
 *   cmd_tune     flags, and the order of things
 *   tune_mix     network, refiner or line at each point, found by trying
 *   tune_run     full walks -> profile; settings tried on other images; the same on held-out ones; learning request by request
 *   tune_report  table, JSON, pictures */
#ifndef RF_CLI_TUNE_H
#define RF_CLI_TUNE_H
#include "../eval/perceptual.h"
#include "shoot.h"

enum { RF_TUNE_RUNGS = RF_PROFILE_RUNGS, RF_TUNE_POLICIES = 8, RF_TUNE_CURVES = 4, RF_TUNE_REQUESTS = 100000 };

/* One setting on the held-out images. */
typedef struct rf_tune_held {
    double calls, mean[RF_BUDGETS];
    double broke[RF_BUDGETS]; /* share of images beyond the bound that the tried images gave; NAN: no bound */
} rf_tune_held;

/* Cumulative regret of a bandit that learns request by request. */
typedef struct rf_tune_curve {
    const char *policy, *start;
    int64_t requests;
    double *regret; /* [requests] sum so far of (best arm in hindsight, by the jumps of both starts - reward); owned */
    double *calls;  /* [requests] network answers of each; owned */
} rf_tune_curve;

typedef struct rf_tune {
    const rf_sampling_flags *sampling;
    rf_model *model, *refiner; /* refiner NULL: none; both closed after the sampler */
    double share;              /* cost of a refiner's answer in network calls; 0: by arithmetic */
    rf_sampler *sampler;
    rf_perceptual *perceptual; /* NULL: no LPIPS */
    int64_t walks, images, held_images, reference_steps, requests;
    double tolerance; /* e_tol of the learning curves */
    const rf_policy *policy[RF_TUNE_POLICIES];
    int policies;
    rf_order order; /* settings of all walks; no policy */
    rf_profile *profile;
    rf_tune_held held[RF_TUNE_RUNGS];
    rf_tune_curve curve[RF_TUNE_CURVES];
    int curves;
} rf_tune;

/* The images of one set of walks, and what they cost. */
typedef struct rf_tune_kept {
    float *images; /* [count, scalars]; NULL: nobody wants them */
    int64_t scalars;
    int64_t full, refine; /* answers */
    double *calls;        /* [count]; NULL: nobody wants them */
    char *asked;          /* [count, steps + 1] who answers, for policy `recorded`; NULL for the others */
} rf_tune_kept;

/* `set` picks the seeds; slots 1: one request after the other. */
rf_status rf__tune_walk(rf_tune *tune, const rf_policy *policy, const rf_options *options, rf_profile *profile, int set, int64_t count, int slots, rf_tune_kept *out);

/* The fine solve that distances are counted from: [count, scalars], rf__free'd by the caller whatever the status. */
rf_status rf__tune_reference(rf_tune *tune, int set, int64_t count, float **out);

rf_status rf__tune_run(rf_tune *tune);
rf_status rf__tune_mix(rf_tune *tune); /* the profile's mixed walks */
rf_status rf__tune_learn(rf_tune *tune); /* the learning curves; the profile is left as it was */
void rf__tune_print(const rf_tune *tune, FILE *stream);
json_t *rf__tune_json(const rf_tune *tune); /* new reference */
bool rf__tune_draw(const rf_tune *tune, const char *folder);
void rf__tune_fini(rf_tune *tune);

#endif
