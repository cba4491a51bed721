/* profile.h - what was learned about skipping on one model, grid, solver and guidance, shared by all walks of that kind
 * (fastflow.md section 5): errors of extrapolation measured on full walks, the tables of the bandits, and what the settings of each
 * policy were seen to cost and to spoil. All sums are whole numbers, so that they do not depend on the order of the walks. */
#ifndef RF_FLOW_PROFILE_H
#define RF_FLOW_PROFILE_H
#include <jansson.h>

#include "../guidance.h"
#include "../policy.h"

enum {
    RF_PROFILE_MOST = 6,       /* most points passed in one go */
    RF_PROFILE_ARMS = 4,       /* of a bandit: 0, 2, 4, 6 points, as published */
    RF_PROFILE_GAPS = RF_PROFILE_MOST + 2, /* grid steps between the two velocities a line goes through; 0: only one is known */
    RF_PROFILE_STEPS = 256,    /* most steps of a grid */
    RF_PROFILE_AGES = 8,       /* parts of the grid and */
    RF_PROFILE_CHANGES = 4,    /* classes of change that the contextual bandit tells apart */
    RF_PROFILE_RUNGS = 64,
};

/* What a profile holds for. Two keys are the same when their texts are. */
typedef struct rf_profile_key {
    char model[72];    /* SHA-256 of the checkpoint */
    char solver[24];
    char guidance[80]; /* as "cfg 1.5 0..1"; "none" */
    char task[16];     /* "generate" */
} rf_profile_key;

/* One arm at one place: finished jumps and their rewards, in units of 2^-30. */
typedef struct rf_profile_arm { int64_t pulls, reward; } rf_profile_arm;

typedef struct rf_profile_bandit {
    const char *name;    /* of its policy */
    double tolerance;    /* e_tol that the rewards were counted with; 0: nothing is learned yet */
    int rows;            /* places */
    int64_t jumps, walks; /* finished jumps learned from, and walks: the version of the table */
    int64_t saved_walks;  /* of them, those the file held when it was read or written */
    rf_profile_arm *arm;  /* [rows, RF_PROFILE_ARMS] */
    rf_profile_arm *base; /* the same as they were read from the file: what is new is the difference */
} rf_profile_bandit;
enum { RF_BANDIT_INDEX, RF_BANDIT_CONTEXT, RF_BANDITS };

/* One setting of a policy, tried on images that the tables were not made of. */
typedef enum rf_budget { RF_BUDGET_REL, RF_BUDGET_PSNR, RF_BUDGET_LPIPS, RF_BUDGETS } rf_budget;
typedef struct rf_profile_rung {
    char policy[24];
    double value;  /* of the policy's knob */
    int64_t images;
    double calls;  /* network answers an image, mean */
    double predicted; /* relative distance from the table alone; NAN: the policy has no prediction */
    /* Of the distance to the fine solve: the mean, and the bound that at most a tenth of images break, at 95 % confidence (see
     * rf__profile_bound). NAN: not measured. */
    double mean[RF_BUDGETS], bound[RF_BUDGETS];
} rf_profile_rung;

/* A walk of answers of several kinds that was found by trying: `strait tune --policies learned`. */
typedef struct rf_profile_mix {
    char kinds[RF_PROFILE_STEPS + 1]; /* RF_LETTERS, one a step */
    double cost;                      /* in network calls; a refiner's answer is the profile's share of one */
    double away;                      /* mean |x - x*| / |x*| from the fine solve, over the walks it was found on */
} rf_profile_mix;

/* Sums over full walks; see rf__profile_full_walk. */
typedef struct rf_profile_sums rf_profile_sums;

struct rf_profile {
    rf_profile_key key;
    int steps;
    double *times;  /* [steps + 1] */
    int64_t walks;  /* full walks behind the tables; 0: not calibrated */
    uint32_t crc;   /* of the file it was read from; 0: none */
    char *fresh;    /* [steps + 1] text: '1' where the history had died (start, edge of a window) */
    /* Means over the walks, NAN where nothing is known. */
    double *shift;  /* [steps, RF_PROFILE_GAPS, RF_PROFILE_MOST + 1] |x moved wrongly| / |x at the end| by passing m points after k,
                     * the velocity before k measured `gap` steps earlier */
    double *error;  /* [steps, RF_PROFILE_MOST + 1] relative error of the velocity at landing, with gap m + 1 (jumps of the same length) */
    double edge[RF_PROFILE_AGES][RF_PROFILE_CHANGES - 1]; /* of the classes of change (jump.h) in each part of the grid */
    double *context; /* [AGES, CHANGES, RF_PROFILE_MOST + 1] error */
    rf_profile_bandit bandit[RF_BANDITS];
    int rungs;
    rf_profile_rung rung[RF_PROFILE_RUNGS];
    int mixes;
    rf_profile_mix mix[RF_PROFILE_RUNGS]; /* falling cost */
    char refiner[72];  /* SHA-256 of the refiner in them, "": none */
    double share;      /* its answer's cost in network calls */
    char *plan;     /* [steps + 1, steps + 1] made by rf__profile_plan: for n calls, one letter a step; "" when n is too few */
    double *plan_shift; /* [steps + 1] what the plan is expected to cost */
    rf_profile_sums *sums; /* NULL when nothing is being measured */
    /* Hears of every finished jump that was learned from, inside the lock; NULL: nobody. */
    void (*watch)(void *user, int bandit, int row, int arm, double reward);
    void *watch_user;
    void *lock;
};

/* An empty one. times: copied. errors: RF_EINVAL: too many steps. */
rf_status rf__profile_create(rf_profile **out, const rf_profile_key *key, const double *times, int steps);
void rf__profile_free(rf_profile **profile);

/* ---- measuring (policy `calibrate`) ---- */
/* v [steps, scalars] asked at t [steps]; x at the end; integrated: the solver integrates what is extrapolated. May be called by walks of
 * several threads. */
rf_status rf__profile_full_walk(rf_profile *profile, const float *v, const double *t, int64_t scalars, const float *x, const char *fresh, bool integrated);
/* Turn what was measured into tables, plans and the bandits' start. errors: no walk. */
rf_status rf__profile_settle(rf_profile *profile);

/* ---- using ---- */
/* Whether a walk of this solver over these times is what the profile is about. */
rf_status rf__profile_fits(const rf_profile *profile, const rf_solver *solver, const double *times, int steps);
/* The profile of a file, for such walks with such a policy. Where there is no file, a policy that learns begins an empty one. */
rf_status rf__profile_open(rf_profile **out, const char *path, const rf_profile_key *key, const rf_policy *policy, const rf_options *options,
                           const rf_solver *solver, const double *times, int steps);
/* What walks of this solver and guidance on this checkpoint (its SHA-256) are, for rf__profile_same. */
void rf__profile_key_fill(rf_profile_key *out, const char *model, const rf_solver *solver, const rf_guidance *guide, const rf_guidance_opts *opts);
/* Whether it was made for these; `path` for the sentence. */
rf_status rf__profile_same(const rf_profile *profile, const rf_profile_key *key, const char *path);
/* For each number of calls the places that are expected to spoil least, by dynamic programming over (place, gap). */
rf_status rf__profile_plan(rf_profile *profile);
/* Fewest calls a plan exists for. */
int rf__profile_fewest(const rf_profile *profile);

/* ---- mixed walks ---- */
/* Begin the list: refiner NULL: none. */
void rf__profile_mixes_begin(rf_profile *profile, const char *refiner, double share);
/* errors: RF_EINVAL: letters that do not fit, a cost that does not fall, more than RF_PROFILE_RUNGS. */
rf_status rf__profile_add_mix(rf_profile *profile, const rf_profile_mix *mix);
/* The dearest one that costs no more than so many network calls; NULL: none. */
const rf_profile_mix *rf__profile_mix_for(const rf_profile *profile, double calls);
double rf__profile_mix_cost(const rf_profile *profile, const char *kinds);
json_t *rf__profile_mixes_json(const rf_profile *profile); /* new reference */
rf_status rf__profile_mixes_read(rf_profile *profile, const json_t *json); /* NULL: there are none */

/* The bandit's table for e_tol: kept when it was learned with the same, otherwise begun from the measured errors. */
rf_status rf__profile_bandit_begin(rf_profile *profile, int bandit, double tolerance, bool cold);
/* Row of the contextual bandit. */
int rf__profile_context(const rf_profile *profile, int position, double change);
/* Mean reward of an arm, its pulls, and the pulls of all arms of the row; taken together under the lock. */
void rf__profile_row(rf_profile *profile, int bandit, int row, rf_profile_arm out[RF_PROFILE_ARMS]);
typedef struct rf_profile_lesson { int row, arm; double reward; } rf_profile_lesson;
/* All jumps of one walk at once, when it is over. */
void rf__profile_learn(rf_profile *profile, int bandit, const rf_profile_lesson *lessons, int count);
double rf__profile_mean(const rf_profile_arm *arm);
/* m / m_max - e / e_tol inside [-1, 1]; 0 for m = 0, which extrapolates nothing. */
double rf__profile_reward(int m, int most, double error, double tolerance);

/* ---- budgets ---- */
extern const char *const rf__budget_names[RF_BUDGETS + 1];
/* The distance that at most a tenth of all images exceed (for PSNR: fall below), at 95 % confidence: the exact binomial bound on `count`
 * tried images. Sorts `distance`. NAN: fewer than 29 images promise nothing. */
double rf__profile_bound(double *distance, int count, bool high_is_good);
/* The cheapest setting of the policy whose bound keeps the budget. Settings are tried from the dearest on and the first that fails ends
 * it, so that choosing among them costs no confidence (fixed-sequence testing). errors: a sentence with what can be promised. */
rf_status rf__profile_pick(const rf_profile *profile, const char *policy, rf_budget budget, double limit, const rf_profile_rung **out);
/* "rel=0.02" sets the policy's knob among `options` to the cheapest setting that keeps it. *promise: inside the profile. errors: not such a
 * text, what cannot be promised, a policy that learns or has learned since. */
rf_status rf__profile_budget(const rf_profile *profile, const rf_policy *policy, const char *text, rf_options *options, const rf_profile_rung **promise);
/* Whether it is such a text, which can be known before there is a profile. */
rf_status rf__budget_check(const char *text);
rf_status rf__profile_add_rung(rf_profile *profile, const rf_profile_rung *rung);

/* ---- file ---- */
/* A JSON object with a CRC-32. errors: RF_EFORMAT: damaged, of another version, sizes that do not fit. */
rf_status rf__profile_read(rf_profile **out, const char *path);
/* What was learned since it was read is added to what the file holds by now, under a lock, and the file replaced at once: several
 * programs may learn on one file. */
rf_status rf__profile_save(rf_profile *profile, const char *path);
json_t *rf__profile_json(const rf_profile *profile); /* new reference */
rf_status rf__profile_decode(rf_profile **out, const json_t *json);

#endif
