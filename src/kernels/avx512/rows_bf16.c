/* rows_bf16.c - row vectors and sums with AVX-512 and its rounding to bf16 in one instruction. */
#include "../native_rows.inc"
