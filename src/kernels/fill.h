/* fill.h - the hooks behind rf__kernels_ref/_avx2/_avx512: one per family and instruction set.
 * A hook writes the table entries that its files do better than what is there; ISA hooks return at the first
 * missing flag of table->cpu_flags. */
#ifndef RF_KERNELS_FILL_H
#define RF_KERNELS_FILL_H
#include "kernels.h"

/* conv: table->conv (the provider). attention: fn[RF_K_attention, RF_K_attention_bwd], attention_scratch.
 * memory: every other entry of the list. */
void rf__fill_ref_conv(rf_kernels *table);
void rf__fill_ref_attention(rf_kernels *table);
void rf__fill_ref_memory(rf_kernels *table);

void rf__fill_avx2_conv(rf_kernels *table);
void rf__fill_avx2_attention(rf_kernels *table);
void rf__fill_avx2_memory(rf_kernels *table);

void rf__fill_avx512_conv(rf_kernels *table);
void rf__fill_avx512_attention(rf_kernels *table);
void rf__fill_avx512_memory(rf_kernels *table);
void rf__fill_avx512_quantise(rf_kernels *table);
extern const rf_conv_provider rf__avx2_provider, rf__avx512_provider, rf__avx512_bf16_provider;

void rf__fill_amx_conv(rf_kernels *table); /* bf16; f32 as with AVX-512 */
void rf__fill_amx_attention(rf_kernels *table);
void rf__fill_amx_int8(rf_kernels *table);
void rf__fill_avx512_int8(rf_kernels *table); /* conv_int8 and, by the hook above, what makes its bytes */

#endif
