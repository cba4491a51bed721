/* pool.c - pooling with AVX2. */
#include "../native_pool.inc"
