/* fill_memory.c - the memory-bound entries of the native tables. */
#include "../base/cpu.h"
#include "fill.h"
#include "native_memory.h"

void rf__fill_avx2_memory(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX2)) return;
#define X(name) table->fn[RF_K_##name] = rf__avx2_##name;
    RF_NATIVE_MEMORY(X)
#undef X
}

void rf__fill_avx512_memory(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX512)) return;
#define X(name) table->fn[RF_K_##name] = rf__avx512_##name;
    RF_NATIVE_MEMORY(X)
#undef X
}
