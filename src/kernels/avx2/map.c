/* map.c - elementwise kernels and Adam with AVX2. */
#include "../native_map.inc"
