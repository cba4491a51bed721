/* dropout_bf16.c - dropout with AVX-512 and its rounding to bf16 in one instruction. */
#include "../native_dropout.inc"
