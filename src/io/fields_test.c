/* fields_test.c - settings by table from YAML and JSON, and the sentences of what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fields.h"
#include "yaml.h"

typedef struct settings {
    int64_t steps;
    double lr;
    bool flip;
    char name[RF_FIELD_STRING_MAX];
    int law;
    rf_int_list sizes;
    rf_float_list grid;
} settings;

static const char *const laws[] = {"uniform", "cosh", NULL};
static const rf_field_desc table[] = {
    {"steps", RF_FIELD_INT, offsetof(settings, steps), "20", 1, 1000, NULL, "how many"},
    {"lr", RF_FIELD_FLOAT, offsetof(settings, lr), "1e-3", 0, 1, NULL, "rate"},
    {"flip", RF_FIELD_BOOL, offsetof(settings, flip), "false", 0, 0, NULL, "mirror"},
    {"name", RF_FIELD_STRING, offsetof(settings, name), NULL, 0, 0, NULL, "what"},
    {"law", RF_FIELD_CHOICE, offsetof(settings, law), "uniform", 0, 0, laws, "time law"},
    {"sizes", RF_FIELD_INTS, offsetof(settings, sizes), "[1,2,2]", 1, 16, NULL, "widths"},
    {"grid", RF_FIELD_FLOATS, offsetof(settings, grid), "[]", 0, 1, NULL, "times"},
    {NULL},
};

static rf_status read_yaml(const char *text, settings *out) {
    json_t *tree;
    rf_status status = rf__yaml_parse(&tree, text, strlen(text), "r.yaml");
    if (status == RF_OK) status = rf__fields_read(table, out, tree, "r.yaml");
    rf__yaml_free(&tree);
    return status;
}

static void reads(void **state) {
    (void)state;
    settings s;
    assert_int_equal(read_yaml("name: a b\nsteps: 7\nlr: 2.5e-4\nflip: true\nlaw: cosh\nsizes: [1, 3]\ngrid: [0, 0.5, 1]\n", &s), RF_OK);
    assert_int_equal(s.steps, 7);
    assert_true(s.lr == 2.5e-4 && s.flip && s.law == 1 && s.sizes.count == 2 && s.sizes.at[1] == 3);
    assert_true(s.grid.count == 3 && s.grid.at[1] == 0.5);
    assert_string_equal(s.name, "a b");
    assert_int_equal(read_yaml("name: \"12\"\n", &s), RF_OK); /* quoted stays text; the rest are defaults */
    assert_true(s.steps == 20 && s.lr == 1e-3 && !s.flip && s.law == 0 && s.sizes.count == 3);
    json_t *json = rf__fields_write(table, &s);
    settings again;
    assert_int_equal(rf__fields_read(table, &again, json, "json"), RF_OK);
    assert_string_equal(again.name, "12");
    json_decref(json);
    assert_int_equal(rf__fields_set(table, &s, "steps", "55", "command line"), RF_OK);
    assert_int_equal(s.steps, 55);
    assert_int_equal(rf__fields_set(table, &s, "sizes", "[4]", "command line"), RF_OK);
    assert_int_equal(s.sizes.at[0], 4);
    assert_int_equal(rf__fields_set(table, &s, "steps", "0", "command line"), RF_EFORMAT);
}

static void sentences(void **state) {
    (void)state;
    static const struct { const char *text, *says; } cases[] = {
        {"name: x\n\nstep: 3\n", "r.yaml:3: unknown key step, did you mean steps?"},
        {"name: x\nzzzzzzzz: 3\n", "unknown key zzzzzzzz"},
        {"name: x\nsteps: 0\n", "r.yaml:2: steps is 0, expected 1 .. 1000"},
        {"name: x\nsteps: 1.5\n", "expected a whole number"},
        {"name: x\nsteps: many\n", "steps is \"many\""},
        {"name: x\nlr: .nan\n", "expected a number"},
        {"name: x\nflip: 3\n", "expected true or false"},
        {"name: x\nlaw: gauss\n", "expected one of uniform, cosh"},
        {"name: x\nsizes: [1, x]\n", "expected a list"},
        {"name: x\nsizes: [1, 99]\n", "sizes is 99"},
        {"name: x\nsizes: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n", "at most 16"},
        {"steps: 3\n", "name is missing"},
        {"name: x\nname: y\n", "r.yaml:2: name is given twice"},
        {"name: &a x\n", "anchors"},
        {"name: !!str x\n", "tags"},
        {"name: [x\n", "r.yaml:"},
        {"- 3\n", "expected keys and values"},
        {"", "empty"},
        {"name: x\n  bad: indent\n", "r.yaml:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        settings s;
        if (read_yaml(cases[i].text, &s) == RF_OK) fail_msg("taken: %s", cases[i].text);
        if (!strstr(rf_last_error(), cases[i].says))
            fail_msg("\"%s\" says \"%s\", expected \"%s\" in it", cases[i].text, rf_last_error(), cases[i].says);
    }
}

static void deep_nesting_is_refused(void **state) {
    (void)state;
    char text[4096] = "a: ";
    memset(text + 3, '[', 2000);
    memset(text + 2003, ']', 2000);
    text[4003] = 0;
    settings s;
    assert_int_equal(read_yaml(text, &s), RF_EFORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(sentences), cmocka_unit_test(deep_nesting_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
