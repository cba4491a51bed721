/* row_times_test.c - the number of rows a call gets, from tables with known answers and from a field with known times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "../base/file.h"
#include "row_times.h"

static void linear_times_keep_calls_small(void **state) {
    (void)state;
    const rf_row_times linear = {4, {1, 2, 4, 8}, {1, 2, 4, 8}};
    for (int64_t pending = 1; pending < 20; pending++) assert_int_equal(rf__row_times_choose(&linear, pending, 16), 1);
}

static void flat_times_take_all(void **state) {
    (void)state;
    const rf_row_times flat = {4, {1, 2, 4, 8}, {1, 1, 1, 1}};
    for (int64_t pending = 1; pending <= 8; pending++) assert_int_equal(rf__row_times_choose(&flat, pending, 16), pending);
    assert_int_equal(rf__row_times_choose(&flat, 100, 16), 8); /* nothing is known beyond, and 8 at a time are as good */
    assert_int_equal(rf__row_times_choose(&flat, 7, 3), 3);
}

static void a_little_less_than_the_best_is_enough(void **state) {
    (void)state;
    /* rows a second: 1, 1.67, 2.5, 2.54 */
    const rf_row_times saturating = {4, {1, 2, 4, 8}, {1, 1.2, 1.6, 3.15}};
    assert_int_equal(rf__row_times_choose(&saturating, 8, 8), 4);
    assert_int_equal(rf__row_times_choose(&saturating, 5, 8), 4); /* five would pay for eight */
    assert_int_equal(rf__row_times_choose(&saturating, 3, 8), 3); /* three in a call of four: 3/1.6 beats 2/1.2 */
    assert_int_equal(rf__row_times_choose(NULL, 5, 8), 5);
    assert_int_equal(rf__row_times_choose(&(rf_row_times){0}, 9, 8), 8);
    assert_true(rf__row_times_of(&saturating, 3) == 1.6 && rf__row_times_of(&saturating, 16) == 6.3);
}

enum { LABEL = 5 };
static int64_t most_rows;

/* Half a millisecond a call up to four rows, then in proportion. */
static rf_status sleepy(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self;
    if (rows > most_rows) most_rows = rows;
    for (int64_t r = 0; r < rows; r++) {
        assert_int_equal(cond[r].label, LABEL);
        assert_true(t[r] >= 0 && t[r] < 1);
        v[r] = x[r];
    }
    int64_t units = rows < 4 ? 4 : rows;
    nanosleep(&(struct timespec){0, units * 125000}, NULL);
    return RF_OK;
}

static void measures_a_field(void **state) {
    (void)state;
    const rf_field field = {.scalars = 1, .null_label = LABEL, .velocity = sleepy};
    rf_row_times times;
    most_rows = 0;
    assert_int_equal(rf__row_times_measure(&times, &field, 64, 10), RF_OK); /* rounds end it, a third of a second when nothing else runs */
    assert_int_equal(times.count, 7);
    for (int i = 0; i < times.count; i++) {
        assert_int_equal(times.rows[i], 1 << i);
        assert_true(times.seconds[i] >= 0.0004);
    }
    int64_t rows = rf__row_times_choose(&times, 64, 64);
    assert_true(rows >= 4 && rows <= most_rows);
    rf__interrupted = 1;
    assert_int_equal(rf__row_times_measure(&times, &field, 64, 0.2), RF_EINTERRUPTED);
    assert_int_equal(times.count, 0);
    rf__interrupted = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(linear_times_keep_calls_small), cmocka_unit_test(flat_times_take_all),
                                       cmocka_unit_test(a_little_less_than_the_best_is_enough), cmocka_unit_test(measures_a_field)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
