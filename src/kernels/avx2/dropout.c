/* dropout.c - dropout with AVX2. */
#include "../native_dropout.inc"
