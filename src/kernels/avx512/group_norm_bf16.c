/* group_norm_bf16.c - group normalisation with AVX-512 and its rounding to bf16 in one instruction. */
#include "../native_group_norm.inc"
