/* pool.c - pooling with AVX-512. */
#include "../native_pool.inc"
