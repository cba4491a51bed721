/* stopwatch_test.c - a run of known length is measured as that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
