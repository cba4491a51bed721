/* tiles.h - the tile unit (AMX): eight tiles of 16 rows of 64 bytes. For kernel files of this room only; static inline.
 *
 * The instructions are inline assembly with a memory clobber: gcc 12's intrinsics have none, so it may move stores past a tile load, and its
 * _tile_loadconfig says that it reads 8 bytes of the 64. With RF_TILES_EMULATED the same names are plain C on a copy of the tiles, after Intel's
 * description of each instruction, so that every kernel of this room runs and is tested on machines without the unit (STRAIT_CPU=amx-emulated).
 * A tile number is a literal 0 .. 7. */
#ifndef RF_KERNELS_AMX_TILES_H
#define RF_KERNELS_AMX_TILES_H
#include <stdint.h>
#include <string.h>

enum { TILE_ROWS = 16, TILE_BYTES = 64, TILE_PAIRS = 16, TILE_K = 32 /* bf16 of a row */ };

#ifndef RF_TILES_EMULATED

typedef struct tile_config {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

/* All tiles whole; until tiles_off the thread carries 8 KiB more of state. */
static inline void tiles_on(void) {
    tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++) config.row_bytes[i] = TILE_BYTES, config.rows[i] = TILE_ROWS;
    __asm__ volatile("ldtilecfg %0" : : "m"(config) : "memory");
}
static inline void tiles_off(void) { __asm__ volatile("tilerelease" : : : "memory"); }

#define tile_zero(t) __asm__ volatile("tilezero %%tmm" #t : : : "memory")
/* 16 rows of 64 bytes, `stride` bytes apart */
#define tile_load(t, from, stride) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(from), "r"((int64_t)(stride)) : "memory")
#define tile_store(t, to, stride) __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(to), "r"((int64_t)(stride)) : "memory")
/* sum[m][n] += a[m][2k] b[k][2n] + a[m][2k+1] b[k][2n+1], f32 sums of bf16 */
#define tile_dot(sum, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum : : : "memory")
/* the same of four unsigned bytes of a and four signed ones of b, whole sums */
#define tile_dot_bytes(sum, a, b) __asm__ volatile("tdpbusd %%tmm" #b ", %%tmm" #a ", %%tmm" #sum : : : "memory")

#else

static _Thread_local union tile_copy {
    uint8_t byte[TILE_ROWS][TILE_BYTES];
    float sum[TILE_ROWS][16];
    uint16_t half[TILE_ROWS][TILE_K];
    int8_t small[TILE_ROWS][TILE_BYTES];
    int32_t whole[TILE_ROWS][16];
} emulated_tiles[8];

static inline void tiles_on(void) { memset(emulated_tiles, 0, sizeof emulated_tiles); }
static inline void tiles_off(void) { memset(emulated_tiles, 0xff, sizeof emulated_tiles); /* nobody may count on them */ }

static inline void emulated_load(union tile_copy *t, const void *from, int64_t stride) {
    for (int r = 0; r < TILE_ROWS; r++) memcpy(t->byte[r], (const char *)from + r * stride, TILE_BYTES);
}
static inline void emulated_store(const union tile_copy *t, void *to, int64_t stride) {
    for (int r = 0; r < TILE_ROWS; r++) memcpy((char *)to + r * stride, t->byte[r], TILE_BYTES);
}
static inline float emulated_wide(uint16_t bits) {
    const uint32_t word = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &word, 4);
    return value;
}
static inline void emulated_dot(union tile_copy *sum, const union tile_copy *a, const union tile_copy *b) {
    for (int m = 0; m < TILE_ROWS; m++) {
        float even[16] = {0}, odd[16] = {0};
        for (int k = 0; k < TILE_PAIRS; k++)
            for (int n = 0; n < 16; n++) {
                even[n] = __builtin_fmaf(emulated_wide(a->half[m][2 * k]), emulated_wide(b->half[k][2 * n]), even[n]);
                odd[n] = __builtin_fmaf(emulated_wide(a->half[m][2 * k + 1]), emulated_wide(b->half[k][2 * n + 1]), odd[n]);
            }
        for (int n = 0; n < 16; n++) sum->sum[m][n] += even[n] + odd[n];
    }
}

static inline void emulated_dot_bytes(union tile_copy *sum, const union tile_copy *a, const union tile_copy *b) {
    for (int m = 0; m < TILE_ROWS; m++)
        for (int k = 0; k < TILE_PAIRS; k++)
            for (int n = 0; n < 16; n++)
                for (int i = 0; i < 4; i++) sum->whole[m][n] += a->byte[m][4 * k + i] * b->small[k][4 * n + i];
}

#define tile_zero(t) memset(&emulated_tiles[t], 0, sizeof emulated_tiles[t])
#define tile_load(t, from, stride) emulated_load(&emulated_tiles[t], from, stride)
#define tile_store(t, to, stride) emulated_store(&emulated_tiles[t], to, stride)
#define tile_dot(sum, a, b) emulated_dot(&emulated_tiles[sum], &emulated_tiles[a], &emulated_tiles[b])
#define tile_dot_bytes(sum, a, b) emulated_dot_bytes(&emulated_tiles[sum], &emulated_tiles[a], &emulated_tiles[b])

#endif
#endif
