/* layer_norm.c - layer normalisation with AVX-512. */
#include "../native_layer_norm.inc"
