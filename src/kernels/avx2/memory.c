/* memory.c - the memory-bound entries of the AVX2 table. */
#include "../native_memory.h"

void rf__fill_avx2_memory(rf_kernels *table) {
    rf__avx2_fill_map(table);
    rf__avx2_fill_group_norm(table);
    rf__avx2_fill_layer_norm(table);
    rf__avx2_fill_rows(table);
    rf__avx2_fill_move(table);
    rf__avx2_fill_pool(table);
    rf__avx2_fill_dropout(table);
}
