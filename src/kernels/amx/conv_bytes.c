/* conv_bytes.c - convolution of bytes on the tile unit. */
#define RF_NAME rf__conv_bytes_amx
#define RF_BYTES
#include "conv.inc"
