/* args_test.c - values, ranges, aliases and the sentences of wrong ones; output patterns; A1111 texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "args.h"
#include "args_files.h"
#include "infotext.h"
#include "outpath.h"
#include "../base/status.h"

typedef struct settings {
    bool flag;
    int64_t whole;
    double real;
    const char *text, *choice;
    rf_arg_list labels, times;
} settings;

static const char *const colours[] = {"red", "green", NULL};
static const rf_arg table[] = {
    {"flag", 'f', NULL, RF_ARG_FLAG, offsetof(settings, flag), .help = ""},
    {"whole", 0, "total entire-number", RF_ARG_INT, offsetof(settings, whole), .preset = "7", .min = 1,
     .max = 10, .help = ""},
    {"real", 0, NULL, RF_ARG_FLOAT, offsetof(settings, real), .preset = "0.5", .help = ""},
    {"text", 0, NULL, RF_ARG_STRING, offsetof(settings, text), .help = ""},
    {"choice", 0, NULL, RF_ARG_CHOICE, offsetof(settings, choice), .preset = "green", .choices = colours,
     .help = ""},
    {"labels", 0, NULL, RF_ARG_INTS, offsetof(settings, labels), .min = -1, .max = 9, .help = ""},
    {"times", 0, NULL, RF_ARG_FLOATS, offsetof(settings, times), .max = 1, .help = ""},
    {NULL},
};

static char sentence[600];

static bool set(settings *s, const char *name, const char *text) {
    sentence[0] = '\0';
    char label[64];
    snprintf(label, sizeof label, "--%s", name);
    return rf__args_set(rf__args_find(table, name), s, text, label, sentence, sizeof sentence);
}

static void values_are_parsed(void **state) {
    (void)state;
    settings s;
    memset(&s, 0xff, sizeof s); /* a struct nobody cleared: what has no preset becomes zero all the same */
    rf__args_defaults(table, &s);
    assert_true(!s.flag && s.times.at == NULL);
    assert_int_equal(s.whole, 7);
    assert_true(s.real == 0.5 && s.text == NULL && s.labels.count == 0);
    assert_string_equal(s.choice, "green");
    assert_true(set(&s, "whole", "10") && s.whole == 10);
    assert_true(set(&s, "real", "-1e3") && s.real == -1000);
    assert_true(set(&s, "labels", "3,-1,0") && s.labels.count == 3 && s.labels.at[1] == -1);
    assert_true(set(&s, "labels", "4") && s.labels.count == 1); /* again: replaced */
    assert_true(set(&s, "times", "0,0.25,1") && s.times.count == 3 && s.times.at[1] == 0.25);
    assert_true(set(&s, "choice", "red") && s.choice == colours[0]);
    assert_true(set(&s, "flag", "true") && s.flag);
    rf__args_fini(table, &s);
    assert_null(s.times.at);
}

static void wrong_values_name_flag_value_and_range(void **state) {
    (void)state;
    settings s = {0};
    const char *wrong[][3] = {
        {"whole", "0", "--whole is 0, expected a whole number from 1 to 10"},
        {"whole", "11", "from 1 to 10"},
        {"whole", "3x", "--whole is 3x"},
        {"whole", "", "--whole is empty"},
        {"whole", "99999999999999999999", "from 1 to 10"},
        {"real", "nan", "expected a number"},
        {"real", "1,2", "expected a number"},
        {"choice", "blue", "--choice is blue, expected one of red, green"},
        {"labels", "3,,4", "whole numbers separated by commas from -1 to 9"},
        {"labels", "1.5", "whole numbers"},
        {"labels", "3,10", "from -1 to 9"},
        {"times", "0,1.5", "from 0 to 1"},
        {"times", "0;1", "separated by commas"},
        {"flag", "maybe", "true or false"},
        {"text", "", "--text is empty"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(set(&s, wrong[i][0], wrong[i][1]));
        if (!strstr(sentence, wrong[i][2])) fail_msg("'%s' lacks '%s'", sentence, wrong[i][2]);
    }
    rf__args_fini(table, &s);
}

static void aliases_and_underscores_find_the_entry(void **state) {
    (void)state;
    assert_ptr_equal(rf__args_find(table, "total"), &table[1]);
    assert_ptr_equal(rf__args_find(table, "entire_number"), &table[1]);
    assert_ptr_equal(rf__args_find(table, "entire-number"), &table[1]);
    assert_null(rf__args_find(table, "entire"));
    assert_null(rf__args_find(table, ""));
}

typedef struct files {
    const char *in, *out, *side;
} files;

static const rf_arg file_table[] = {{"in", 0, NULL, RF_ARG_STRING, offsetof(files, in), .help = ""},
                                    {"out", 0, NULL, RF_ARG_OUTPUT, offsetof(files, out), .help = ""},
                                    {"side", 0, NULL, RF_ARG_OUTPUT, offsetof(files, side), .help = ""},
                                    {NULL}};

static bool clash(files of, const char *json, const char *argument) {
    const rf_args spec = {.table = file_table};
    const rf_common common = {.json = json};
    char *arguments[] = {(char *)argument};
    const rf_arg_rest rest = {argument != NULL, arguments};
    sentence[0] = '\0';
    return rf__args_clash(&spec, &of, &common, &rest, sentence, sizeof sentence);
}

static void what_is_written_is_named_once(void **state) {
    (void)state;
    assert_false(clash((files){"a", "b", "c"}, "d", "e"));
    assert_false(clash((files){NULL, "-", NULL}, "-", NULL)); /* each command says what may go to standard output */
    assert_false(clash((files){NULL, "/dev/null", "/dev/null"}, "/dev/null", NULL));
    assert_false(clash((files){"a", NULL, NULL}, NULL, "a")); /* reading twice is no harm */
    assert_true(clash((files){"a", "a", NULL}, NULL, NULL));
    assert_string_equal(sentence, "--out is a, which --in names too, expected another file");
    assert_true(clash((files){NULL, "a", "./a"}, NULL, NULL));
    assert_true(clash((files){NULL, "a", NULL}, "a", NULL));
    assert_true(clash((files){"a", NULL, NULL}, "a", NULL));
    assert_true(clash((files){NULL, "a", NULL}, NULL, "a"));
    assert_string_equal(sentence, "--out is a, which an argument names too, expected another file");
    assert_true(clash((files){"src/../src", "src", NULL}, NULL, NULL)); /* one folder under two names */
}

static void check_name(const char *pattern, int64_t index, const char *expected) {
    char *name = rf__outpath_name(pattern, index);
    assert_string_equal(name, expected);
    free(name);
}

static void patterns_become_names(void **state) {
    (void)state;
    check_name("out_%03d.png", 7, "out_007.png");
    check_name("out_%03d.png", 12345, "out_12345.png");
    check_name("a/%d.png", 7, "a/7.png");
    check_name("100%%_%2d.png", 7, "100%_ 7.png");
    check_name("plain.png", 7, "plain.png");
    assert_int_equal(rf__outpath_check("out_%03d.png", true, NULL), RF_OK);
    assert_int_equal(rf__outpath_check("-", false, NULL), RF_OK);
    assert_int_equal(rf__outpath_check("A.PNG", false, NULL), RF_OK);
    const char *wrong[] = {"%s.png",   "%n.png", "%*d.png", "a%.png",  "%d_%d.png",
                           "%99d.png", "a.jpg",  ".png",    "%ld.png", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(rf__outpath_check(wrong[i], false, NULL), RF_EINVAL);
    assert_int_equal(rf__outpath_check("cat.png", true, NULL), RF_EINVAL);
    assert_null(strstr(rf_last_error(), "--grid"));
    assert_int_equal(rf__outpath_check("cat.png", true, "--grid"), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "out_%03d.png, or --grid"));
    assert_int_equal(rf__outpath_check("-", true, NULL), RF_EINVAL);
}

static const char *at(const json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "(none)";
}

static void infotext_is_taken_apart(void **state) {
    (void)state;
    json_t *json = rf__infotext_parse(
        "a cat,\nlooking up\nNegative prompt: dog, rain\nSteps: 20, Sampler: Euler a, Size: 512x512, "
        "Lora hashes: \"x: 1, y: 2\", Version: 1.6");
    assert_string_equal(at(json, "prompt"), "a cat,\nlooking up");
    assert_string_equal(at(json, "negative_prompt"), "dog, rain");
    assert_string_equal(at(json, "Steps"), "20");
    assert_string_equal(at(json, "Sampler"), "Euler a");
    assert_string_equal(at(json, "Lora hashes"), "\"x: 1, y: 2\"");
    assert_string_equal(at(json, "Version"), "1.6");
    json_decref(json);
    json = rf__infotext_parse("only a prompt");
    assert_string_equal(at(json, "prompt"), "only a prompt");
    assert_int_equal(json_object_size(json), 1);
    json_decref(json);
    json = rf__infotext_parse("Steps: 4, Sampler: Heun, , x");
    assert_string_equal(at(json, "prompt"), "");
    assert_string_equal(at(json, "Sampler"), "Heun");
    json_decref(json);
    json = rf__infotext_parse("");
    assert_non_null(json);
    json_decref(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_parsed),
        cmocka_unit_test(wrong_values_name_flag_value_and_range),
        cmocka_unit_test(aliases_and_underscores_find_the_entry),
        cmocka_unit_test(what_is_written_is_named_once),
        cmocka_unit_test(patterns_become_names),
        cmocka_unit_test(infotext_is_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
