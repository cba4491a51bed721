/* taps.c - see taps.h. */
#include "taps.h"

#include <stdio.h>

static const char *name_of(int block, const char *what, char name[32]) {
    snprintf(name, 32, "tap.%d.%s", block, what);
    return name;
}

rf_node *rf__tap(rf_taps *taps, rf_graph *g, rf_node *qkv) {
    if (!taps || !qkv || taps->count == RF_MAX_TAPS) return qkv;
    char name[32];
    rf_shape shape = rf__node_shape(qkv);
    int block = taps->count++;
    int64_t wide = shape.dim[shape.rank - 1];
    taps->width[block] = wide / 3;
    taps->tokens[block] = rf__shape_count(&shape) / shape.dim[0] / wide;
    rf__output(g, name_of(block, "own", name), qkv);
    rf_node *given = rf__input(g, name_of(block, "given", name), RF_F32, shape);
    rf_node *keep = rf__input(g, name_of(block, "keep", name), RF_F32, rf__shape2(shape.dim[0], wide));
    rf_node *mix = rf__input(g, name_of(block, "mix", name), RF_F32, rf__shape2(shape.dim[0], wide));
    return rf__add(g, rf__mul_rows(g, qkv, keep), rf__mul_rows(g, rf__to_compute(g, given), mix));
}
