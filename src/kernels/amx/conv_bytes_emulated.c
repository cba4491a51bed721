/* conv_bytes_emulated.c - the same with tiles in plain C, for tests on machines without the unit. */
#define RF_NAME rf__conv_bytes_emulated
#define RF_BYTES
#define RF_TILES_EMULATED
#include "conv.inc"
