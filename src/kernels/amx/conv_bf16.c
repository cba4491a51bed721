/* conv_bf16.c - convolution of bf16 on the tile unit. */
#define RF_NAME rf__conv_tiles_amx
#include "conv.inc"
