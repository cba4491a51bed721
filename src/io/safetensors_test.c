/* safetensors_test.c - what is written comes back; a header that lies is refused with one sentence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "safetensors.h"

static void round_trip(void **state) {
    (void)state;
    char path[] = "/tmp/strait-test-XXXXXX";
    close(mkstemp(path));
    float a[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
    uint16_t half[3] = {0x3c00, 0xc000, 0x0001}, brain[2] = {0x3f80, 0xc040};
    rf_tensor_entry entries[] = {
        {.name = "b", .type = RF_TENSOR_F32, .rank = 2, .dim = {2, 3}, .count = 6, .data = a},
        {.name = "a", .type = RF_TENSOR_F16, .rank = 1, .dim = {3}, .count = 3, .data = half},
        {.name = "c", .type = RF_TENSOR_BF16, .rank = 1, .dim = {2}, .count = 2, .data = brain},
        {.name = "empty", .type = RF_TENSOR_F32, .rank = 1, .dim = {0}, .count = 0, .data = a},
    };
    json_t *metadata = json_pack("{s:s}", "who", "me");
    assert_int_equal(rf__safetensors_save(path, entries, 4, metadata), RF_OK);
    json_decref(metadata);
    rf_safetensors *file;
    assert_int_equal(rf__safetensors_open(&file, path), RF_OK);
    assert_int_equal(rf__safetensors_count(file), 4);
    assert_string_equal(rf__safetensors_metadata(file, "who"), "me");
    float out[6];
    const rf_tensor_entry *entry = rf__safetensors_find(file, "b");
    assert_int_equal(entry->rank, 2);
    assert_int_equal(rf__safetensors_read_f32(file, entry, out, 6), RF_OK);
    assert_memory_equal(out, a, sizeof a);
    assert_int_equal(rf__safetensors_read_f32(file, entry, out, 5), RF_EMISMATCH);
    assert_int_equal(rf__safetensors_read_f32(file, rf__safetensors_find(file, "a"), out, 3), RF_OK);
    assert_true(out[0] == 1 && out[1] == -2 && out[2] == 0x1p-24f);
    assert_int_equal(rf__safetensors_read_f32(file, rf__safetensors_find(file, "c"), out, 2), RF_OK);
    assert_true(out[0] == 1 && out[1] == -3);
    assert_null(rf__safetensors_find(file, "d"));
    rf__safetensors_close(&file);
    unlink(path);
}

/* A file of this header and `data` bytes. */
static rf_status parse(const char *header, size_t data, uint64_t length) {
    size_t size = 8 + strlen(header) + data;
    uint8_t *bytes = calloc(1, size);
    if (length == 0) length = strlen(header);
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(length >> (8 * i));
    memcpy(bytes + 8, header, strlen(header));
    rf_safetensors *file;
    rf_status status = rf__safetensors_parse(&file, bytes, size, "evil");
    rf__safetensors_close(&file);
    free(bytes);
    return status;
}

#define ONE(dtype, shape, from, to) "{\"w\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}}"

static void headers_that_lie(void **state) {
    (void)state;
    assert_int_equal(parse(ONE("F32", "[2]", "0", "8"), 8, 0), RF_OK);
    static const struct {
        const char *header;
        size_t data;
        uint64_t length;
        const char *says;
    } cases[] = {
        {"{}", 0, UINT64_MAX, "header has"},
        {"{}", 0, (uint64_t)1 << 63, "header has"},
        {"{}", 0, 3, "header has"},
        {"[]", 0, 0, "not a JSON object"},
        {"{\"w\":", 0, 0, "not a JSON object"},
        {"{}", 4, 0, "data at 4"},
        {ONE("F32", "[2]", "0", "8"), 4, 0, "data_offsets are"},
        {ONE("F32", "[3]", "0", "8"), 8, 0, "need 12"},
        {ONE("F99", "[2]", "0", "8"), 8, 0, "dtype is F99"},
        {ONE("F32", "[-2]", "0", "8"), 8, 0, "shape"},
        {ONE("F32", "2", "0", "8"), 8, 0, "shape is not a list"},
        {ONE("F32", "[9223372036854775807,4]", "0", "8"), 8, 0, "too large"},
        {ONE("F32", "[4611686018427387904,4]", "0", "8"), 8, 0, "too large"},
        {ONE("F32", "[1,1,1,1,1,1,1,1,2]", "0", "8"), 8, 0, "at most 8"},
        {ONE("F32", "[2]", "8", "0"), 8, 0, "data_offsets are"},
        {ONE("F32", "[2]", "0", "9223372036854775807"), 8, 0, "data_offsets are"},
        {ONE("F32", "[2]", "0", "18446744073709551615"), 8, 0, "header is not"},
        {ONE("F32", "[2]", "4", "12"), 12, 0, "hole"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[4,12]}}", 12, 0, "overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[4,8]}}", 8, 0, "header is not"},
        {"{\"__metadata__\":{\"k\":1}}", 0, 0, "not a text"},
        {"{\"__metadata__\":[]}", 0, 0, "not an object"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", 4, 0, "unknown key"},
        {"{\"w\":3}", 0, 0, "not described"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (parse(cases[i].header, cases[i].data, cases[i].length) != RF_EFORMAT)
            fail_msg("header %d was taken: %s", (int)i, cases[i].header);
        if (!strstr(rf_last_error(), cases[i].says) || strncmp(rf_last_error(), "evil: ", 6))
            fail_msg("header %d: says \"%s\", expected \"%s\" in it", (int)i, rf_last_error(), cases[i].says);
    }
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    const char *header = ONE("F32", "[2]", "0", "8");
    uint8_t bytes[256] = {0};
    size_t size = 8 + strlen(header) + 8;
    bytes[0] = (uint8_t)strlen(header);
    memcpy(bytes + 8, header, strlen(header));
    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *exact = malloc(cut + 1); /* its own block, so that a sanitizer sees one byte too many */
        memcpy(exact, bytes, cut);
        rf_safetensors *file;
        rf_status status = rf__safetensors_parse(&file, exact, cut, "cut");
        assert_int_equal(status, cut == size ? RF_OK : RF_EFORMAT);
        rf__safetensors_close(&file);
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(headers_that_lie),
        cmocka_unit_test(every_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
