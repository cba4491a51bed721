/* memory.c - the memory-bound entries of the AVX-512 table. */
#include "../../base/cpu.h"
#include "../native_memory.h"

void rf__fill_avx512_memory(rf_kernels *table) {
    rf__avx512_fill_map(table);
    rf__avx512_fill_group_norm(table);
    rf__avx512_fill_layer_norm(table);
    rf__avx512_fill_rows(table);
    rf__avx512_fill_move(table);
    rf__avx512_fill_pool(table);
    rf__avx512_fill_dropout(table);
    if (table->cpu_flags & RF_CPU_AVX512_BF16) rf__avx512bf16_fill(table);
}
