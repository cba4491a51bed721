/* Tests of cpu.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu.h"

static void flags_are_consistent(void **state) {
    (void)state;
    uint32_t flags = rf__cpu_flags();
    assert_int_equal(flags, rf__cpu_flags());
    if (flags & (RF_CPU_AVX512 | RF_CPU_AMX)) assert_true(flags & RF_CPU_AVX2);
    if (flags & (RF_CPU_AVX512_BF16 | RF_CPU_AVX512_VNNI)) assert_true(flags & RF_CPU_AVX512);
    /* gcc's own reading of cpuid as a second source (it knows nothing of STRAIT_CPU) */
    if (flags & RF_CPU_AVX2) assert_true(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    if (!getenv("STRAIT_CPU")) {
        assert_int_equal(!!(flags & RF_CPU_AVX512), !!__builtin_cpu_supports("avx512bw"));
        assert_int_equal(!!(flags & RF_CPU_AVX512_VNNI), !!__builtin_cpu_supports("avx512vnni"));
    }
}

static void caps(void **state) {
    (void)state;
    assert_int_equal(rf__cpu_cap("ref"), 0);
    assert_int_equal(rf__cpu_cap("avx2") & ~(uint32_t)RF_CPU_AVX2, 0);
    assert_int_equal(rf__cpu_cap("avx512") & RF_CPU_AMX, 0);
    assert_int_equal(rf__cpu_flags() & ~rf__cpu_cap("amx"), 0); /* STRAIT_CPU takes away, never adds */
    assert_int_equal(rf__cpu_cap("sse9"), ~0u);
}

static void names(void **state) {
    (void)state;
    assert_string_equal(rf__cpu_name(0), "ref");
    assert_string_equal(rf__cpu_name(RF_CPU_AVX2), "avx2");
    assert_string_equal(rf__cpu_name(RF_CPU_AVX2 | RF_CPU_AVX512), "avx512");
    assert_string_equal(rf__cpu_name(RF_CPU_AVX512 | RF_CPU_AVX512_BF16), "avx512+bf16");
        assert_string_equal(rf__cpu_name(~0u), "amx");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_are_consistent),
        cmocka_unit_test(caps),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
