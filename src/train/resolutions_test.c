/* resolutions_test.c - a step at a smaller size is the step of a network of that size on pictures of that size, sizes take turns by the
 * number of the step alone, and what cannot be resized is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "images.h"
#include "method_test.h"
#include "resolutions.h"

enum { LARGE = 16, SMALL = 8, STEPS = 3 };

/* positions: as the large network's table, so that both have the same weights. */
static rf_recipe *dit_of(int side, const char *resolutions) {
    char text[1024];
    snprintf(text, sizeof text,
             "{'model':{'kind':'dit','height':%d,'width':%d,'channels':3,'patch':4,'depth':1,'hidden':16,'heads':2,'classes':3,'positions':%d},"
             "'data':{'name':'random','flip':true,'resolutions':%s},"
             "'train':{'steps':%d,'batch':8,'micro_batch':2,'lanes':2,'dtype':'f32','label_drop':0.3}}", side, side, LARGE / 4, resolutions, STEPS);
    rf_recipe *recipe = recipe_of(text);
    if (!recipe) fail_msg("%s", rf_last_error());
    return recipe;
}

static rf_source pictures(void) {
    rf_source source;
    const rf_model_shape shape = {.height = LARGE, .width = LARGE, .channels = 3, .classes = 3};
    assert_int_equal(rf__source_random(&source, &shape), RF_OK);
    return source;
}

static rf_trainer *trained(rf_recipe *recipe, rf_source *source, int threads, int steps) {
    rf_trainer *tr;
    if (rf__trainer_create(&tr, recipe, source, threads) != RF_OK) fail_msg("%s", rf_last_error());
    for (int i = 0; i < steps; i++) assert_int_equal(rf__trainer_step(tr, NULL), RF_OK);
    return tr;
}

static void expect_same_weights(rf_trainer *a, rf_trainer *b) {
    int64_t count, other;
    const float *wa = rf__weights_all(a->model->weights, &count), *wb = rf__weights_all(b->model->weights, &other);
    assert_int_equal(count, other);
    assert_memory_equal(wa, wb, (size_t)count * sizeof *wa);
    assert_memory_equal(a->ema, b->ema, (size_t)count * sizeof *wa);
}

static void as_a_network_of_that_size(void **state) {
    (void)state;
    rf_recipe *one = dit_of(LARGE, "[8]"), *two = dit_of(SMALL, "[]");
    rf_source large = pictures(), whole = pictures(), small;
    assert_int_equal(rf__source_smaller(&small, &whole, SMALL, SMALL), RF_OK);
    rf__source_close(&whole);
    rf_trainer *a = trained(one, &large, 1, STEPS), *b = trained(two, &small, 1, STEPS);
    expect_same_weights(a, b);
    rf__trainer_free(&a);
    rf__trainer_free(&b);
    rf__recipe_free(&one);
    rf__recipe_free(&two);
}

/* The own size in the list is the same as no list; threads change nothing. */
static void in_turn(void **state) {
    (void)state;
    rf_recipe *own = dit_of(LARGE, "[16]"), *none = dit_of(LARGE, "[]"), *mixed = dit_of(LARGE, "[8, 16, 8]");
    rf_source source[4] = {pictures(), pictures(), pictures(), pictures()};
    rf_trainer *tr[4] = {trained(own, &source[0], 1, STEPS), trained(none, &source[1], 1, STEPS), trained(mixed, &source[2], 1, STEPS),
                         trained(mixed, &source[3], 2, STEPS)};
    expect_same_weights(tr[0], tr[1]);
    expect_same_weights(tr[2], tr[3]);
    for (int64_t step = 0; step < 7; step++)
        assert_int_equal(rf__resolutions_lanes(tr[2]->resolutions, step)->scalars, 3 * (step % 3 == 1 ? LARGE * LARGE : SMALL * SMALL));
    assert_ptr_equal(rf__resolutions_lanes(tr[2]->resolutions, 0), rf__resolutions_lanes(tr[2]->resolutions, 2));
    for (int i = 0; i < 4; i++) rf__trainer_free(&tr[i]);
    rf__recipe_free(&own);
    rf__recipe_free(&none);
    rf__recipe_free(&mixed);
}

static void refuse(const char *text, const char *sentence) {
    assert_null(recipe_of(text));
    if (!strstr(rf_last_error(), sentence)) fail_msg("\"%s\" does not say \"%s\"", rf_last_error(), sentence);
}

static void refused(void **state) {
    (void)state;
    refuse("{'model':{'kind':'unet','height':16,'width':16},'data':{'name':'random','resolutions':[8]},'train':{'steps':1}}", "weights fit one size");
    refuse("{'model':{'kind':'dit','height':16,'width':16},'data':{'name':'random','resolutions':[6]},'train':{'steps':1}}", "divisors of the model's 16x16");
    refuse("{'model':{'kind':'dit','height':16,'width':16},'data':{'name':'pairs','resolutions':[8]},'train':{'steps':1,'coupling':'stored'}}",
           "expected independent");
    rf_recipe *odd = dit_of(LARGE, "[2]"); /* a divisor of the picture, and half a patch: for the network to refuse */
    rf_source source = pictures();
    rf_trainer *tr;
    assert_int_not_equal(rf__trainer_create(&tr, odd, &source, 1), RF_OK);
    assert_non_null(strstr(rf_last_error(), "patch is 4"));
    rf__recipe_free(&odd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_network_of_that_size),
        cmocka_unit_test(in_turn),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
