/* cpu.h - what this processor can do, capped by STRAIT_CPU=ref|avx2|avx512|amx, or for tests with the tile unit emulated (amx-emulated). */
#ifndef RF_BASE_CPU_H
#define RF_BASE_CPU_H
#include <stdint.h>

enum {
    RF_CPU_AVX2 = 1 << 0,       /* AVX2 + FMA + F16C, state enabled by the OS */
    RF_CPU_AVX512 = 1 << 1,     /* F, BW, VL, DQ */
    RF_CPU_AVX512_BF16 = 1 << 2,
    RF_CPU_AVX512_VNNI = 1 << 3,
    RF_CPU_AMX = 1 << 4,        /* tile, bf16, int8, and the permission granted */
    RF_CPU_AMX_EMULATED = 1 << 5, /* never detected: the kernels of the tile unit on tiles in plain C (slow), when STRAIT_CPU=amx-emulated asks for it */
};

/* Read once; feature bits and XCR0, never the model number. */
uint32_t rf__cpu_flags(void);
/* "avx512+bf16" etc. of a flag set; static string. */
const char *rf__cpu_name(uint32_t flags);
/* Flags of a cap name ("ref", "avx2", "avx512", "amx", "amx-emulated") intersected with the machine's; ~0u for an unknown name. */
uint32_t rf__cpu_cap(const char *name);

#endif
