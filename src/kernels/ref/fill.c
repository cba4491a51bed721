/* fill.c - the memory-bound entries of the reference table. */
#include "../fill.h"
#include "memory.h"

void rf__fill_ref_memory(rf_kernels *table) {
#define X(name) table->fn[RF_K_##name] = rf__ref_##name;
    RF_MEMORY_KERNELS(X)
#undef X
}
