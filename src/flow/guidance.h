/* guidance.h - how many network rows one velocity takes, and how they combine. The batcher puts all rows of
 * an answer into one call. */
#ifndef RF_FLOW_GUIDANCE_H
#define RF_FLOW_GUIDANCE_H
#include "../base/status.h"

#define RF_MAX_GUIDANCE_ROWS 4

/* What a row of an answer is conditioned on. The source rows are those of an edit: its own class, or none, at a place of its own. */
typedef enum rf_row { RF_ROW_COND, RF_ROW_NULL, RF_ROW_SOURCE, RF_ROW_SOURCE_NULL } rf_row;

typedef struct rf_guidance_opts {
    double scale;     /* of cfg: v_u + scale (v_c - v_u); of the endpoint entries: gamma, the weight of v_c */
    double low, high; /* guided where low <= t <= high (t = 0 noise), conditional outside */
    double delta;     /* of the endpoint entries: the weight of the straight way to the end point */
    int end;          /* of endpoint: where the target lies, 1 data or 0 noise */
    const float
        *target; /* [scalars], of endpoint and flowedit; borrowed; NULL for the others */
    /* of flowedit: */
    double source_scale; /* cfg scale of the source's velocity */
    int source_label;    /* class of the target picture, which is the source of the edit */
    uint64_t seed;       /* of the noise */
} rf_guidance_opts;

/* What an entry remembers of one job. */
typedef struct rf_guide {
    float *target; /* [scalars], for entries with `remembers` */
    bool known;    /* target is filled */
} rf_guide;

typedef struct rf_guidance {
    const char *name, *source, *help;
    bool remembers; /* needs rf_guide.target */
    bool steers;    /* needs rf_guidance_opts.target */
    bool edits;     /* the state is an edited picture, not a noisy one: for edit.h only */
    /* The rows of the answer at time t, at least one; returns how many. A pure function: the batcher may ask
     * twice. guide: may be NULL, meaning nothing is known yet. */
    int (*rows)(const rf_guidance_opts *opts, const rf_guide *guide, double t, rf_row rows[RF_MAX_GUIDANCE_ROWS]);
    /* v[n] from the rows' velocities (v may be one of them) and where they were measured. count: what `rows`
     * returned. guide: not NULL when the entry remembers. */
    void (*combine)(const rf_guidance_opts *opts, rf_guide *guide, int64_t n, const float *x, double t, int count,
                    const float *const *answers, float *v);
    /* Where a row is asked, [n]. NULL: at the job's x. */
    void (*place)(const rf_guidance_opts *opts, rf_row row, int64_t n, const float *x, double t, float *out);
    rf_status (*check)(const rf_guidance_opts *opts); /* may be NULL */
} rf_guidance;

rf_guidance_opts rf__guidance_defaults(void);           /* scale 1, delta 1, data end, everywhere */
extern const rf_guidance rf__guidance_none;             /* the conditional velocity */
const rf_guidance *const *rf__guidances(void);          /* NULL-terminated */
const rf_guidance *rf__guidance_find(const char *name); /* NULL and a sentence listing the names */
/* Whether t lies in the interval that is guided. */
bool rf__guidance_inside(const rf_guidance_opts *opts, double t);
/* Most rows an answer can take with these options. */
int rf__guidance_max_rows(const rf_guidance *guidance, const rf_guidance_opts *opts);

#endif
