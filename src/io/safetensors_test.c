/* Tests of safetensors.c and sha256.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "safetensors.h"
#include "scratch.h"
#include "sha256.h"

#define TRUE_LENGTH ((uint64_t)1 << 40)

/* A file of `header` and `data` bytes of data that says its header has `length` bytes. */
static rf_status parse(const char *header, size_t data, uint64_t length) {
    size_t n = strlen(header);
    uint8_t *bytes = malloc(8 + n + data); /* no byte more, so that a sanitizer sees a read past the end */
    uint64_t said_length = length == TRUE_LENGTH ? n : length;
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(said_length >> (8 * i));
    memcpy(bytes + 8, header, n);
    memset(bytes + 8 + n, 0, data);
    rf_safetensors *file;
    rf_status status = rf__safetensors_parse(&file, bytes, 8 + n + data, "lie");
    assert_true((status == RF_OK) == (file != NULL));
    if (status != RF_OK) assert_int_equal(strncmp(rf_last_error(), "lie: ", 5), 0);
    rf__safetensors_close(&file);
    free(bytes);
    return status;
}

#define A(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void sound_headers(void **state) {
    (void)state;
    assert_int_equal(parse("{}", 0, TRUE_LENGTH), RF_OK);
    assert_int_equal(parse("{\"a\":" A("F32", "[2,3]", 0, 24) "}", 24, TRUE_LENGTH), RF_OK);
    assert_int_equal(parse("{\"a\":" A("F32", "[]", 0, 4) "}   ", 4, TRUE_LENGTH), RF_OK); /* a scalar; padding */
    assert_int_equal(parse("{\"a\":" A("F32", "[0,5]", 0, 0) ",\"b\":" A("U8", "[3]", 0, 3) "}", 3, TRUE_LENGTH), RF_OK);
    assert_int_equal(parse("{\"b\":" A("U8", "[3]", 4, 7) ",\"a\":" A("BF16", "[2]", 0, 4) "}", 7, TRUE_LENGTH), RF_OK); /* out of order */
    assert_int_equal(parse("{\"__metadata__\":{\"k\":\"v\"}}", 0, TRUE_LENGTH), RF_OK);
}

static void lies(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        uint64_t length;
        const char *says;
    } cases[] = {
        {"{}", 0, 3, "header has 3 bytes"},
        {"{}", 0, (uint64_t)INT64_MAX, "header has 9223372036854775807 bytes"},
        {"{}", 0, UINT64_MAX, "header has"},
        {"{}", 0, 0, "JSON"},
        {"[]", 0, TRUE_LENGTH, "JSON object"},
        {"{\"a\":", 0, TRUE_LENGTH, "JSON object"},
        {"{\"a\":" A("F32", "[2]", 0, 8) ",\"a\":" A("F32", "[2]", 0, 8) "}", 8, TRUE_LENGTH, "duplicate"},
        {"{\"a\":" A("F32", "[2]", 0, 8) ",\"b\":" A("F32", "[2]", 4, 12) "}", 12, TRUE_LENGTH, "overlap"},
        {"{\"a\":" A("F32", "[2]", 0, 8) ",\"b\":" A("F32", "[2]", 0, 8) "}", 8, TRUE_LENGTH, "overlap"},
        {"{\"a\":" A("F32", "[2]", 0, 8) ",\"b\":" A("F32", "[2]", 12, 20) "}", 20, TRUE_LENGTH, "hole"},
        {"{\"a\":" A("F32", "[2]", 4, 12) "}", 12, TRUE_LENGTH, "hole"},
        {"{\"a\":" A("F32", "[2]", 0, 8) "}", 9, TRUE_LENGTH, "end at byte 8, the data at 9"},
        {"{\"a\":" A("F32", "[2]", 0, 8) "}", 7, TRUE_LENGTH, "the file has 7 bytes"},
        {"{}", 5, TRUE_LENGTH, "the data at 5"},
        {"{\"a\":" A("F32", "[2]", 8, 0) "}", 8, TRUE_LENGTH, "data_offsets are [8, 0]"},
        {"{\"a\":" A("F32", "[2]", -8, 0) "}", 8, TRUE_LENGTH, "data_offsets"},
        {"{\"a\":" A("F32", "[3]", 0, 8) "}", 8, TRUE_LENGTH, "span 8 bytes, its shape and dtype need 12"},
        {"{\"a\":" A("F32", "[-2]", 0, 8) "}", 8, TRUE_LENGTH, "shape"},
        {"{\"a\":" A("F32", "[-2,-1]", 0, 8) "}", 8, TRUE_LENGTH, "shape"},
        {"{\"a\":" A("F32", "[9223372036854775807]", 0, 8) "}", 8, TRUE_LENGTH, "shape"},
        {"{\"a\":" A("F32", "[4294967296,4294967296]", 0, 0) "}", 0, TRUE_LENGTH, "shape"},
        {"{\"a\":" A("F32", "[4611686018427387905]", 0, 4) "}", 4, TRUE_LENGTH, "shape"}, /* times 4 wraps to 4 */
        {"{\"a\":" A("F32", "[9223372036854775808]", 0, 8) "}", 8, TRUE_LENGTH, "JSON"}, /* 2^63 */
        {"{\"a\":" A("F32", "[2]", 0, 9223372036854775808) "}", 8, TRUE_LENGTH, "JSON"},
        {"{\"a\":" A("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, TRUE_LENGTH, "shape"},
        {"{\"a\":" A("F32", "[1.5]", 0, 4) "}", 4, TRUE_LENGTH, "shape"},
        {"{\"a\":" A("F32", "4", 0, 4) "}", 4, TRUE_LENGTH, "shape"},
        {"{\"a\":" A("F31", "[1]", 0, 4) "}", 4, TRUE_LENGTH, "dtype is F31"},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, TRUE_LENGTH, "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, TRUE_LENGTH, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, TRUE_LENGTH, "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", 4, TRUE_LENGTH, "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, TRUE_LENGTH, "unknown key x"},
        {"{\"a\":7}", 0, TRUE_LENGTH, "object"},
        {"{\"__metadata__\":7}", 0, TRUE_LENGTH, "__metadata__"},
        {"{\"__metadata__\":{\"k\":7}}", 0, TRUE_LENGTH, "__metadata__: k"},
        {"{\"a\\u0000b\":" A("F32", "[1]", 0, 4) "}", 4, TRUE_LENGTH, "JSON"},
        {"{\"\xff\":" A("F32", "[1]", 0, 4) "}", 4, TRUE_LENGTH, "JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (parse(cases[i].header, cases[i].data, cases[i].length) != RF_EFORMAT) fail_msg("accepted: %s", cases[i].header);
        assert_true(said(cases[i].says));
    }
    rf_safetensors *file;
    assert_int_equal(rf__safetensors_parse(&file, "\x02\0\0\0", 4, "lie"), RF_EFORMAT);
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    static const float data[2] = {1, 2};
    static const rf_tensor_entry entry = {"w", RF_TENSOR_F32, 1, {2}, 2, data};
    const char *path = scratch_path("cut.safetensors");
    assert_int_equal(rf__safetensors_save(path, &entry, 1, NULL), RF_OK);
    uint8_t *bytes;
    size_t size;
    assert_int_equal(rf__file_read(path, 1000, &bytes, &size), RF_OK);
    for (size_t n = 0; n < size; n++) {
        rf_safetensors *file;
        path = scratch_write("short.safetensors", bytes, n);
        assert_int_equal(rf__safetensors_open(&file, path), RF_EFORMAT);
        assert_null(file);
        assert_true(said("short.safetensors"));
    }
    rf__free(bytes);
}

static void round_trip(void **state) {
    (void)state;
    float f[6] = {0, -1.5f, 3e38f, 1e-40f, INFINITY, 7};
    uint16_t b[3] = {0x3f80, 0xc040, 0x7f80};          /* bf16 1, -3, inf */
    uint16_t h[5] = {0x3c00, 0xc200, 0x0001, 0x8000, 0x7bff}; /* f16 1, -3, 2^-24, -0, 65504 */
    int32_t k[2] = {-5, 6};
    uint8_t u[3] = {1, 2, 255};
    rf_tensor_entry entries[] = {
        {"f", RF_TENSOR_F32, 2, {2, 3}, 6, f}, {"b", RF_TENSOR_BF16, 1, {3}, 3, b}, {"h", RF_TENSOR_F16, 1, {5}, 5, h},
        {"k", RF_TENSOR_I32, 1, {2}, 2, k},    {"u", RF_TENSOR_U8, 3, {1, 3, 1}, 3, u},
    };
    json_t *metadata = json_pack("{s:s, s:s}", "strait.model", "{\"x\": 1}", "note", "caf\xc3\xa9");
    const char *path = scratch_path("r.safetensors");
    assert_int_equal(rf__safetensors_save(path, entries, 5, metadata), RF_OK);
    rf_safetensors *file;
    assert_int_equal(rf__safetensors_open(&file, path), RF_OK);
    assert_int_equal(rf__safetensors_count(file), 5);
    assert_true(json_equal(rf__safetensors_metadata_all(file), metadata));
    assert_string_equal(rf__safetensors_metadata(file, "note"), "caf\xc3\xa9");
    assert_null(rf__safetensors_metadata(file, "absent"));
    assert_null(rf__safetensors_find(file, "absent"));
    for (int i = 0; i < 5; i++) {
        const rf_tensor_entry *e = rf__safetensors_entry(file, i);
        assert_string_equal(e->name, entries[i].name);
        assert_true(e->type == entries[i].type && e->rank == entries[i].rank && e->count == entries[i].count);
        assert_memory_equal(e->dim, entries[i].dim, (size_t)e->rank * sizeof *e->dim);
        assert_memory_equal(e->data, entries[i].data, (size_t)e->count * rf__tensor_type_size(e->type));
    }
    float out[6];
    assert_int_equal(rf__tensor_read_f32(rf__safetensors_find(file, "f"), out, 6), RF_OK);
    assert_memory_equal(out, f, sizeof f);
    assert_int_equal(rf__tensor_read_f32(rf__safetensors_find(file, "b"), out, 3), RF_OK);
    assert_true(out[0] == 1 && out[1] == -3 && isinf(out[2]));
    assert_int_equal(rf__tensor_read_f32(rf__safetensors_find(file, "h"), out, 5), RF_OK);
    assert_true(out[0] == 1 && out[1] == -3 && out[2] == 0x1p-24f && out[3] == 0 && signbit(out[3]) && out[4] == 65504);
    assert_int_equal(rf__tensor_read_f32(rf__safetensors_find(file, "h"), out, 4), RF_EMISMATCH);
    assert_true(said("has 5 numbers, expected 4"));
    assert_int_equal(rf__tensor_read_f32(rf__safetensors_find(file, "k"), out, 2), RF_EMISMATCH);
    assert_true(said("I32"));
    rf__safetensors_close(&file);
    assert_null(file);
    rf__safetensors_close(&file);
    /* the same content gives the same bytes */
    char first[65], second[65];
    assert_int_equal(rf__sha256_file(path, first), RF_OK);
    assert_int_equal(rf__safetensors_save(path, entries, 5, metadata), RF_OK);
    assert_int_equal(rf__sha256_file(path, second), RF_OK);
    assert_string_equal(first, second);
    json_decref(metadata);
}

static void writing_that_fails(void **state) {
    (void)state;
    static float data[100000];
    rf_tensor_entry twice[2] = {{"w", RF_TENSOR_F32, 1, {100000}, 100000, data}, {"w", RF_TENSOR_F32, 1, {1}, 1, data}};
    assert_int_equal(rf__safetensors_save(scratch_path("twice"), twice, 2, NULL), RF_EINVAL);
    assert_false(rf__file_exists(scratch_path("twice")));
    assert_int_equal(rf__safetensors_save("/dev/full", twice, 1, NULL), RF_EIO);
    assert_true(said("No space left"));
    assert_int_equal(rf__safetensors_save(scratch_path("no/such/folder"), twice, 1, NULL), RF_EIO);
    rf_safetensors *file;
    assert_int_equal(rf__safetensors_open(&file, scratch_path("absent")), RF_ENOTFOUND);
    assert_int_equal(rf__safetensors_open(&file, scratch_folder), RF_EIO);
}

/* Known answers of FIPS 180-2. */
static void sha256(void **state) {
    (void)state;
    char hex[65];
    rf__sha256_bytes("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(rf__sha256_file(scratch_write("empty", "", 0), hex), RF_OK);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    static char million[1000000];
    memset(million, 'a', sizeof million);
    assert_int_equal(rf__sha256_file(scratch_write("million", million, sizeof million), hex), RF_OK);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_int_equal(rf__sha256_file(scratch_path("absent"), hex), RF_ENOTFOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_headers), cmocka_unit_test(lies),
        cmocka_unit_test(every_truncation_is_refused), cmocka_unit_test(round_trip),
        cmocka_unit_test(writing_that_fails), cmocka_unit_test(sha256),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
