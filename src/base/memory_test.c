/* Tests of memory.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "memory.h"

static int all_zero(const unsigned char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (bytes[i]) return 0;
    return 1;
}

static void aligned_and_zero(void **state) {
    (void)state;
    const size_t sizes[] = {1, 63, 64, 65, 4097, 5u << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *p = rf__alloc(sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        assert_true(all_zero(p, sizes[i]));
        memset(p, 0xff, sizes[i]); /* the next round may get the same memory */
        rf__free(p);
    }
    rf__free(NULL);
}

static void absurd_sizes(void **state) {
    (void)state;
    assert_null(rf__alloc(0));
    assert_null(rf__alloc(SIZE_MAX));
    assert_null(rf__alloc(SIZE_MAX / 2));
    assert_null(rf__alloc_array(SIZE_MAX / 4, 8));
    assert_null(rf__alloc_array((size_t)1 << 32, (size_t)1 << 32)); /* the product wraps to 0 */
}

static void arena_keeps_what_it_gave(void **state) {
    (void)state;
    rf_arena *arena = rf__arena_create();
    assert_non_null(arena);
    unsigned char *parts[300];
    for (int i = 0; i < 300; i++) {
        size_t size = (size_t)i * 37 + 1;
        parts[i] = rf__arena_alloc(arena, size);
        assert_non_null(parts[i]);
        assert_int_equal((uintptr_t)parts[i] % 64, 0);
        assert_true(all_zero(parts[i], size));
        memset(parts[i], i & 255, size);
    }
    unsigned char *large = rf__arena_alloc(arena, 1 << 20);
    assert_non_null(large);
    assert_true(all_zero(large, 1 << 20));
    for (int i = 0; i < 300; i++) {
        assert_int_equal(parts[i][0], i & 255);
        assert_int_equal(parts[i][i * 37], i & 255);
    }
    assert_string_equal(rf__arena_strdup(arena, "strait"), "strait");
    assert_null(rf__arena_alloc(arena, 0));
    assert_null(rf__arena_alloc(arena, SIZE_MAX - 10));
    rf__arena_free(&arena);
    assert_null(arena);
    rf__arena_free(&arena);
}

static void memory_that_is_there(void **state) {
    (void)state;
    unsetenv("STRAIT_MEMORY_MB");
    size_t all = rf__memory_available();
    assert_true(all > 1 << 20);
    setenv("STRAIT_MEMORY_MB", "1", 1);
    assert_int_equal(rf__memory_available(), 1000000);
    setenv("STRAIT_MEMORY_MB", "1e12", 1); /* no more than there is */
    assert_true(rf__memory_available() < (size_t)1 << 50);
    unsetenv("STRAIT_MEMORY_MB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligned_and_zero),
        cmocka_unit_test(absurd_sizes),
        cmocka_unit_test(memory_that_is_there),
        cmocka_unit_test(arena_keeps_what_it_gave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
