/* dw_bf16.c - weight gradient of bf16 on the tile unit. */
#define RF_NAME rf__dw_tiles_amx
#define RF_PREPARE rf__dw_prepare_tiles_amx
#include "dw.inc"
