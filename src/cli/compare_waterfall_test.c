/* compare_waterfall_test.c - the figure: names of rows are whole, also under the last bars; the verdicts: none from one group of seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "../io/image.h"
#include "../io/scratch.h"
#include "compare.h"

static void fill(rf_compare *compare, int rows, int seeds) {
    *compare = (rf_compare){.settings = {.seeds = seeds}, .rows = rows};
    compare->row = rf__alloc_array((size_t)rows, sizeof *compare->row);
    assert_non_null(compare->row);
}

/* The second row is far better in each group; one group alone says nothing of that. */
static void one_group_gives_no_verdict(void **state) {
    (void)state;
    for (int seeds = 1; seeds <= 2; seeds++) {
        rf_compare compare;
        char text[2048];
        fill(&compare, 2, seeds);
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < seeds; k++) compare.row[i].result[k] = (rf_compare_result){.seconds = 0.1, .nfe = 4, .frechet = 2 - i + 0.01 * k};
        FILE *stream = fmemopen(text, sizeof text, "w");
        assert_non_null(stream);
        rf__compare_waterfall_print(&compare, stream);
        fclose(stream);
        rf__free(compare.row);
        assert_non_null(strstr(text, seeds > 1 ? "1.005 +-0.007" : "1.000\n"));
        assert_int_equal(strstr(text, "better") != NULL, seeds > 1);
        assert_null(strstr(text, "nan"));
    }
}

static void names_stay_inside(void **state) {
    (void)state;
    static const char *const names[] = {"plain loop: f32, Euler 50, one image", "+ batching", "2-RF student, 1 step", "another student of the same teacher, 1 step"};
    enum { ROWS = sizeof names / sizeof *names };
    rf_compare compare;
    fill(&compare, ROWS, 1);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_stay_inside), cmocka_unit_test(one_group_gives_no_verdict)};
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
