/* cpu.c - feature bits, the state that the system saves (XCR0), and the permission that AMX needs. */
#include "cpu.h"

#include <cpuid.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18

static uint64_t xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool bit(uint32_t word, int index) { return word >> index & 1; }

/* tiles: AMX is wanted. Its permission changes the process for good (signal frames grow by eight KiB), so it is asked for only then. */
static uint32_t detect(bool tiles) {
    uint32_t a, b, c, d, flags = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27)) return 0; /* OSXSAVE */
    uint64_t state = xcr0();
    bool fma = bit(c, 12), f16c = bit(c, 29);
    if ((state & 6) != 6 || !fma || !f16c || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !bit(b, 5)) return 0;
    flags |= RF_CPU_AVX2;
    bool vnni = bit(c, 11), amx = bit(d, 24) && bit(d, 22) && bit(d, 25);
    if ((state & 0xe0) != 0xe0 || !bit(b, 16) || !bit(b, 17) || !bit(b, 30) || !bit(b, 31)) return flags;
    flags |= RF_CPU_AVX512;
    if (vnni) flags |= RF_CPU_AVX512_VNNI;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && bit(a, 5)) flags |= RF_CPU_AVX512_BF16;
    if (tiles && amx && (state >> 17 & 3) == 3 && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0)
        flags |= RF_CPU_AMX;
    return flags;
}

static uint32_t detected, capped;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct {
    const char *name;
    uint32_t allowed, added; /* added: where there is AVX-512 with bf16 */
} caps[] = {
    {"ref", 0, 0},
    {"avx2", RF_CPU_AVX2, 0},
    {"avx512", RF_CPU_AVX2 | RF_CPU_AVX512 | RF_CPU_AVX512_BF16 | RF_CPU_AVX512_VNNI, 0},
    {"amx", ~0u, 0},
    {"amx-emulated", ~(uint32_t)RF_CPU_AMX, RF_CPU_AMX_EMULATED},
};

static bool known(const char *name) {
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
        if (!strcmp(caps[i].name, name)) return true;
    return false;
}

/* What is left of `flags` under a cap; of an unknown one all. */
static uint32_t under(const char *name, uint32_t flags) {
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
        if (!strcmp(caps[i].name, name)) return (flags & caps[i].allowed) | (flags & RF_CPU_AVX512_BF16 ? caps[i].added : 0);
    return flags;
}

static void init(void) {
    const char *cap = getenv("STRAIT_CPU");
    bool any = !cap || !*cap;
    detected = detect(any || (under(cap, RF_CPU_AMX) & RF_CPU_AMX));
    capped = detected;
    if (any) return;
    if (!known(cap)) rf__warn("STRAIT_CPU is \"%s\", expected ref, avx2, avx512, amx or amx-emulated; it is ignored", cap);
    capped = under(cap, detected);
}

uint32_t rf__cpu_flags(void) {
    pthread_once(&once, init);
    return capped;
}

uint32_t rf__cpu_cap(const char *name) {
    pthread_once(&once, init);
    return known(name) ? under(name, detected) : ~0u;
}

const char *rf__cpu_name(uint32_t flags) {
    if (flags & RF_CPU_AMX) return "amx";
    if (flags & RF_CPU_AMX_EMULATED) return "amx-emulated";
    if (flags & RF_CPU_AVX512) return flags & RF_CPU_AVX512_BF16 ? "avx512+bf16" : "avx512";
    return flags & RF_CPU_AVX2 ? "avx2" : "ref";
}
