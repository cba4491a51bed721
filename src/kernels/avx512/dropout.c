/* dropout.c - dropout with AVX-512. */
#include "../native_dropout.inc"
