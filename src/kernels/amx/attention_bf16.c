/* attention_bf16.c - attention of bf16 on the tile unit. */
#define RF_FORM RF_FORM_TILES
#define RF_NAME rf__attention_tiles_amx
#define RF_BACKWARD rf__attention_bwd_tiles_amx
#include "../native_attention.inc"
