/* map_bf16.c - elementwise kernels and Adam with AVX-512 and its rounding to bf16 in one instruction. */
#include "../native_map.inc"
