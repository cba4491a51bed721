/* move_bf16.c - resampling, copies and patches with AVX-512 and its rounding to bf16 in one instruction. */
#include "../native_move.inc"
