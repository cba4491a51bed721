/* Tests of yaml.c. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scratch.h"
#include "yaml.h"

static rf_status parse(json_t **out, const char *text) {
    return rf__yaml_parse(out, text, strlen(text), "a.yaml");
}

static void scalars_of_the_core_schema(void **state) {
    (void)state;
    json_t *t;
    assert_int_equal(parse(&t, "i: 12\nn: -3\nf: 1e-4\ng: .5\nb: true\nc: False\nz: ~\ne:\nq: '12'\nd: \"true\"\ns: adam\n"
                               "v: 1.2.3\nh: 0x10\nl: [1, 2.5, x]\nbig: 9223372036854775808\n"), RF_OK);
    assert_true(json_integer_value(json_object_get(t, "i")) == 12);
    assert_true(json_integer_value(json_object_get(t, "n")) == -3);
    assert_true(json_real_value(json_object_get(t, "f")) == 1e-4);
    assert_true(json_real_value(json_object_get(t, "g")) == 0.5);
    assert_true(json_is_true(json_object_get(t, "b")));
    assert_true(json_is_false(json_object_get(t, "c")));
    assert_true(json_is_null(json_object_get(t, "z")));
    assert_true(json_is_null(json_object_get(t, "e")));
    assert_string_equal(json_string_value(json_object_get(t, "q")), "12");
    assert_string_equal(json_string_value(json_object_get(t, "d")), "true");
    assert_string_equal(json_string_value(json_object_get(t, "s")), "adam");
    assert_string_equal(json_string_value(json_object_get(t, "v")), "1.2.3");
    assert_string_equal(json_string_value(json_object_get(t, "h")), "0x10");
    const json_t *list = json_object_get(t, "l");
    assert_int_equal(json_array_size(list), 3);
    assert_true(json_real_value(json_array_get(list, 1)) == 2.5);
    assert_true(json_real_value(json_object_get(t, "big")) == 9223372036854775808.0);
    rf__yaml_free(&t);
    assert_null(t);
    rf__yaml_free(&t);
}

static void values_and_keys_know_their_lines(void **state) {
    (void)state;
    json_t *t, *other;
    assert_int_equal(parse(&t, "# first\na: 1\n\nb:\n  c: 2\n  d: true\n"), RF_OK);
    assert_int_equal(parse(&other, "\n\n\n\n\nb: {d: false}\n"), RF_OK);
    json_t *b = json_object_get(t, "b");
    assert_int_equal(rf__yaml_line(json_object_get(t, "a")), 2);
    assert_int_equal(rf__yaml_line(json_object_get(b, "c")), 5);
    assert_int_equal(rf__yaml_key_line(b, "d"), 6); /* booleans are shared, their keys are not */
    assert_int_equal(rf__yaml_line(json_object_get(b, "d")), 0);
    assert_int_equal(rf__yaml_key_line(json_object_get(other, "b"), "d"), 6);
    assert_int_equal(rf__yaml_key_line(t, "b"), 4);
    assert_int_equal(rf__yaml_key_line(t, "absent"), 0);
    json_t *gone = json_object_get(t, "a");
    rf__yaml_free(&t);
    assert_int_equal(rf__yaml_line(gone), 0); /* only compared, never read */
    rf__yaml_free(&other);
}

static void refused(const char *text, const char *sentence) {
    json_t *t = (json_t *)1;
    assert_int_equal(parse(&t, text), RF_EFORMAT);
    assert_null(t);
    assert_true(said(sentence));
}

static void refusals_carry_a_line(void **state) {
    (void)state;
    refused("a: 1\nb: 2\na: 3\n", "a.yaml:3: a is given twice");
    refused("a: &x 1\nb: *x\n", "a.yaml:1: anchors");
    refused("a: 1\nb: *x\n", "a.yaml:2: anchors");
    refused("a: 1\nb: !!str 2\n", "a.yaml:2: anchors");
    refused("a: &x [*x]\n", "a.yaml:1: anchors");
    refused("a: 1\n---\nb: 2\n", "a.yaml:2: a second document");
    refused("? [1, 2]\n: 3\n", "a.yaml:1: a key");
    refused("a: \"x\\0y\"\n", "a.yaml:1:");
    refused("\"x\\0y\": 1\n", "a.yaml:1: a key");
    refused("a: 1e999\n", "a.yaml:1:");
    refused("a: [1, 2\nb: 3\n", "a.yaml:");
    refused("a: 'open\n", "a.yaml:");
    refused("\ta: 1\n", "a.yaml:");
    refused("", "a.yaml: is empty");
    refused("# nothing\n", "a.yaml: is empty");
    refused("a: \xff\xfe\n", "a.yaml:");
    char deep[2000];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    refused(deep, "a.yaml:");
    char nested[400] = "";
    for (int i = 0; i < 40; i++) strcat(nested, "[");
    for (int i = 0; i < 40; i++) strcat(nested, "]");
    refused(nested, "nested deeper");
}

static void files_and_limits(void **state) {
    (void)state;
    json_t *t;
    assert_int_equal(rf__yaml_read(&t, scratch_path("absent.yaml")), RF_ENOTFOUND);
    assert_true(said("absent.yaml"));
    static char large[(1 << 20) + 1];
    memset(large, '#', sizeof large);
    assert_int_equal(rf__yaml_read(&t, scratch_write("large.yaml", large, sizeof large)), RF_EFORMAT);
    assert_true(said("1048576"));
    assert_int_equal(rf__yaml_read(&t, scratch_write("fine.yaml", "x: 4\n", 5)), RF_OK);
    assert_true(json_integer_value(json_object_get(t, "x")) == 4);
    rf__yaml_free(&t);
}

static void *many(void *arg) {
    const char *text = arg;
    for (int i = 0; i < 300; i++) {
        json_t *t;
        if (parse(&t, text) != RF_OK || rf__yaml_line(json_object_get(t, "a")) != (int)(strchr(text, 'a') - text) + 1) return arg;
        rf__yaml_free(&t);
    }
    return NULL;
}

static void two_threads_keep_their_lines_apart(void **state) {
    (void)state;
    pthread_t other;
    void *failed;
    assert_int_equal(pthread_create(&other, NULL, many, (void *)"\n\n\na: 7\n"), 0);
    assert_null(many((void *)"\na: 8\n"));
    pthread_join(other, &failed);
    assert_null(failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_of_the_core_schema), cmocka_unit_test(values_and_keys_know_their_lines),
        cmocka_unit_test(refusals_carry_a_line),      cmocka_unit_test(files_and_limits),
        cmocka_unit_test(two_threads_keep_their_lines_apart),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
