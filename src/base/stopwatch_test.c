/* stopwatch_test.c - a run of known length is measured as that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "file.h"
#include "progress.h"
#include "stopwatch.h"

static void wait_a_while(void *arg) {
    int *runs = arg;
    double until = rf__now() + 1e-3;
    while (rf__now() < until) continue;
    ++*runs;
}

static void known_length(void **state) {
    (void)state;
    int runs = 0;
    double seconds = rf__stopwatch(wait_a_while, &runs, 0.07);
    assert_true(seconds >= 1e-3 && seconds < 0.1); /* never shorter; longer when the machine is busy */
    assert_true(runs >= 8);
}

/* One takes ten times as long as the other; a busy machine lengthens both, by a millisecond here and there. */
static void wait_longer(void *arg) {
    for (int i = 0; i < 10; i++) wait_a_while(arg);
}

static void pairs(void **state) {
    (void)state;
    int first = 0, second = 0;
    rf_paired_seconds t = rf__stopwatch_pair(wait_a_while, &first, wait_longer, &second, 0.02);
    assert_true(t.first >= 1e-3 && t.second >= 10e-3);
    assert_true(t.ratio > 1); /* 10 on a quiet machine */
    assert_true(first >= 8 && second >= 80);
}

static void interrupted(void **state) {
    (void)state;
    int runs = 0;
    rf__interrupted = 1;
    double start = rf__now(), seconds = rf__stopwatch(wait_a_while, &runs, 100);
    rf__interrupted = 0;
    assert_true(rf__now() - start < 10 && runs < 10); /* instead of 100 seconds */
    assert_true(seconds >= 1e-3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_length), cmocka_unit_test(pairs), cmocka_unit_test(interrupted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
