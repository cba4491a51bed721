/* group_norm.c - group normalisation with AVX-512. */
#include "../native_group_norm.inc"
