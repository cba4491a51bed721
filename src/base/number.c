/* number.c - see number.h. */
#include "number.h"

#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static locale_t plain;

static void make_plain(void) { plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* The thread's own is put back by `uselocale` with what this returns. */
static locale_t be_plain(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain);
    return uselocale(plain); /* without memory for it: (locale_t)0, which changes nothing */
}

double rf__number_read(const char *text, char **end) {
    const locale_t before = be_plain();
    const double value = strtod(text, end);
    uselocale(before);
    return value;
}

int rf__number_print(char *out, size_t size, const char *format, ...) {
    va_list list;
    const locale_t before = be_plain();
    va_start(list, format);
    const int length = vsnprintf(out, size, format, list);
    va_end(list);
    uselocale(before);
    return length;
}
