/* rows.c - native_rows.inc at the width of this room. */
#include "../native_memory.h"

#define NAME(kernel) rf__avx2_##kernel
#include "../native_rows.inc"
