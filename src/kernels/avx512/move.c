/* move.c - resampling, copies and patches with AVX-512. */
#include "../native_move.inc"
