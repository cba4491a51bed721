/* blocks.h - FlowTurbo's step blocks (arXiv 2409.18128; methods: flowturbo): who answers the one or two questions of a step. A walk is
 * a list of runs over its grid: "H2P4R2" is two steps H, four P, two R. */
#ifndef RF_FLOW_BLOCKS_H
#define RF_FLOW_BLOCKS_H
#include <stdbool.h>
#include <stddef.h>

#include "../base/status.h"

#define RF_BLOCK_RUNS 16

typedef enum rf_asked { RF_ASKED_NOBODY, RF_ASKED_NETWORK, RF_ASKED_REFINER, RF_ASKED } rf_asked;

/* One step of length h from (x, t):  d = velocity at (x, t);  without a second question x += h d;  with one
 * d' = velocity at (x + h d, t + h), x += h/2 (d + d'), and d' is handed to the next step. */
typedef struct rf_block {
    const char *name, *source, *help;
    rf_asked first, second;
    bool reuse; /* takes for d what the step before handed on; asks `first` when nothing was */
} rf_block;

typedef struct rf_blocks {
    int runs; /* 0: no list */
    struct { const rf_block *block; int steps; } run[RF_BLOCK_RUNS];
} rf_blocks;

/* How a list may be answered. */
typedef struct rf_block_calls { int network, refiner; } rf_block_calls;

const rf_block *const *rf__block_table(void); /* NULL-terminated */
/* Runs of NAME and COUNT: "H2P4R2" (R is RP). A name that ends in a digit takes a colon: "H6R1:3".
 * errors: RF_EINVAL: not such a list, unknown name, no steps, too many runs. */
rf_status rf__blocks_parse(rf_blocks *out, const char *text);
/* The shortest text that reads the same; "" for no list. */
void rf__blocks_text(const rf_blocks *blocks, char *out, size_t size);
int rf__blocks_steps(const rf_blocks *blocks);
/* Of step `position`; behind the end the last run's. */
const rf_block *rf__blocks_at(const rf_blocks *blocks, int position);
/* Exact answers from step `from` to the end of `steps` steps; carried: a velocity is handed to the first of them. A refiner that knows
 * no velocity yet counts as the network (R at the very beginning). */
rf_block_calls rf__blocks_calls(const rf_blocks *blocks, int from, int steps, bool carried);
/* Whether `steps` fit, and for steps of the refiner whether there is one (`refiner`) whose gaps, [least, most] with most 0 for any, hold
 * every step of `times` it answers. */
rf_status rf__blocks_check(const rf_blocks *blocks, const double *times, int steps, bool refiner, double least, double most);

#endif
