/* attention_emulated.c - the same with tiles in plain C, for tests on machines without the unit. */
#define RF_FORM RF_FORM_TILES
#define RF_TILES_EMULATED
#define RF_NAME rf__attention_tiles_emulated
#define RF_BACKWARD rf__attention_bwd_tiles_emulated
#include "../native_attention.inc"
