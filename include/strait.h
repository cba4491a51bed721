/* strait.h - the public API of libstrait: rectified-flow / flow-matching models on CPUs.
 *
 * Convention: t = 0 is noise, t = 1 is data, x_t = (1-t) x0 + t x1, v = x1 - x0, dx/dt = v.
 * `t` is always an array with one value per row. Images are [B, H, W, C] (nhwc) f32 in [-1, 1].
 * Every call that can fail returns rf_status; rf_last_error() then has the sentence. */
#ifndef STRAIT_H
#define STRAIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RF_VERSION "0.1.0"

/* code, text */
#define RF_STATUS_MAP(X)                                                                           \
    X(OK, "done")                                                                                  \
    X(EINVAL, "invalid argument")                                                                  \
    X(ENOMEM, "out of memory")                                                                     \
    X(EIO, "input or output failed")                                                               \
    X(EFORMAT, "malformed file")                                                                   \
    X(EMISMATCH, "two things do not fit each other")                                               \
    X(ENOTFOUND, "no such thing")                                                                  \
    X(EUNSUPPORTED, "not supported")                                                               \
    X(ENUMERIC, "not a finite number")                                                             \
    X(EINTERRUPTED, "interrupted")

typedef enum rf_status {
#define X(name, text) RF_##name,
    RF_STATUS_MAP(X)
#undef X
} rf_status;

/* RF_EINVAL -> "EINVAL", and its text. Static strings. */
const char *rf_status_name(rf_status status);
const char *rf_status_text(rf_status status);

/* The sentence of the newest failure on this thread: borrowed, valid until the next call. */
const char *rf_last_error(void);

/* RF_INT8 names a way to compute, not a type of tensors: bf16 activations, and dense layers of whole numbers (inference only). */
typedef enum rf_dtype { RF_F32, RF_BF16, RF_I32, RF_INT8, RF_DTYPES } rf_dtype;

const char *rf_version(void);

/* ---- models ---- */
/* A network with its weights. Opaque; may serve several samplers at the same time. */
typedef struct rf_model rf_model;

typedef struct rf_model_info {
    const char *kind;            /* "unet", "dit", ...; static */
    int height, width, channels; /* of one image */
    int classes;                 /* 0: unconditional; labels are 0 .. classes - 1 */
    int64_t parameters;          /* trained scalars */
    const char *sha256;          /* of the checkpoint file, 64 hex digits; borrowed from the model */
} rf_model_info;

/* Read a checkpoint: safetensors, or the PyTorch file of a network that has a reader here. path: borrowed for the call. *out: close with rf_model_close; NULL after an error. */
rf_status rf_model_open(rf_model **out, const char *path);
void rf_model_close(rf_model **model); /* NULL-safe, clears *model; close its samplers first */
rf_model_info rf_model_describe(const rf_model *model);

/* ---- sampling ---- */
/* A model compiled for a machine: threads, dtype and the plans built so far. One caller at a time. */
typedef struct rf_sampler rf_sampler;

typedef struct rf_sampler_opts {
    rf_dtype dtype; /* RF_F32: of weights and activations inside the network; RF_BF16 and RF_INT8 are faster and less exact */
    int threads;    /* 0: every CPU of the affinity mask */
    rf_model *refiner; /* NULL; a network that corrects known velocities of this very model, borrowed; for blocks with R and for
                          solver "caf" */
    int rows;       /* 16: most network rows of one call; an image under guidance takes two. 0: what this machine is fastest with,
                       measured with the first run of several images (by rf_stream_open at once) and kept in the user's cache folder */
} rf_sampler_opts;

/* Fill with the defaults written beside the fields. */
void rf_default_sampler_opts(rf_sampler_opts *opts);
/* model: borrowed until rf_sampler_close. opts: NULL for the defaults. */
rf_status rf_sampler_open(rf_sampler **out, rf_model *model, const rf_sampler_opts *opts);
void rf_sampler_close(rf_sampler **sampler); /* NULL-safe, clears *sampler */

typedef struct rf_sample_opts {
    const char *solver;          /* "euler"; the names are those of `strait generate --help` */
    const char *solver_options;  /* NULL; "rtol=1e-4,atol=1e-4": as --sampling-option */
    const char *schedule;        /* "uniform"; "shifted", "sigmoid", or "list" with `times` */
    int steps;                   /* 20; ignored by "list" */
    const char *blocks;          /* NULL; "H2P4R2": steps by FlowTurbo's blocks, in place of solver and steps; R needs a refiner */
    double shift;                /* 3: of "shifted" */
    const double *times;         /* NULL; strictly monotone inside [0, 1], 0 = noise and 1 = data */
    int time_count;              /* 0 */
    double cfg_scale;            /* 1: no guidance */
    double guidance_low;         /* 0: guided where low <= t <= high */
    double guidance_high;        /* 1 */
    const char *policy;          /* "none": who answers instead of the network */
    const char *policy_options;  /* NULL; "skip=2": as --policy-option */
    const char *profile;         /* NULL; the file that `strait tune` wrote, for policies that work from one. One that learns writes it back */
    const char *quality_budget;  /* NULL; "rel=0.05": sets the policy's option by the profile, as --quality-budget */
    const float *init;           /* NULL: noise; else [count, H, W, C] where the walks begin, as rf_invert leaves it; borrowed */
    const float *carry;          /* NULL; else [count, H, W, C]: what rf_invert left there by a solver that undoes itself; borrowed */
    uint64_t seed;               /* 0; image k uses seed + k and does not depend on the other images, unless a policy learns from them (mode=learn) */
    int count;                   /* 1 */
    const int32_t *labels;       /* NULL: no class; else [count], -1 is no class */
    void (*progress)(void *user, int64_t done, int64_t total); /* NULL; counted in network answers; `done` may pass
                                                                   `total` with a solver that chooses its own steps */
    void *user;                  /* NULL */
} rf_sample_opts;

void rf_default_sample_opts(rf_sample_opts *opts);
/* Make opts->count images.
 * opts    NULL for the defaults
 * images  [count, H, W, C] f32 in about [-1, 1] (not clamped), caller's; undefined after an error
 * errors  RF_EINVAL for an option out of range, RF_ENOTFOUND for a name nobody has and a profile that is not there, RF_EMISMATCH for a profile of
 *         another model or grid, RF_ENUMERIC when the network gave a velocity that is not finite, RF_EIO when what a policy learned cannot
 *         be kept (the images are whole then) */
rf_status rf_sample(rf_sampler *sampler, const rf_sample_opts *opts, float *images);

/* Walk the other way: from pictures to the noise they would be made from, with the solver, grid, guidance and labels of opts. Sampling
 * again with init (and carry) then gives the pictures back, as exactly as the solver can: "fireflow" well, "reversible" to rounding (not on models
 * that are straight in windows, which it refuses).
 * opts    NULL for the defaults; init and carry must be NULL
 * images  [count, H, W, C] f32 in [-1, 1]
 * latents [count, H, W, C], caller's
 * carry   NULL, or of a solver that undoes itself with the velocity that it ends with ("reversible"): [count, H, W, C]
 * errors  those of rf_sample; RF_EINVAL for blocks and for solvers that cannot turn round */
rf_status rf_invert(rf_sampler *sampler, const rf_sample_opts *opts, const float *images, float *latents, float *carry);

/* ---- a stream of requests ---- */
/* Images asked for one by one, as a server gets them: they join the network calls of those that are under way already and leave when
 * they are done, and are the same bytes as alone. One thread drives it, and drives nothing else of this sampler meanwhile. */
typedef struct rf_stream rf_stream;

typedef struct rf_stream_result {
    uint64_t id;
    rf_status status;     /* RF_OK; RF_EINTERRUPTED: cancelled; else why it failed */
    const char *sentence; /* of a failure; NULL: none */
    const float *image;   /* [H, W, C], borrowed for the call; NULL unless RF_OK */
    double seconds;       /* since it was submitted */
    int64_t answers;      /* of the network and its refiner */
    int64_t passed;       /* points of the grid that the policy passed without */
    void *user;           /* rf_sample_opts.user of the request */
} rf_stream_result;

typedef struct rf_stream_opts {
    int slots;             /* 0: as many images walk at a time as a call has rows */
    int queue;             /* 64: images that may wait for a slot; 0: as many as slots */
    const char *admission; /* "arrival"; "deadline", "ring", ...: names of `strait stream --help` */
    /* Called in rf_stream_step for every request when it is over; may submit and cancel. */
    void (*finished)(void *user, const rf_stream_result *result);
    void *user;            /* NULL */
} rf_stream_opts;

void rf_default_stream_opts(rf_stream_opts *opts);
/* sampler: borrowed until rf_stream_close. opts: finished must be set. */
rf_status rf_stream_open(rf_stream **out, rf_sampler *sampler, const rf_stream_opts *opts);
/* Requests that are not over vanish without a call to `finished`. NULL-safe, clears *stream. */
void rf_stream_close(rf_stream **stream);
/* One image (opts->count must be 1). What opts points to is copied, init and carry are borrowed until the request is over; progress is not
 * called. deadline: seconds from now at which it should be done, for admissions that care; 0: none. id: NULL, or what rf_stream_cancel takes.
 * errors: an option out of range; RF_EINVAL when the queue is full (see rf_stream_room). */
rf_status rf_stream_submit(rf_stream *stream, const rf_sample_opts *opts, double deadline, uint64_t *id);
int rf_stream_room(const rf_stream *stream); /* requests that submit will still take */
/* Takes effect with the next step; false when no such request is under way. */
bool rf_stream_cancel(rf_stream *stream, uint64_t id);
/* At most one network call. *busy: whether anything is left to do. errors: what the network failed with; nothing has moved then, and the
 * step may be tried again. RF_EIO: what a policy learned cannot be kept; the request itself is over and was reported. */
rf_status rf_stream_step(rf_stream *stream, bool *busy);

#ifdef __cplusplus
}
#endif
#endif
