/* compare_waterfall_test.c - the figure: names of rows are whole, also under the last bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../io/image.h"
#include "../io/scratch.h"
#include "compare.h"

static void names_stay_inside(void **state) {
    (void)state;
    static const char *const names[] = {"plain loop: f32, Euler 50, one image", "+ batching", "2-RF student, 1 step", "another student of the same teacher, 1 step"};
    enum { ROWS = sizeof names / sizeof *names };
    rf_compare compare = {.settings = {.seeds = 1}, .rows = ROWS};
    compare.row = rf__alloc_array(ROWS, sizeof *compare.row);
    assert_non_null(compare.row);
    for (int i = 0; i < ROWS; i++) {
        snprintf(compare.row[i].label, sizeof compare.row[i].label, "%s", names[i]);
        compare.row[i].result[0] = (rf_compare_result){.seconds = 0.1 / (i + 1), .frechet = 0.2};
    }
    bool drawn = rf__compare_waterfall_draw(&compare, scratch_folder);
    rf__free(compare.row);
    if (!drawn) skip(); /* there is no gnuplot */
    rf_image figure = {0};
    assert_int_equal(rf__image_read(&figure, scratch_path("waterfall.png"), 1), RF_OK);
    for (int y = 0; y < figure.height; y++)
        for (int x = 1; x <= 2; x++) assert_int_equal(figure.pixels[(y + 1) * figure.width - x], 255);
    rf__image_free(&figure);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_stay_inside)};
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
