/* move.c - resampling, copies and patches with AVX2. */
#include "../native_move.inc"
