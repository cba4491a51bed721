/* group_norm.c - group normalisation with AVX2. */
#include "../native_group_norm.inc"
