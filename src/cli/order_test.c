/* order_test.c - what a picture says comes back exactly, and a damaged or hostile chunk is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../models/network_test.h"
#include "order.h"

static rf_model *model; /* 4 classes */

static int set_up(void **state) {
    (void)state;
    model = fresh_network("mlp", SETTINGS("classes=4"), 1);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rf__model_free(&model);
    return 0;
}

static rf_sampling_flags flags_with(double *labels, int count) {
    return (rf_sampling_flags){.class_label = {count, labels},
                               .seed = 9,
                               .count = 6,
                               .steps = 7,
                               .cfg_scale = 1.7,
                               .guidance_low = 0.1,
                               .guidance_high = 0.9,
                               .flow_shift = 2.5,
                               .method = "heun",
                               .policy = "none"};
}

/* Of one image, as the stamp writes it. */
static json_t *chunk_of(const rf_order *order, int64_t k) {
    json_t *json = rf__order_json(order);
    json_object_set_new(json, "seed", json_integer((json_int_t)rf__order_seed(order, k)));
    json_object_set_new(json, "class_label", json_integer(rf__order_label(order, model, k)));
    return json;
}

static void comes_back_exactly(void **state) {
    (void)state;
    double labels[] = {1, 3};
    rf_sampling_flags flags = flags_with(labels, 2);
    rf_order order, back;
    assert_int_equal(rf__order_build(&order, &flags, model), RF_OK);
    for (int64_t k = 0; k < order.count; k++) {
        assert_int_equal(rf__order_label(&order, model, k), k < 3 ? 1 : 3);
        json_t *json = chunk_of(&order, k);
        char *text = json_dumps(json, JSON_COMPACT);
        json_t *read = json_loads(text, 0, NULL);
        assert_int_equal(rf__order_parse(&back, read, model), RF_OK);
        assert_ptr_equal(back.solver, order.solver);
        assert_ptr_equal(back.schedule, order.schedule);
        assert_int_equal(back.grid.steps, 7);
        assert_memory_equal(back.grid.t, order.grid.t, 8 * sizeof(double));
        assert_true(back.guidance.scale == 1.7 && back.guidance.low == 0.1 && back.guidance.high == 0.9 &&
                    back.shift == 2.5);
        assert_int_equal(back.count, 1);
        assert_int_equal(rf__order_seed(&back, 0), 9 + k);
        assert_int_equal(rf__order_label(&back, model, 0), k < 3 ? 1 : 3);
        json_t *again = chunk_of(&back, 0);
        assert_true(json_equal(json, again));
        json_decref(again);
        json_decref(read);
        json_decref(json);
        free(text);
        rf__order_fini(&back);
    }
    rf__order_fini(&order);
}

static void class_follows_the_seed_when_none_is_given(void **state) {
    (void)state;
    rf_sampling_flags flags = flags_with(NULL, 0);
    rf_order order;
    assert_int_equal(rf__order_build(&order, &flags, model), RF_OK);
    for (int64_t k = 0; k < order.count; k++)
        assert_int_equal(rf__order_label(&order, model, k), (9 + k) % 4);
    rf__order_fini(&order);
}

/* Every key taken away, and every key with values of other types and sizes. */
static void damaged_chunks_are_refused_or_harmless(void **state) {
    (void)state;
    rf_sampling_flags flags = flags_with(NULL, 0);
    flags.count = 1;
    rf_order order, back;
    assert_int_equal(rf__order_build(&order, &flags, model), RF_OK);
    json_t *good = chunk_of(&order, 0);
    const char *needed[] = {"sampling_method", "scheduler",     "policy", "times",      "cfg_scale",
                            "guidance_low",    "guidance_high", "seed",   "class_label"};
    const char *values[] = {"null",  "[]",        "{}",      "\"\"", "[null]",         "[0,1e999]",
                            "[1,1]", "[0,\"1\"]", "[[0],1]", "true"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        json_t *json = json_copy(good);
        json_object_del(json, needed[i]);
        assert_int_not_equal(rf__order_parse(&back, json, model), RF_OK);
        assert_null(back.grid.t);
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            json_t *value = json_loads(values[v], JSON_DECODE_ANY, NULL);
            if (!value) continue; /* not JSON for jansson either */
            json_object_set_new(json, needed[i], value);
            if (rf__order_parse(&back, json, model) == RF_OK)
                fail_msg("%s = %s was taken", needed[i], values[v]);
        }
        json_decref(json);
    }
    json_object_set_new(good, "class_label", json_integer(4));
    assert_int_not_equal(rf__order_parse(&back, good, model), RF_OK);
    json_object_set_new(good, "class_label", json_integer(INT64_MAX));
    assert_int_not_equal(rf__order_parse(&back, good, model), RF_OK);
    json_object_set_new(good, "seeds", json_loads("[1,2,3]", 0, NULL));
    json_object_set_new(good, "class_labels", json_loads("[1,2]", 0, NULL));
    assert_int_not_equal(rf__order_parse(&back, good, model), RF_OK);
    json_object_set_new(good, "class_labels", json_loads("[1,2,-1]", 0, NULL));
    assert_int_equal(rf__order_parse(&back, good, model), RF_OK);
    assert_int_equal(back.count, 3);
    rf__order_fini(&back);
    assert_int_not_equal(rf__order_parse(&back, NULL, model), RF_OK);
    json_decref(good);
    rf__order_fini(&order);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_exactly),
        cmocka_unit_test(class_follows_the_seed_when_none_is_given),
        cmocka_unit_test(damaged_chunks_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
