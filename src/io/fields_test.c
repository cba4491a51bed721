/* Tests of fields.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fields.h"
#include "scratch.h"
#include "yaml.h"

typedef struct settings {
    int64_t batch, steps;
    double lr;
    bool flip;
    char name[RF_FIELD_STRING_MAX];
    int optimizer;
    rf_int_list mults;
    rf_float_list times;
} settings;

static const char *const optimizers[] = {"sgd", "adam", "adamw", NULL};

static const rf_field_desc table[] = {
    {"batch", RF_FIELD_INT, offsetof(settings, batch), "128", 1, 65536, NULL, "rows a step"},
    {"steps", RF_FIELD_INT, offsetof(settings, steps), NULL, 1, 1e9, NULL, "steps in all"},
    {"lr", RF_FIELD_FLOAT, offsetof(settings, lr), "2e-4", 0, 1, NULL, "learning rate"},
    {"flip", RF_FIELD_BOOL, offsetof(settings, flip), "true", 0, 0, NULL, "mirror half of the images"},
    {"name", RF_FIELD_STRING, offsetof(settings, name), "run", 0, 0, NULL, "name of the run"},
    {"optimizer", RF_FIELD_CHOICE, offsetof(settings, optimizer), "adam", 0, 0, optimizers, "rule"},
    {"mults", RF_FIELD_INTS, offsetof(settings, mults), "[1,2,2]", 1, 16, NULL, "width of each level"},
    {"times", RF_FIELD_FLOATS, offsetof(settings, times), "[]", 0, 1, NULL, "grid"},
    {NULL},
};

static void defaults(void **state) {
    (void)state;
    settings s;
    memset(&s, 0, sizeof s);
    assert_int_equal(rf__fields_defaults(table, &s), RF_OK);
    assert_true(s.batch == 128 && s.steps == 0 && s.lr == 2e-4 && s.flip && s.optimizer == 1);
    assert_string_equal(s.name, "run");
    assert_int_equal(s.mults.count, 3);
    assert_true(s.mults.at[0] == 1 && s.mults.at[2] == 2 && s.times.count == 0);
}

static rf_status read_text(settings *s, const char *yaml) {
    json_t *tree;
    memset(s, 0, sizeof *s);
    RF_TRY(rf__yaml_parse(&tree, yaml, strlen(yaml), "r.yaml"));
    rf_status status = rf__fields_read(table, s, tree, "r.yaml");
    rf__yaml_free(&tree);
    return status;
}

static void reads_every_type(void **state) {
    (void)state;
    settings s;
    assert_int_equal(read_text(&s, "batch: 7\nsteps: 10\nlr: 1\nflip: false\nname: a b\noptimizer: adamw\nmults: [4]\n"
                                   "times: [0, 0.25, 1]\n"), RF_OK);
    assert_true(s.batch == 7 && s.steps == 10 && s.lr == 1 && !s.flip && s.optimizer == 2);
    assert_string_equal(s.name, "a b");
    assert_true(s.mults.count == 1 && s.mults.at[0] == 4);
    assert_true(s.times.count == 3 && s.times.at[1] == 0.25);
}

static void wrong(const char *yaml, const char *sentence) {
    settings s;
    assert_int_equal(read_text(&s, yaml), RF_EFORMAT);
    assert_true(said(sentence));
}

static void refusals_name_line_key_and_expectation(void **state) {
    (void)state;
    wrong("steps: 1\nbach: 3\n", "r.yaml:2: unknown key bach, did you mean batch?");
    wrong("steps: 1\nentirely_else: 3\n", "r.yaml:2: unknown key entirely_else");
    wrong("steps: 1\n\nbatch: 0\n", "r.yaml:3: batch is 0, expected 1 .. 65536");
    wrong("steps: 1\nbatch: 65537\n", "r.yaml:2: batch is 65537");
    wrong("steps: 1\nbatch: 2.5\n", "r.yaml:2: batch is 2.5, expected a whole number");
    wrong("steps: 1\nbatch: many\n", "r.yaml:2: batch is \"many\", expected a whole number");
    wrong("steps: 1\nbatch: true\n", "r.yaml:2: batch is true, expected a whole number");
    wrong("steps: 1\nbatch:\n", "r.yaml:2: batch is null, expected a whole number");
    wrong("steps: 1\nlr: fast\n", "r.yaml:2: lr is \"fast\", expected a number");
    wrong("steps: 1\nlr: -0.5\n", "r.yaml:2: lr is -0.5, expected 0 .. 1");
    wrong("steps: 1\nflip: 1\n", "r.yaml:2: flip is 1, expected true or false");
    wrong("steps: 1\nname: [a]\n", "r.yaml:2: name is");
    wrong("steps: 1\noptimizer: lion\n", "r.yaml:2: optimizer is \"lion\", expected one of sgd, adam, adamw");
    wrong("steps: 1\noptimizer: 1\n", "r.yaml:2: optimizer is 1");
    wrong("steps: 1\nmults: 2\n", "r.yaml:2: mults is 2, expected a list");
    wrong("steps: 1\nmults: [1, 17]\n", "r.yaml:2: mults is 17, expected 1 .. 16");
    wrong("steps: 1\nmults: [1, 1.5]\n", "r.yaml:2: mults is");
    wrong("steps: 1\nmults: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n", "r.yaml:2: mults has 17 entries, expected at most 16");
    wrong("batch: 3\n", "steps is missing (steps in all)");
    wrong("[1]\n", "r.yaml: expected keys and values");
    char yaml[400] = "steps: 1\nname: ";
    memset(yaml + strlen(yaml), 'x', 256);
    wrong(yaml, "r.yaml:2: name has 256 bytes, expected below 256");
}

static void json_round_trip(void **state) {
    (void)state;
    settings a, b;
    assert_int_equal(read_text(&a, "steps: 3\nlr: 0.1\nmults: [1,3]\ntimes: [0.1]\nflip: false\noptimizer: sgd\n"), RF_OK);
    json_t *json = rf__fields_write(table, &a);
    assert_non_null(json);
    assert_int_equal(json_object_size(json), 8);
    memset(&b, 0, sizeof b);
    assert_int_equal(rf__fields_read(table, &b, json, "meta"), RF_OK);
    assert_true(b.steps == 3 && b.lr == 0.1 && b.mults.at[1] == 3 && b.times.at[0] == 0.1 && !b.flip && b.optimizer == 0);
    json_object_set_new(json, "batch", json_integer(0));
    assert_int_equal(rf__fields_read(table, &b, json, "meta"), RF_EFORMAT);
    assert_true(said("meta: batch is 0")); /* no line: it is not from a recipe */
    json_decref(json);
}

static void key_equals_value(void **state) {
    (void)state;
    settings s;
    memset(&s, 0, sizeof s);
    assert_int_equal(rf__fields_defaults(table, &s), RF_OK);
    assert_int_equal(rf__fields_set(table, &s, "batch", "32", "--set"), RF_OK);
    assert_int_equal(rf__fields_set(table, &s, "name", "12", "--set"), RF_OK); /* stays a text */
    assert_int_equal(rf__fields_set(table, &s, "optimizer", "sgd", "--set"), RF_OK);
    assert_int_equal(rf__fields_set(table, &s, "mults", "[2,4]", "--set"), RF_OK);
    assert_int_equal(rf__fields_set(table, &s, "lr", "1e-3", "--set"), RF_OK);
    assert_int_equal(rf__fields_set(table, &s, "flip", "false", "--set"), RF_OK);
    assert_true(s.batch == 32 && s.optimizer == 0 && s.mults.at[1] == 4 && s.lr == 1e-3 && !s.flip);
    assert_string_equal(s.name, "12");
    static const struct { const char *key, *value; } bad[] = {
        {"batch", ""}, {"batch", "1x"}, {"batch", "99999999999999999999"}, {"batch", "nan"}, {"lr", "inf"}, {"flip", "yes"},
        {"mults", "1,2"}, {"optimizer", ""}, {"absent", "1"}, {"name", "\xff"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rf__fields_set(table, &s, bad[i].key, bad[i].value, "--set"), RF_EFORMAT);
        assert_true(said("--set: "));
    }
    assert_true(s.batch == 32 && s.optimizer == 0); /* a refused value changes nothing */
}

static void help_has_every_key(void **state) {
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    rf__fields_help(table, stream);
    fclose(stream);
    for (const rf_field_desc *f = table; f->key; f++) assert_true(strstr(text, f->key) && strstr(text, f->help));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(refusals_name_line_key_and_expectation),
        cmocka_unit_test(json_round_trip),
        cmocka_unit_test(key_equals_value),
        cmocka_unit_test(help_has_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
