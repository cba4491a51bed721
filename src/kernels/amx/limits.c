/* limits.c - as many bf16 products as the tile unit does: on registers, and with operands from the first-level cache as products need them. */
#include "../limits.h"
#include "block.h"

enum { PRODUCT = 2 * 16 * 16 * 32 /* flop of one */, CHUNKS = 6 /* of four tiles of operands: 24 KiB */ };

double rf__peak_tiles_bf16(void *memory, long n) {
    (void)memory;
    tiles_on();
    for (long k = 0; k < n; k += 16) {
        tile_dot(0, 4, 6);
        tile_dot(1, 4, 7);
        tile_dot(2, 5, 6);
        tile_dot(3, 5, 7);
    }
    tiles_off();
    return 4.0 * PRODUCT * (double)((n + 15) / 16);
}

double rf__peak_tiles_l1(void *memory, long n) {
    const char *base = memory;
    tiles_on();
    for (long k = 0; k < n; k += 16 * CHUNKS)
        for (int i = 0; i < CHUNKS; i++) {
            const char *at = base + 4096 * i;
            block_step(at, at + 1024, TILE_BYTES, at + 2048, 2 * TILE_BYTES, true, true);
        }
    tiles_off();
    return 4.0 * PRODUCT * CHUNKS * (double)((n + 16 * CHUNKS - 1) / (16 * CHUNKS));
}
