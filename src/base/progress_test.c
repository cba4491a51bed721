/* Tests of progress.c and log.c: what reaches stderr when it is a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"
#include "progress.h"

static char seen[4096];

/* Run `act` with stderr in a file and keep what it wrote. */
static void capture(void (*act)(void)) {
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    act();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    seen[fread(seen, 1, sizeof seen - 1, file)] = 0;
    fclose(file);
}

static void run_to_the_end(void) {
    rf_progress progress;
    rf__progress_start(&progress, "train", 200, 100);
    for (int i = 101; i <= 200; i++) rf__progress_update(&progress, i, "loss 0.4");
    rf__progress_finish(&progress, "loss 0.3");
}

static void one_plain_line_in_a_file(void **state) {
    (void)state;
    rf__log_set_level(RF_LOG_INFO);
    capture(run_to_the_end); /* far below the seconds between two lines: only the last one */
    assert_non_null(strstr(seen, "train"));
    assert_non_null(strstr(seen, "200/200"));
    assert_non_null(strstr(seen, "loss 0.3"));
    assert_null(strstr(seen, "loss 0.4"));
    assert_null(strchr(seen, '\r'));
    assert_null(strchr(seen, '\033'));
    assert_int_equal(seen[strlen(seen) - 1], '\n');
}

static void speak(void) {
    rf__warn("battery %d %%", 9);
    rf__info("one");
    rf__debug("two");
}

static void run_beyond_the_end(void) {
    rf_progress progress;
    rf__progress_start(&progress, "sampling", 200, 0);
    rf__progress_update(&progress, 201, NULL);
    rf__progress_finish(&progress, "guess");
}

/* Some totals are guesses, as of a solver that chooses its own steps. */
static void more_than_all(void **state) {
    (void)state;
    rf__log_set_level(RF_LOG_INFO);
    capture(run_beyond_the_end);
    assert_non_null(strstr(seen, "sampling 201 "));
    assert_non_null(strstr(seen, "guess"));
    assert_null(strstr(seen, "ETA"));
    assert_null(strstr(seen, "200"));
}

static void levels(void **state) {
    (void)state;
    rf__log_set_level(RF_LOG_QUIET);
    capture(run_to_the_end);
    assert_string_equal(seen, "");
    capture(speak);
    assert_string_equal(seen, "");
    rf__log_set_level(RF_LOG_WARN);
    capture(speak);
    assert_string_equal(seen, "strait: warning: battery 9 %\n");
    rf__log_set_level(RF_LOG_DEBUG);
    capture(speak);
    assert_string_equal(seen, "strait: warning: battery 9 %\nstrait: one\nstrait: two\n");
    rf__log_set_level(RF_LOG_INFO);
    assert_int_equal(rf__log_get_level(), RF_LOG_INFO);
}

static void time_goes_forward(void **state) {
    (void)state;
    double first = rf__now();
    usleep(2000);
    assert_true(rf__now() - first >= 0.002);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_plain_line_in_a_file),
        cmocka_unit_test(more_than_all),
        cmocka_unit_test(levels),
        cmocka_unit_test(time_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
