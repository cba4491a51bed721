/* schedule.h - the table of time grids. A grid is steps + 1 times in our convention, t = 0 noise to t = 1
 * data, strictly rising, with exact ends. */
#ifndef RF_FLOW_SCHEDULE_H
#define RF_FLOW_SCHEDULE_H
#include "windows.h"

#define RF_MAX_STEPS 10000

typedef struct rf_grid_opts {
    int steps;          /* 1 .. RF_MAX_STEPS; ignored by `list` */
    double shift;       /* of `shifted`, > 0; 1 changes nothing, above 1 spends more steps near the noise */
    double steepness;   /* of `sigmoid`, > 0 */
    int64_t tokens;     /* of `flux`: tokens of the image, > 0 */
    double from;        /* the grid runs from here to 1: that from 0 to 1, squeezed (0: whole) */
    const double *list; /* of `list`: strictly rising or falling times inside [0, 1]; borrowed */
    int list_count;     /* steps + 1 of them */
    const rf_windows *windows; /* of the model: `uniform` then shares its steps out among them, every other grid must stop at each
                                * edge; NULL: none. Borrowed */
} rf_grid_opts;

typedef struct rf_schedule {
    const char *name, *source, *help;
    /* The place of a point of the uniform grid, u in (0, 1); the two ends are set by the caller. NULL:
     * opts->list is the grid. */
    double (*warp)(const rf_grid_opts *opts, double u);
    /* The shift it comes to, for reports; NULL: it is no shift. */
    double (*shift)(const rf_grid_opts *opts);
    bool takes_shift; /* reads opts->shift */
    /* Check what it reads of opts; may be NULL. */
    rf_status (*check)(const rf_grid_opts *opts);
} rf_schedule;

/* Owned times; rf__grid_fini. */
typedef struct rf_grid {
    int steps;
    double *t; /* [steps + 1] */
} rf_grid;

/* The shift s of FLUX's dynamic law for an image of so many tokens: log s rises linearly from 0.5 at 256 tokens to 1.15 at 4096. */
double rf__flux_shift(int64_t tokens);

rf_grid_opts rf__grid_defaults(void);
const rf_schedule *const *rf__schedules(void);          /* NULL-terminated */
const rf_schedule *rf__schedule_find(const char *name); /* NULL and a sentence listing the names */
/* errors: RF_EINVAL with the number that was wrong; *out is then empty. */
rf_status rf__grid_build(rf_grid *out, const rf_schedule *schedule, const rf_grid_opts *opts);
void rf__grid_fini(rf_grid *grid);
/* Strictly monotone, finite and inside [0, 1], 1 .. RF_MAX_STEPS steps: what every walk requires. */
rf_status rf__grid_check(const double *t, int steps);

#endif
