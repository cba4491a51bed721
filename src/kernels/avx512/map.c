/* map.c - elementwise kernels and Adam with AVX-512. */
#include "../native_map.inc"
