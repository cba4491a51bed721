/* limits_bytes.c - as many products of bytes as the tile unit does, with operands from the first-level cache. */
#include "../limits.h"
#define BLOCK_DOT tile_dot_bytes
#include "block.h"

enum { PRODUCT = 2 * 16 * 16 * 64 /* operations of one */, CHUNKS = 6 /* of four tiles of operands: 24 KiB */ };

double rf__peak_tiles_bytes(void *memory, long n) {
    tiles_on();
    for (long k = 0; k < n; k += 16 * CHUNKS)
        for (int i = 0; i < CHUNKS; i++) {
            const char *at = (const char *)memory + 4096 * i;
            block_step(at, at + 1024, TILE_BYTES, at + 2048, 2 * TILE_BYTES, true, true);
        }
    tiles_off();
    return 4.0 * PRODUCT * CHUNKS * (double)((n + 16 * CHUNKS - 1) / (16 * CHUNKS));
}
