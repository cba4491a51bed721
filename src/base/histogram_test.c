/* histogram_test.c - percentiles against the sorted list they stand for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "histogram.h"
#include "rng.h"

enum { COUNT = 5000 };

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void percentiles_are_those_of_the_sorted_list(void **state) {
    (void)state;
    static double values[COUNT];
    static float normal[COUNT];
    static rf_histogram histogram;
    rf__rng_normal(3, RF_STREAM_TOY, 0, COUNT, normal);
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
        values[i] = exp(2 * normal[i] - 4);
        rf__histogram_add(&histogram, values[i]);
        sum += values[i];
    }
    qsort(values, COUNT, sizeof *values, rising);
    const double fractions[] = {0.01, 0.5, 0.95, 0.99, 1};
    for (int i = 0; i < 5; i++) {
        double exact = values[(int)ceil(fractions[i] * COUNT) - 1], got = rf__histogram_at(&histogram, fractions[i]);
        assert_true(got >= exact && got <= exact * 1.024);
    }
    assert_true(histogram.least == values[0] && histogram.most == values[COUNT - 1]);
    assert_true(fabs(rf__histogram_mean(&histogram) - sum / COUNT) < 1e-12);
}

static void ends_and_nothing(void **state) {
    (void)state;
    static rf_histogram histogram;
    assert_true(rf__histogram_at(&histogram, 0.5) == 0 && rf__histogram_mean(&histogram) == 0);
    rf__histogram_add(&histogram, 0);
    assert_true(rf__histogram_at(&histogram, 0.5) == 0);
    rf__histogram_add(&histogram, 1e9);
    assert_true(rf__histogram_at(&histogram, 0.5) <= 1.1e-6);
    assert_true(rf__histogram_at(&histogram, 1) > 10000);
    assert_int_equal(histogram.count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(percentiles_are_those_of_the_sorted_list), cmocka_unit_test(ends_and_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
