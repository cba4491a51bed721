/* number_test.c - numbers have a point, also in a host whose locale writes a comma. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "number.h"

static void a_point_whatever_the_locale(void **state) {
    (void)state;
    static const char *const names[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    for (int i = 0; i < 5; i++) {
        if (!setlocale(LC_NUMERIC, names[i])) continue; /* not installed here */
        char text[32], *end;
        assert_true(rf__number_read("0.25x", &end) == 0.25);
        assert_int_equal(*end, 'x');
        assert_int_equal(rf__number_print(text, sizeof text, "%g %d", 1.5, 3), 5);
        assert_string_equal(text, "1.5 3");
        snprintf(text, sizeof text, "%g", 1.5); /* the host's own locale is as it was */
        assert_int_equal(text[1], *localeconv()->decimal_point);
    }
    setlocale(LC_NUMERIC, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_point_whatever_the_locale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
