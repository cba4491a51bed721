/* layer_norm_bf16.c - layer normalisation with AVX-512 and its rounding to bf16 in one instruction. */
#include "../native_layer_norm.inc"
