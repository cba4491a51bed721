/* memory_bf16.c - the memory-bound entries that gain from AVX-512 BF16's rounding. */
#include "../native_memory.h"

void rf__avx512bf16_fill(rf_kernels *table) {
    rf__avx512bf16_fill_map(table);
    rf__avx512bf16_fill_group_norm(table);
    rf__avx512bf16_fill_layer_norm(table);
    rf__avx512bf16_fill_rows(table);
    rf__avx512bf16_fill_move(table);
    rf__avx512bf16_fill_dropout(table);
}
