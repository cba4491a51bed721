/* native_attention.h - block sizes and scratch of the native attention; static inline only.
 * Cells are 32 bits as in native.h: f32 (bf16 is widened when packed), or with `paired` two bf16 neighbours. */
#ifndef RF_KERNELS_NATIVE_ATTENTION_H
#define RF_KERNELS_NATIVE_ATTENTION_H
#include "native.h"

enum {
    RF_ATTENTION_QB = 24, RF_ATTENTION_KB = 256,         /* queries and keys of a forward block: scores stay in L1 */
    RF_ATTENTION_BWD_QB = 48, RF_ATTENTION_BWD_KB = 128, /* backward: more queries, each sum over them is added once */
    RF_ATTENTION_TILE = 16, RF_ATTENTION_TILES_QB = 32, RF_ATTENTION_TILES_BWD_QB = 64, /* of RF_FORM_TILES: whole tiles of queries and of pairs */
};

typedef struct rf_attention_cut {
    int qb, kb;
    int steps;              /* cells of a row of channels */
    int width, columns;     /* dim and tk rounded up to vectors */
    int key_rows, query_rows; /* cells that tk keys, qb queries take when summed over */
    /* Offsets into the scratch. k_columns: K as [panel of keys][step][key]; k_rows: K as [panel of channels][key][channel];
     * q_cells, y_cells: a block of q and dy, row by row; q_rows, y_rows: the same as operands of sums over queries. */
    size_t k_columns, v_columns, k_rows, v_rows, q_cells, y_cells, q_rows, y_rows;
    size_t scores, narrow, wide, out, dk, dv, total;
} rf_attention_cut;

static inline size_t rf__attention_take(rf_attention_cut *c, int64_t bytes) {
    size_t at = c->total;
    c->total += rf__native_round64((size_t)bytes);
    return at;
}

static inline int rf__attention_round(int64_t n, int64_t grain) { return (int)((n + grain - 1) / grain * grain); }

static inline rf_attention_cut rf__attention_cut(const rf_attention_args *a, bool backward, int vw, int form) {
    const bool tiles = form == RF_FORM_TILES, paired = tiles || form == RF_FORM_DOT;
    rf_attention_cut c = {.qb = backward ? RF_ATTENTION_BWD_QB : RF_ATTENTION_QB,
                          .kb = backward ? RF_ATTENTION_BWD_KB : RF_ATTENTION_KB};
    if (tiles) c.qb = backward ? RF_ATTENTION_TILES_BWD_QB : RF_ATTENTION_TILES_QB;
    const int64_t cell = 4, part = paired ? 2 : 1, grain = tiles ? RF_ATTENTION_TILE : 1;
    c.steps = rf__attention_round((a->dim + part - 1) / part, grain);
    c.width = rf__attention_round(a->dim, vw);
    c.columns = rf__attention_round(a->tk, tiles ? 2 * grain : vw);
    c.key_rows = rf__attention_round((a->tk + part - 1) / part, grain);
    c.query_rows = (int)(c.qb / part);
    c.k_columns = rf__attention_take(&c, cell * c.steps * c.columns);
    c.q_cells = rf__attention_take(&c, cell * c.qb * c.steps);
    c.scores = rf__attention_take(&c, cell * c.qb * c.kb);
    c.narrow = rf__attention_take(&c, paired ? 2LL * c.qb * c.kb : 0);
    c.out = rf__attention_take(&c, cell * c.qb * c.width);
    if (!backward) {
        c.v_rows = rf__attention_take(&c, cell * c.key_rows * c.width);
        return c;
    }
    c.v_columns = rf__attention_take(&c, cell * c.steps * c.columns);
    c.k_rows = rf__attention_take(&c, cell * c.key_rows * c.width);
    c.y_cells = rf__attention_take(&c, cell * c.qb * c.steps);
    c.q_rows = rf__attention_take(&c, cell * c.query_rows * c.width);
    c.y_rows = rf__attention_take(&c, cell * c.query_rows * c.width);
    c.wide = rf__attention_take(&c, cell * c.qb * c.kb); /* dy v^T, then ds */
    c.dk = rf__attention_take(&c, cell * c.columns * c.width);
    c.dv = rf__attention_take(&c, cell * c.columns * c.width);
    return c;
}

#endif
