/* feature_store_test.c - what is put comes back to the bit, from memory or disk; what does not fit is counted, never wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "replay.h"

enum { TOKENS = 5, WIDTH = 6, STRIDE = 3 * WIDTH, COUNT = TOKENS * STRIDE };

static void fill(float *x, int seed, bool half) {
    for (int i = 0; i < COUNT; i++) x[i] = half ? (float)((i * 7 + seed) % 64 - 32) / 16 : (float)(i + seed) * 0.1f;
}

static bool put(rf_feature_store *store, int interval, int block, int tensor, const float *x) {
    return rf__feature_store_put(store, (rf_feature_key){interval, false, block, tensor}, TOKENS, WIDTH, STRIDE, x + tensor * WIDTH);
}

/* Whether the tensor comes back as in x, and nothing beside it is touched. */
static bool comes_back(rf_feature_store *store, int interval, int block, int tensor, const float *x) {
    float got[COUNT] = {0};
    if (!rf__feature_store_get(store, (rf_feature_key){interval, false, block, tensor}, TOKENS, WIDTH, STRIDE, got + tensor * WIDTH)) return false;
    for (int i = 0; i < COUNT; i++) {
        bool inside = i % STRIDE / WIDTH == tensor;
        float want = inside ? x[i] : 0;
        if (memcmp(&got[i], &want, sizeof want) != 0) return false;
    }
    return true;
}

static void everything_comes_back(rf_feature_store *store, bool half) {
    float x[COUNT];
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 3; k++) {
            fill(x, 10 * i + k, half);
            assert_true(put(store, i, i % 2, k, x));
        }
    for (int i = 7; i >= 0; i--)
        for (int k = 0; k < 3; k++) {
            fill(x, 10 * i + k, half);
            assert_true(comes_back(store, i, i % 2, k, x));
        }
    assert_false(comes_back(store, 0, 1, 0, x)); /* block 1 recorded in odd intervals only */
    rf_feature_stats stats = rf__feature_store_stats(store);
    assert_int_equal(stats.kept, 24);
    assert_int_equal(stats.hits, 24);
    assert_int_equal(stats.misses, 1);
    assert_int_equal(stats.memory_bytes + stats.disk_bytes, 24 * TOKENS * WIDTH * (half ? 2 : 4));
}

static void memory_and_disk(void **state) {
    (void)state;
    const size_t memory[] = {1 << 20, 500, 0};
    for (int i = 0; i < 3; i++)
        for (int half = 0; half < 2; half++) {
            rf_feature_store *store;
            assert_int_equal(rf__feature_store_create(&store, memory[i], 1 << 20), RF_OK);
            everything_comes_back(store, half);
            assert_true((rf__feature_store_stats(store).disk_bytes > 0) == (i > 0));
            rf__feature_store_free(&store);
            assert_null(store);
        }
}

static void a_full_store_drops(void **state) {
    (void)state;
    rf_feature_store *store;
    float x[COUNT];
    fill(x, 1, false);
    assert_int_equal(rf__feature_store_create(&store, 4 * TOKENS * WIDTH, 4 * TOKENS * WIDTH), RF_OK);
    assert_true(put(store, 0, 0, 0, x));  /* memory */
    assert_true(put(store, 0, 0, 1, x));  /* disk */
    assert_false(put(store, 0, 0, 2, x)); /* nowhere */
    assert_true(comes_back(store, 0, 0, 0, x) && comes_back(store, 0, 0, 1, x));
    assert_false(comes_back(store, 0, 0, 2, x));
    rf_feature_stats stats = rf__feature_store_stats(store);
    assert_int_equal(stats.dropped, 1);
    assert_int_equal(stats.kept, 2);
    /* put again replaces */
    fill(x, 2, false);
    assert_true(put(store, 0, 0, 0, x));
    assert_true(comes_back(store, 0, 0, 0, x));
    /* another size is a miss */
    float y[COUNT];
    assert_false(rf__feature_store_get(store, (rf_feature_key){0, false, 0, 0}, TOKENS, WIDTH - 1, STRIDE, y));
    rf__feature_store_free(&store);
}

static void rules(void **state) {
    (void)state;
    rf_replay_rule rule;
    assert_int_equal(rf__replay_rule_parse(&rule, "replace_v"), RF_OK);
    assert_true(rule.keep[2] == 0 && rule.mix[2] == 1 && rule.mix[0] == 0 && rule.keep[0] == 1);
    assert_int_equal(rf__replay_rule_parse(&rule, "add_q:0.5+replace_k:0.25"), RF_OK);
    assert_true(rule.keep[0] == 1 && rule.mix[0] == 0.5f && rule.keep[1] == 0.75f && rule.mix[1] == 0.25f && rule.mix[2] == 0);
    const char *const wrong[] = {"", "replace", "replace_x", "copy_v", "add_q:", "add_q:x", "add_q+", "add_qq", "replace_v:nan"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(rf__replay_rule_parse(&rule, wrong[i]), RF_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_and_disk), cmocka_unit_test(a_full_store_drops), cmocka_unit_test(rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
