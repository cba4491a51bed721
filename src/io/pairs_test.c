/* pairs_test.c - what is written is read, noise comes back from its key, and no crash, cut or foreign file costs a pair. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/rng.h"
#include "pairs.h"
#include "scratch.h"

enum { N = 12 };

static rf_pairs_head head_of(rf_pairs_data data, bool noise, const char *teacher) {
    return (rf_pairs_head){.height = 2, .width = 3, .channels = 2, .classes = 4, .data = data, .noise = noise, .planned = 5,
                           .provenance = json_pack("{s:s, s:i}", "teacher", teacher, "steps", 8)};
}

static void image_of(uint64_t key, float *x) {
    for (int i = 0; i < N; i++) x[i] = (float)((double)((key * 31 + (uint64_t)i * 7) % 256) / 127.5 - 1);
}

static void write_some(const char *path, rf_pairs_data data, bool noise, uint64_t first, uint64_t last) {
    rf_pairs_head head = head_of(data, noise, "abc");
    rf_pairs_writer *writer;
    float x1[N], x0[N];
    if (rf__pairs_append(&writer, path, &head) != RF_OK) fail_msg("%s", rf_last_error());
    for (uint64_t key = first; key < last; key++) {
        image_of(key, x1);
        for (int i = 0; i < N; i++) x0[i] = (float)key + (float)i;
        assert_false(rf__pairs_has(writer, key));
        assert_int_equal(rf__pairs_write(writer, key, (int32_t)(key % 4), x1, noise ? x0 : NULL), RF_OK);
        assert_true(rf__pairs_has(writer, key));
    }
    assert_int_equal(rf__pairs_close(&writer), RF_OK);
    json_decref(head.provenance);
}

static void check_all(const char *path, int64_t count, bool noise) {
    rf_pairs *pairs;
    if (rf__pairs_open(&pairs, path) != RF_OK) fail_msg("%s", rf_last_error());
    assert_int_equal(rf__pairs_count(pairs), count);
    for (int64_t k = 0; k < count; k++) {
        float x0[N], x1[N], want0[N], want1[N];
        int32_t label;
        uint64_t key = 100 + (uint64_t)k;
        assert_int_equal(rf__pairs_read(pairs, k, x0, x1, &label), RF_OK);
        assert_int_equal(label, (int)(key % 4));
        image_of(key, want1);
        rf__rng_normal_sample(key, RF_STREAM_NOISE, 0, N, want0);
        for (int i = 0; i < N; i++) {
            assert_true(fabs((double)x1[i] - (double)want1[i]) < 1e-6); /* 256 levels lose nothing of these */
            assert_true(noise ? x0[i] == (float)key + (float)i : x0[i] == want0[i]);
        }
    }
    rf__pairs_free(&pairs);
}

static void round_trips(void **state) {
    (void)state;
    const char *path = scratch_path("a.pairs");
    write_some(path, RF_PAIRS_U8, false, 100, 105);
    check_all(path, 5, false);
    path = scratch_path("b.pairs");
    write_some(path, RF_PAIRS_F32, true, 100, 105);
    check_all(path, 5, true);
}

static void eight_bits_err_by_half_a_level(void **state) {
    (void)state;
    const char *path = scratch_path("c.pairs");
    rf_pairs_head head = head_of(RF_PAIRS_U8, false, "abc");
    rf_pairs_writer *writer;
    rf_pairs *pairs;
    float x1[N], x0[N], got[N];
    int32_t label;
    for (int i = 0; i < N; i++) x1[i] = (float)(2.6 * i / N - 1.3);
    assert_int_equal(rf__pairs_append(&writer, path, &head), RF_OK);
    assert_int_equal(rf__pairs_write(writer, 1, -1, x1, NULL), RF_OK);
    assert_int_equal(rf__pairs_close(&writer), RF_OK);
    assert_int_equal(rf__pairs_open(&pairs, path), RF_OK);
    assert_int_equal(rf__pairs_read(pairs, 0, x0, got, &label), RF_OK);
    assert_int_equal(label, -1);
    for (int i = 0; i < N; i++) assert_true(fabs((double)got[i] - fmin(1, fmax(-1, (double)x1[i]))) <= 1 / 255.0 + 1e-6);
    rf__pairs_free(&pairs);
    json_decref(head.provenance);
}

/* Cut in the middle of a record, as a full disk or a crash leaves it: the whole ones stay, and writing goes on. */
static void a_cut_store_goes_on(void **state) {
    (void)state;
    const char *path = scratch_path("d.pairs");
    for (int cut = 1; cut < 30; cut += 7) {
        write_some(path, RF_PAIRS_U8, false, 100, 104);
        assert_int_equal(truncate(path, 4096 + 4 * (16 + N + 4) - cut), 0);
        check_all(path, 3, false);
        write_some(path, RF_PAIRS_U8, false, 103, 105);
        check_all(path, 5, false);
        remove(path);
    }
}

static void foreign_stores_are_refused(void **state) {
    (void)state;
    const char *path = scratch_path("e.pairs");
    write_some(path, RF_PAIRS_U8, false, 100, 102);
    rf_pairs_head other = head_of(RF_PAIRS_U8, false, "xyz"), wide = head_of(RF_PAIRS_F32, false, "abc");
    rf_pairs_writer *writer;
    assert_int_equal(rf__pairs_append(&writer, path, &other), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "teacher"));
    assert_non_null(strstr(rf_last_error(), "abc"));
    assert_int_equal(rf__pairs_append(&writer, path, &wide), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "data"));
    check_all(path, 2, false); /* untouched */
    json_decref(other.provenance);
    json_decref(wide.provenance);
}

static void wrong_files(void **state) {
    (void)state;
    rf_pairs *pairs;
    assert_int_equal(rf__pairs_open(&pairs, scratch_path("none.pairs")), RF_ENOTFOUND);
    assert_int_equal(rf__pairs_open(&pairs, scratch_write("short.pairs", "STRAIT", 6)), RF_EFORMAT);
    static uint8_t head[4096 + 64];
    memset(head, ' ', sizeof head);
    memcpy(head, "STRAIT PAIRS 1\n{\"height\": 99999999999}", 38);
    assert_int_equal(rf__pairs_open(&pairs, scratch_write("size.pairs", head, sizeof head)), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "height"));
    const char *path = scratch_path("f.pairs");
    write_some(path, RF_PAIRS_U8, false, 100, 105);
    int64_t at = 4096 + 2 * (16 + N + 4) + 20; /* a bit of the third pair */
    FILE *file = fopen(path, "r+b");
    fseek(file, at, SEEK_SET);
    fputc(0x55, file);
    fclose(file);
    float x0[N], x1[N];
    int32_t label;
    assert_int_equal(rf__pairs_open(&pairs, path), RF_OK);
    assert_int_equal(rf__pairs_read(pairs, 1, x0, x1, &label), RF_OK);
    assert_int_equal(rf__pairs_read(pairs, 2, x0, x1, &label), RF_EFORMAT);
    rf__pairs_free(&pairs);
}

/* Two of seven records with a flipped bit: the other five are kept, and what is written again makes seven whole ones. */
static void damage_costs_its_own_pairs(void **state) {
    (void)state;
    const char *path = scratch_path("g.pairs");
    const int64_t record = 16 + N + 4;
    write_some(path, RF_PAIRS_U8, false, 100, 107);
    FILE *file = fopen(path, "r+b");
    for (int bad = 2; bad <= 6; bad += 4) { /* in the middle, and the last */
        fseek(file, 4096 + bad * record + 20, SEEK_SET);
        fputc(0x55, file);
    }
    fclose(file);
    rf_pairs_head head = head_of(RF_PAIRS_U8, false, "abc");
    rf_pairs_writer *writer, *second;
    assert_int_equal(rf__pairs_append(&writer, path, &head), RF_OK);
    assert_int_equal(rf__pairs_done(writer), 5);
    for (uint64_t key = 100; key < 107; key++) assert_int_equal(rf__pairs_has(writer, key), key != 102 && key != 106);
    assert_int_equal(rf__pairs_append(&second, path, &head), RF_EIO);
    assert_non_null(strstr(rf_last_error(), "another run writes"));
    assert_int_equal(rf__pairs_close(&writer), RF_OK);
    json_decref(head.provenance);
    write_some(path, RF_PAIRS_U8, false, 102, 103);
    write_some(path, RF_PAIRS_U8, false, 106, 107);
    bool seen[7] = {false};
    rf_pairs *pairs;
    assert_int_equal(rf__pairs_open(&pairs, path), RF_OK);
    assert_int_equal(rf__pairs_count(pairs), 7);
    for (int64_t k = 0; k < 7; k++) {
        float x0[N], x1[N], want[N];
        int32_t label;
        assert_int_equal(rf__pairs_read(pairs, k, x0, x1, &label), RF_OK);
        for (uint64_t key = 100; key < 107; key++) {
            rf__rng_normal_sample(key, RF_STREAM_NOISE, 0, N, want);
            if (memcmp(want, x0, sizeof want) == 0) seen[key - 100] = true;
        }
    }
    for (int i = 0; i < 7; i++) assert_true(seen[i]);
    rf__pairs_free(&pairs);
}

static void a_class_that_is_none_is_refused(void **state) {
    (void)state;
    const char *path = scratch_path("h.pairs");
    rf_pairs_head head = head_of(RF_PAIRS_U8, false, "abc");
    rf_pairs_writer *writer;
    rf_pairs *pairs;
    float x0[N], x1[N];
    int32_t label;
    image_of(1, x1);
    assert_int_equal(rf__pairs_append(&writer, path, &head), RF_OK);
    assert_int_equal(rf__pairs_write(writer, 1, 1000000, x1, NULL), RF_OK);
    assert_int_equal(rf__pairs_close(&writer), RF_OK);
    assert_int_equal(rf__pairs_open(&pairs, path), RF_OK);
    assert_int_equal(rf__pairs_read(pairs, 0, x0, x1, &label), RF_EFORMAT);
    assert_non_null(strstr(rf_last_error(), "class 1000000"));
    rf__pairs_free(&pairs);
    json_decref(head.provenance);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_costs_its_own_pairs), cmocka_unit_test(a_class_that_is_none_is_refused),
        cmocka_unit_test(round_trips),          cmocka_unit_test(eight_bits_err_by_half_a_level), cmocka_unit_test(a_cut_store_goes_on),
        cmocka_unit_test(foreign_stores_are_refused), cmocka_unit_test(wrong_files),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
