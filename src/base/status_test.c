/* Tests of status.c. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "status.h"

static void names_and_texts(void **state) {
    (void)state;
    assert_string_equal(rf_status_name(RF_OK), "OK");
    assert_string_equal(rf_status_name(RF_EFORMAT), "EFORMAT");
    assert_string_equal(rf_status_text(RF_EINTERRUPTED), "interrupted");
    assert_string_equal(rf_status_name((rf_status)1000), "unknown");
    assert_string_equal(rf_version(), RF_VERSION);
}

static void sentence_and_context(void **state) {
    (void)state;
    assert_int_equal(rf__fail(RF_EFORMAT, "batch is %d, expected 1 .. 8", 0), RF_EFORMAT);
    assert_string_equal(rf_last_error(), "batch is 0, expected 1 .. 8");
    assert_int_equal(rf__fail_in(RF_EFORMAT, "a.yaml:%d: ", 3), RF_EFORMAT);
    assert_string_equal(rf_last_error(), "a.yaml:3: batch is 0, expected 1 .. 8");
    rf__fail(RF_EIO, "again: %s", rf_last_error()); /* its own buffer as an argument */
    assert_string_equal(rf_last_error(), "again: a.yaml:3: batch is 0, expected 1 .. 8");
}

static void long_sentence_is_cut(void **state) {
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    rf__fail(RF_EIO, "%s", text);
    assert_int_equal(strlen(rf_last_error()), 1023);
    rf__fail_in(RF_EIO, "%s", text);
    assert_int_equal(strlen(rf_last_error()), 1023);
}

static void *other_thread(void *arg) {
    (void)arg;
    rf__fail(RF_EIO, "the other thread's");
    return NULL;
}

static void one_sentence_per_thread(void **state) {
    (void)state;
    rf__fail(RF_EIO, "mine");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(rf_last_error(), "mine");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_texts),
        cmocka_unit_test(sentence_and_context),
        cmocka_unit_test(long_sentence_is_cut),
        cmocka_unit_test(one_sentence_per_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
