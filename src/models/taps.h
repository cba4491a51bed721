/* taps.h - attention looked into: a graph built with taps gives each block's q, k, v out and takes others in, a row at a time. */
#ifndef RF_MODEL_TAPS_H
#define RF_MODEL_TAPS_H
#include "../graph/plan.h"

enum { RF_MAX_TAPS = 60 /* a graph has 64 outputs */ };

/* Filled while the graph is built. */
typedef struct rf_taps {
    int count;
    int64_t tokens[RF_MAX_TAPS], width[RF_MAX_TAPS]; /* of the q, k, v of block i, each */
} rf_taps;

/* Between the projection to q, k, v and the attention: qkv [B,T,3C] or [B,H,W,3C] -> the same shape.
 * Named on the graph, for block i: output "tap.i.own", inputs "tap.i.given" like qkv, "tap.i.keep" and "tap.i.mix" [B,3C]. The result is
 * keep * own + mix * given, which is own to the bit for keep 1 and mix 0. taps NULL: qkv itself. */
rf_node *rf__tap(rf_taps *taps, rf_graph *graph, rf_node *qkv);

#endif
