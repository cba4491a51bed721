/* schedule_test.c - exact ends, laws of the warps, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "schedule.h"

static rf_status build(rf_grid *grid, const char *name, rf_grid_opts opts) {
    return rf__grid_build(grid, rf__schedule_find(name), &opts);
}

static void ends_are_exact_and_times_rise(void **state) {
    (void)state;
    const int steps[] = {1, 2, 3, 7, 50, 1000};
    for (int s = 0; rf__schedules()[s]; s++) {
        if (!rf__schedules()[s]->warp) continue;
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            rf_grid_opts opts = rf__grid_defaults();
            opts.steps = steps[i];
            rf_grid grid;
            assert_int_equal(rf__grid_build(&grid, rf__schedules()[s], &opts), RF_OK);
            assert_int_equal(grid.steps, steps[i]);
            assert_true(grid.t[0] == 0 && grid.t[grid.steps] == 1);
            for (int k = 1; k <= grid.steps; k++) assert_true(grid.t[k] > grid.t[k - 1]);
            rf__grid_fini(&grid);
            assert_null(grid.t);
        }
    }
}

static void shift_follows_the_law_of_sd3(void **state) {
    (void)state;
    rf_grid_opts opts = rf__grid_defaults();
    opts.steps = 10;
    opts.shift = 3;
    rf_grid grid;
    assert_int_equal(build(&grid, "shifted", opts), RF_OK);
    for (int i = 0; i <= 10; i++) {
        double sigma = 1 - i / 10.0, shifted = 3 * sigma / (1 + 2 * sigma);
        assert_true(fabs(1 - grid.t[i] - shifted) < 1e-15);
    }
    rf__grid_fini(&grid);
    opts.shift = 1;
    assert_int_equal(build(&grid, "shifted", opts), RF_OK);
    for (int i = 0; i <= 10; i++) assert_true(grid.t[i] == i / 10.0);
    rf__grid_fini(&grid);
}

/* FLUX.1 at 1024 x 1024 is 4096 tokens, at 256 x 256 it is 256. */
static void flux_shifts_by_the_tokens(void **state) {
    (void)state;
    assert_true(fabs(rf__flux_shift(256) - exp(0.5)) < 1e-12 && fabs(rf__flux_shift(4096) - exp(1.15)) < 1e-12);
    rf_grid_opts opts = rf__grid_defaults();
    opts.steps = 10;
    opts.tokens = 1024;
    opts.shift = exp(0.5 + 768 * 0.65 / 3840);
    rf_grid flux, shifted;
    assert_int_equal(build(&flux, "flux", opts), RF_OK);
    assert_int_equal(build(&shifted, "shifted", opts), RF_OK);
    for (int i = 0; i <= 10; i++) assert_true(fabs(flux.t[i] - shifted.t[i]) < 1e-15);
    rf__grid_fini(&flux);
    rf__grid_fini(&shifted);
    opts.tokens = 0;
    assert_int_equal(build(&flux, "flux", opts), RF_EINVAL);
}

static void sigmoid_is_symmetric(void **state) {
    (void)state;
    rf_grid_opts opts = rf__grid_defaults();
    opts.steps = 8;
    rf_grid grid;
    assert_int_equal(build(&grid, "sigmoid", opts), RF_OK);
    for (int i = 0; i <= 8; i++) assert_true(fabs(grid.t[i] + grid.t[8 - i] - 1) < 1e-15);
    assert_true(grid.t[1] < 0.5 / 8); /* denser at the ends than the uniform grid */
    rf__grid_fini(&grid);
}

static void list_is_taken_as_it_is(void **state) {
    (void)state;
    const double up[] = {0, 0.1, 0.35, 1}, down[] = {1, 0.5, 0.25};
    rf_grid_opts opts = rf__grid_defaults();
    opts.list = up;
    opts.list_count = 4;
    rf_grid grid;
    assert_int_equal(build(&grid, "list", opts), RF_OK);
    assert_int_equal(grid.steps, 3);
    assert_memory_equal(grid.t, up, sizeof up);
    rf__grid_fini(&grid);
    opts.list = down;
    opts.list_count = 3;
    assert_int_equal(build(&grid, "list", opts), RF_OK);
    assert_memory_equal(grid.t, down, sizeof down);
    rf__grid_fini(&grid);
}

static void refused(const char *name, rf_grid_opts opts, const char *word) {
    rf_grid grid;
    assert_int_equal(build(&grid, name, opts), RF_EINVAL);
    assert_null(grid.t);
    assert_non_null(strstr(rf_last_error(), word));
}

/* Image-to-image: the same spacing, squeezed into what is left. */
static void grids_may_begin_later(void **state) {
    (void)state;
    const double times[] = {0, 0.1, 0.35, 1};
    rf_grid_opts opts = rf__grid_defaults();
    opts.steps = 4;
    opts.list = times;
    opts.list_count = 4;
    for (int i = 0; rf__schedules()[i]; i++) {
        rf_grid whole, late;
        opts.from = 0;
        assert_int_equal(rf__grid_build(&whole, rf__schedules()[i], &opts), RF_OK);
        opts.from = 0.4;
        assert_int_equal(rf__grid_build(&late, rf__schedules()[i], &opts), RF_OK);
        assert_true(late.t[0] == 0.4 && late.t[late.steps] == 1);
        for (int k = 0; k <= whole.steps; k++) assert_true(fabs(late.t[k] - (0.4 + 0.6 * whole.t[k])) < 1e-15);
        rf__grid_fini(&whole);
        rf__grid_fini(&late);
    }
    opts.from = 1;
    refused("uniform", opts, "begins at 1");
}

/* A model with windows: only those that are left count, and every edge on the way is a stop. */
static void windows_that_are_left(void **state) {
    (void)state;
    rf_windows windows;
    assert_int_equal(rf__windows_uniform(&windows, 4), RF_OK);
    rf_grid_opts opts = rf__grid_defaults();
    opts.windows = &windows;
    opts.from = 0.4;
    opts.steps = 4;
    rf_grid grid;
    assert_int_equal(build(&grid, "uniform", opts), RF_OK);
    const double expected[] = {0.4, 0.45, 0.5, 0.75, 1};
    for (int i = 0; i <= 4; i++) assert_true(fabs(grid.t[i] - expected[i]) < 1e-15);
    rf__grid_fini(&grid);
    opts.from = 0.5; /* an edge belongs to the later window */
    opts.steps = 2;
    assert_int_equal(build(&grid, "uniform", opts), RF_OK);
    assert_true(grid.t[1] == 0.75);
    rf__grid_fini(&grid);
    opts.steps = 1;
    refused("uniform", opts, "at least 2");
}

static void refuse_list(const double *list, int count, const char *word) {
    rf_grid_opts opts = rf__grid_defaults();
    opts.list = list;
    opts.list_count = count;
    refused("list", opts, word);
}

static void wrong_grids_are_refused(void **state) {
    (void)state;
    rf_grid grid;
    rf_grid_opts opts = rf__grid_defaults();
    opts.steps = 0;
    assert_int_equal(build(&grid, "uniform", opts), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "steps is 0"));
    opts.steps = RF_MAX_STEPS + 1;
    assert_int_equal(build(&grid, "uniform", opts), RF_EINVAL);
    opts.steps = 4;
    opts.shift = 0;
    assert_int_equal(build(&grid, "shifted", opts), RF_EINVAL);
    opts.shift = NAN;
    assert_int_equal(build(&grid, "shifted", opts), RF_EINVAL);
    opts.steepness = 1e9;
    assert_int_equal(build(&grid, "sigmoid", opts), RF_EINVAL);
    refuse_list((double[]){0, 0.5, 0.4, 1}, 4, "rising");
    refuse_list((double[]){0, 0.5, 0.5, 1}, 4, "rising");
    refuse_list((double[]){1, 0.5, 0.6}, 3, "falling");
    refuse_list((double[]){0, NAN, 1}, 3, "0 .. 1");
    refuse_list((double[]){0, 1.5}, 2, "0 .. 1");
    refuse_list((double[]){0}, 1, "at least 2");
    refuse_list(NULL, 0, "at least 2");
    assert_null(rf__schedule_find("cosine"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flux_shifts_by_the_tokens),
        cmocka_unit_test(ends_are_exact_and_times_rise), cmocka_unit_test(shift_follows_the_law_of_sd3),
        cmocka_unit_test(sigmoid_is_symmetric),          cmocka_unit_test(list_is_taken_as_it_is),
        cmocka_unit_test(grids_may_begin_later),
        cmocka_unit_test(windows_that_are_left),
        cmocka_unit_test(wrong_grids_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
