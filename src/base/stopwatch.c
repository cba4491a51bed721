/* stopwatch.c - see stopwatch.h. */
#include "stopwatch.h"

#include <stdlib.h>

#include "progress.h"

enum { SAMPLES = 7 };

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double rf__stopwatch(void (*run)(void *arg), void *arg, double budget) {
    double seconds[SAMPLES], start = rf__now();
    int warm = 0;
    do run(arg), warm++;
    while (rf__now() - start < budget / 10);
    int times = (int)(budget / SAMPLES / ((rf__now() - start) / warm)) + 1;
    for (int i = 0; i < SAMPLES; i++) {
        start = rf__now();
        for (int n = 0; n < times; n++) run(arg);
        seconds[i] = (rf__now() - start) / times;
    }
    qsort(seconds, SAMPLES, sizeof *seconds, by_value);
    return seconds[1];
}
