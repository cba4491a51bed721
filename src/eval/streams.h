/* streams.h - the random streams of the judge (base/rng.h: method-specific ones start at 64). */
#ifndef RF_EVAL_STREAMS_H
#define RF_EVAL_STREAMS_H

enum {
    RF_STREAM_SUBSET = 64, /* which pictures a subset of KID holds */
    RF_STREAM_DIRECTION,   /* of sliced Wasserstein */
};

#endif
