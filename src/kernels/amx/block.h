/* block.h - a block of sums on the tile unit: tiles 0 1 over 2 3, fed by two tiles of rows (4, 5) and two of columns (6, 7), so that every load serves two
 * products. tall, wide: whether the second tile of rows, of columns, is there; constants where these are used. Strides are in bytes.
 * BLOCK_DOT: tile_dot unless the includer says otherwise. */
#ifndef RF_KERNELS_AMX_BLOCK_H
#define RF_KERNELS_AMX_BLOCK_H
#include <stdbool.h>

#include "tiles.h"

#ifndef BLOCK_DOT
#define BLOCK_DOT tile_dot
#endif
#define BLOCK_BODY static inline __attribute__((always_inline))

BLOCK_BODY void block_zero(bool tall, bool wide) {
    tile_zero(0);
    if (wide) tile_zero(1);
    if (tall) tile_zero(2);
    if (tall && wide) tile_zero(3);
}

BLOCK_BODY void block_load(const void *sums, int64_t row, bool tall, bool wide) {
    const char *upper = sums, *lower = upper + TILE_ROWS * row;
    tile_load(0, upper, row);
    if (wide) tile_load(1, upper + TILE_BYTES, row);
    if (tall) tile_load(2, lower, row);
    if (tall && wide) tile_load(3, lower + TILE_BYTES, row);
}

BLOCK_BODY void block_store(void *sums, int64_t row, bool tall, bool wide) {
    char *upper = sums, *lower = upper + TILE_ROWS * row;
    tile_store(0, upper, row);
    if (wide) tile_store(1, upper + TILE_BYTES, row);
    if (tall) tile_store(2, lower, row);
    if (tall && wide) tile_store(3, lower + TILE_BYTES, row);
}

/* 16 steps: rows upper and lower of 16 cells each, times 16 rows of columns. */
BLOCK_BODY void block_step(const char *upper, const char *lower, int64_t left_row, const char *right, int64_t right_row, bool tall, bool wide) {
    tile_load(4, upper, left_row);
    tile_load(6, right, right_row);
    BLOCK_DOT(0, 4, 6);
    if (wide) {
        tile_load(7, right + TILE_BYTES, right_row);
        BLOCK_DOT(1, 4, 7);
    }
    if (!tall) return;
    tile_load(5, lower, left_row);
    BLOCK_DOT(2, 5, 6);
    if (wide) BLOCK_DOT(3, 5, 7);
}

#endif
