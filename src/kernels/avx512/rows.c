/* rows.c - row vectors and sums with AVX-512. */
#include "../native_rows.inc"
