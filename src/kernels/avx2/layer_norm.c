/* layer_norm.c - layer normalisation with AVX2. */
#include "../native_layer_norm.inc"
