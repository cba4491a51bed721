/* sampling_args.c - see sampling_args.h. */
#include "sampling_args.h"

#include <string.h>

#include "names.h"

#define AT(field) offsetof(rf_sampling_flags, field)
static const char *guidance_names[RF_NAMES_MAX], *solver_names[RF_NAMES_MAX], *schedule_names[RF_NAMES_MAX], *policy_names[RF_NAMES_MAX];

static const rf_arg sampling[] = {
    {"class-label", 'c', "class-labels", RF_ARG_INTS, AT(class_label), .min = -1, .max = 1e9,
     .value = "N[,N..]",
     .help = "classes, each for an equal block of the images; -1 is no class. Not given: the seed picks one"},
    {"prompt", 'p', NULL, RF_ARG_STRING, AT(prompt), .value = "NAME",
     .help = "the name of a class, as `strait info MODEL` lists them"},
    {"seed", 's', NULL, RF_ARG_INT, AT(seed), .preset = "42", .value = "N",
     .help = "image k uses seed + k; negative: a random one"},
    {"batch-count", 'b', "count", RF_ARG_INT, AT(count), .min = 1, .max = 1e7, .value = "N",
     .help = "images; not given: one for each class of --class-label"},
    {"steps", 0, "num-inference-steps num-sampling-steps", RF_ARG_INT, AT(steps), .min = 1,
     .max = RF_MAX_STEPS, .value = "N", .help = "steps of the time grid (20 when not given)"},
    {"sampling-method", 0, "sampler", RF_ARG_CHOICE, AT(method), .preset = "euler",
     .choices = solver_names, .value = "NAME", .help = "solver"},
    {"sampling-option", 0, NULL, RF_ARG_STRING, AT(sampling_option), .value = "NAME=X,..",
     .help = "of the solver: dopri5 rtol, atol, attempts; ab2 first"},
    {"blocks", 0, NULL, RF_ARG_STRING, AT(blocks), .value = "LIST",
     .help = "FlowTurbo's step blocks over the grid: runs of H (Heun), P (pseudo corrector), R (refiner; RP, or R1:n, R2:n) and E (Euler), "
             "as H2P4R2"},
    {"scheduler", 0, NULL, RF_ARG_CHOICE, AT(scheduler), .choices = schedule_names, .value = "NAME",
     .help = "time grid (uniform when not given)"},
    {"flow-shift", 0, NULL, RF_ARG_FLOAT, AT(flow_shift), .min = 1e-3, .max = 1e3, .value = "S",
     .help = "shift of the SD3/FLUX law; selects --scheduler shifted (3 when only that is given)"},
    {"times", 0, NULL, RF_ARG_FLOATS, AT(times), .max = 1, .value = "T,..",
     .help = "the time grid itself, 0 (noise) to 1 (data)"},
    {"sigmas", 0, NULL, RF_ARG_FLOATS, AT(sigmas), .max = 1, .value = "S,..",
     .help = "the same as 1 - t, 1 (noise) to 0 (data)"},
    {"cfg-scale", 0, "guidance-scale", RF_ARG_FLOAT, AT(cfg_scale), .preset = "1", .min = -100,
     .max = 100, .value = "S", .help = "classifier-free guidance; 1 is none"},
    {"guidance-low", 0, NULL, RF_ARG_FLOAT, AT(guidance_low), .preset = "0", .max = 1, .value = "T", .needs = "cfg-scale guidance requests",
     .help = "guide from this t on"},
    {"guidance-high", 0, NULL, RF_ARG_FLOAT, AT(guidance_high), .preset = "1", .max = 1,
     .value = "T", .needs = "cfg-scale guidance requests", .help = "guide up to this t"},
    {"guidance", 0, NULL, RF_ARG_CHOICE, AT(guidance), .choices = guidance_names, .value = "NAME",
     .help = "how the scale steers (cfg when not given): endpoint weighs the velocity with the scale and the straight way to "
             "--guidance-target with the rest"},
    {"guidance-target", 0, NULL, RF_ARG_STRING, AT(guidance_target), .value = "FILE", .needs = "guidance=endpoint requests",
     .help = "picture of the model's size for --guidance endpoint"},
    {"guidance-delta", 0, NULL, RF_ARG_FLOAT, AT(guidance_delta), .preset = "1", .min = -100, .max = 100, .value = "D", .needs = "guidance=endpoint guidance=onetime requests",
     .help = "of endpoint and onetime: strength of the straight way"},
    {"guidance-end", 0, NULL, RF_ARG_INT, AT(guidance_end), .preset = "1", .max = 1, .value = "0|1", .needs = "guidance=endpoint guidance=onetime requests",
     .help = "where the target lies: 1 data, 0 noise"},
    {"policy", 0, "cache-mode", RF_ARG_CHOICE, AT(policy), .preset = "none", .choices = policy_names,
     .value = "NAME", .help = "who answers instead of the network: which grid points are passed on extrapolated velocities"},
    {"policy-option", 0, NULL, RF_ARG_STRING, AT(policy_option), .value = "NAME=X,..", .help = "of the policy, as skip=2 of fixed and e_tol=1e-4 of controller, e_refine=0.1 of cascade"},
    {"profile", 0, NULL, RF_ARG_STRING, AT(profile), .value = "FILE",
     .help = "what `strait tune` measured for the policies that need it; not given: MODEL.SOLVER-STEPS[-GUIDANCE].profile beside the model"},
    {"quality-budget", 0, NULL, RF_ARG_STRING, AT(quality_budget), .value = "NAME=X",
     .help = "rel, psnr or lpips distance to a fine solve that at most a tenth of the images may break: sets the policy's option by the "
             "profile (policy table when none is given)"},
    {"deadline-ms", 0, NULL, RF_ARG_FLOAT, AT(deadline_ms), .preset = "0", .max = 1e9, .value = "MS",
     .help = "wanted this long after the start; read by --admission deadline"},
    {"width", 'W', NULL, RF_ARG_INT, AT(width), .min = 1, .max = 65536, .value = "N",
     .help = "must be the model's"},
    {"height", 'H', NULL, RF_ARG_INT, AT(height), .min = 1, .max = 65536, .value = "N",
     .help = "must be the model's"},
    {NULL},
};

static int length(const rf_arg *table) {
    int count = 0;
    while (table[count].name) count++;
    return count;
}

static bool is_among(const char *name, const char *names) {
    size_t length;
    for (const char *word; (word = rf__args_word(&names, &length));)
        if (strlen(name) == length && memcmp(word, name, length) == 0) return true;
    return false;
}

void rf__sampling_args(rf_arg table[RF_ARGS_MAX], const rf_arg *own, const char *without) {
    rf__names_of_guidances(guidance_names);
    rf__names_of_solvers(solver_names);
    rf__names_of_schedules(schedule_names);
    rf__names_of_policies(policy_names);
    int count = 0, most = RF_ARGS_MAX - 1 - length(sampling);
    while (own[count].name && count < most) table[count] = own[count], count++;
    for (const rf_arg *arg = sampling; arg->name; arg++)
        if (!is_among(arg->name, without)) table[count++] = *arg;
    table[count] = (rf_arg){NULL};
}

rf_arg *rf__sampling_arg(rf_arg table[RF_ARGS_MAX], const char *name) { return &table[rf__args_find(table, name) - table]; }
