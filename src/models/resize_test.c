/* resize_test.c - one DiT at several sizes: at its own the bytes of the ordinary model, at others the positions lie between the table's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/rng.h"
#include "model_field.h"
#include "network_test.h"

#define SIZE "height=16", "width=16", "channels=1"
#define DIT SETTINGS(SIZE, "depth=1", "hidden=16", "heads=2")

enum { SIDE = 16, MOST = 32 * 32 };

static void ask(rf_model *model, rf_dtype dtype, const float *x, float *v) {
    rf_model_field *field = NULL;
    rf_pool *pool = rf__pool_create(1);
    const rf_cond cond = {.label = -1};
    const float t = 0.3f;
    if (rf__model_field_open(&field, model, dtype, pool, 1) != RF_OK) fail_msg("%s", rf_last_error());
    rf_field view = rf__model_field_view(field);
    if (view.velocity(view.self, 1, x, &t, &cond, v) != RF_OK) fail_msg("%s", rf_last_error());
    rf__model_field_close(&field);
    rf__pool_free(&pool);
}

static void own_size_is_the_model_itself(void **state) {
    (void)state;
    rf_model *model = network_of("dit", DIT, 1, 0.05f), same;
    float x[MOST], a[SIDE * SIDE], b[SIDE * SIDE];
    rf__rng_normal(1, RF_STREAM_NOISE, 0, MOST, x);
    assert_int_equal(rf__model_at(&same, model, SIDE, SIDE), RF_OK);
    ask(model, RF_F32, x, a);
    ask(&same, RF_F32, x, b);
    assert_memory_equal(a, b, sizeof a);
    rf__model_at_fini(&same);
    rf__model_free(&model);
}

/* Twice the size: a picture that is constant in space differs between places by the positions alone. */
static void other_sizes_have_positions_between(void **state) {
    (void)state;
    rf_model *model = network_of("dit", DIT, 1, 0.05f), at;
    const int sides[] = {8, 32};
    for (int k = 0; k < 2; k++)
        for (rf_dtype dtype = RF_F32; dtype <= RF_BF16; dtype++) {
            static float x[MOST], v[MOST];
            for (int i = 0; i < MOST; i++) x[i] = 0.5f;
            assert_int_equal(rf__model_at(&at, model, sides[k], sides[k]), RF_OK);
            assert_int_equal(at.shape.height, sides[k]);
            ask(&at, dtype, x, v);
            int n = sides[k];
            double sum = 0;
            for (int y = 0; y < n; y += 2)
                for (int c = 0; c + 2 < n; c += 2) {
                    double d = (double)v[y * n + c + 2] - v[y * n + c];
                    sum += d * d / (n * n / 4);
                }
            assert_true(isfinite(sum) && sum > 1e-12); /* positions are there */
            rf__model_at_fini(&at);
        }
    rf__model_free(&model);
}

static void what_cannot(void **state) {
    (void)state;
    rf_model *unet = network_of("unet", SETTINGS(SIZE), 1, 0.05f), *dit = network_of("dit", DIT, 1, 0.05f), at;
    assert_int_equal(rf__model_at(&at, unet, 8, 8), RF_EUNSUPPORTED);
    assert_int_equal(rf__model_at(&at, dit, 9, 9), RF_EINVAL);
    rf__model_free(&unet);
    rf__model_free(&dit);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(own_size_is_the_model_itself), cmocka_unit_test(other_sizes_have_positions_between),
                                       cmocka_unit_test(what_cannot)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
