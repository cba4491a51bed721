/* order.h - one request of the user: settings, seed, classes, count, output. Flags make one, each line of a
 * request file makes one, and the JSON chunk of a picture makes one again (replay). */
#ifndef RF_CLI_ORDER_H
#define RF_CLI_ORDER_H
#include <jansson.h>

#include "../api/sampler.h"
#include "../api/stages.h"
#include "../flow/policies/profile.h"
#include "../flow/schedule.h"
#include "args.h"
#include "latent.h"

/* What the flags say about sampling. The keys of a request file are the same names with underscores. */
typedef struct rf_sampling_flags {
    rf_arg_list class_label;
    const char *prompt;    /* the name of a class; NULL: not given */
    int64_t width, height; /* 0: the model's */
    int64_t steps;         /* 0: not given */
    int64_t seed, count;   /* count 0: one for each class given, at least one */
    double cfg_scale, guidance_low, guidance_high;
    double flow_shift;                       /* 0: not given */
    const char *method, *scheduler, *policy; /* scheduler NULL: not given */
    const char *sampling_option, *policy_option; /* "a=1,b=2"; NULL: the defaults */
    const char *profile, *quality_budget;    /* "rel=0.02"; NULL: not given */
    const char *blocks;                      /* "H2P4R2"; NULL: not given */
    const char *guidance, *guidance_target;  /* NULL: not given */
    double guidance_delta;
    int64_t guidance_end;
    rf_arg_list sigmas, times;
    double deadline_ms; /* 0: none */
    const char *init_latent; /* a file of strait invert; NULL: noise */
    const char *output;
    /* set by the command, not by flags: */
    double from;       /* t where the walk begins */
    bool target_later; /* without --guidance-target the command gives guidance its target itself, picture by picture */
} rf_sampling_flags;

typedef struct rf_order {
    const rf_solver *solver;
    const rf_schedule *schedule;
    const rf_policy *policy;
    rf_options solver_options, policy_options;
    rf_profile *profile;       /* of a policy that works from one; borrowed from profiles.h */
    const rf_profile_rung *promise; /* what the quality budget chose, inside the profile; NULL: none was given */
    char *asked;               /* [count, steps + 1] where each image asked, filled as they finish: policies with a profile, and `recorded` */
    char policy_note[120];     /* of `recorded`: who decided; "": nobody says */
    rf_blocks blocks; /* of a solver that walks them; runs 0: none */
    const rf_guidance *guide;
    rf_guidance_opts guidance;
    float *target;     /* what guidance.target points to, or NULL */
    char *target_path; /* the picture it came from, or NULL */
    const rf_stage_set *stages; /* borrowed; in place of solver, grid and blocks; NULL: none */
    rf_latents latents; /* image k begins from latent k; count 0: from noise */
    char *latent_path;  /* the file they came from, or NULL */
    rf_grid grid;
    double shift;  /* of the schedule, for the record; 0: it has none */
    uint64_t seed; /* of image 0 */
    int64_t count;
    double deadline; /* seconds from the start of the run; 0: none */
    int32_t *labels; /* of the whole order, spread in blocks; label_count 0: each seed picks a class */
    int label_count;
    uint64_t *seeds; /* [count], or NULL: image k uses seed + k */
    char *output;    /* pattern; NULL when nothing is written */
} rf_order;

/* A negative seed becomes a random one. */
/* Whether a call of `rows` (0: as many as wanted) holds one answer under guidance. errors: RF_EINVAL. */
rf_status rf__order_check_rows(const rf_order *order, int64_t rows);
rf_status rf__sampling_settle_seed(rf_sampling_flags *flags);

/* errors: a sentence that names the flag; *out is then empty. model: what the sizes and classes must fit. */
rf_status rf__order_build(rf_order *out, const rf_sampling_flags *flags, const rf_model *model);
void rf__order_fini(rf_order *order);
uint64_t rf__order_seed(const rf_order *order, int64_t k);
int32_t rf__order_label(const rf_order *order, const rf_model *model, int64_t k); /* -1: none */
void rf__order_describe(const rf_order *order, const rf_model *model, int64_t k, rf_job_spec *spec);
char *rf__order_asked(const rf_order *order, int64_t k); /* its record, inside order->asked; NULL: none is kept */
int64_t rf__order_answers(const rf_order *order); /* when all come from the network */

/* Take the latents of a file of strait invert. errors: those of rf__latents_read. */
rf_status rf__order_take_latents(rf_order *order, const char *path, const rf_model *model);

/* The settings that all images of the order share, as JSON (new reference); without seeds and labels. */
json_t *rf__order_json(const rf_order *order);
/* A picture of a policy whose tables may have changed by the time it is made again says where it asked: image k, or all when k < 0.
 * Other policies: nothing is added. */
void rf__order_json_record(json_t *json, const rf_order *order, int64_t k);
/* The way back. The order then has no output. */
rf_status rf__order_parse(rf_order *out, const json_t *json, const rf_model *model);

#endif
