/* rows.c - row vectors and sums with AVX2. */
#include "../native_rows.inc"
