/* stopwatch.c - see stopwatch.h. */
#include "stopwatch.h"

#include <stdlib.h>
#include <time.h>

#include "file.h"
#include "progress.h"

enum { SAMPLES = 7 };

typedef struct subject {
    void (*run)(void *arg);
    void *arg;
    int times; /* runs of a sample */
    double seconds[SAMPLES];
} subject;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void warm_up(subject *s, double budget) {
    double start = rf__now();
    int warm = 0;
    do s->run(s->arg), warm++;
    while (rf__now() - start < budget / 10 && !rf__interrupted);
    s->times = (int)(budget / SAMPLES / ((rf__now() - start) / warm)) + 1;
}

/* Once interrupted, one run a sample: a number still, for nobody. */
static void sample(subject *s, int i) {
    double start = rf__now();
    int runs = 0;
    do s->run(s->arg), runs++;
    while (runs < s->times && !rf__interrupted);
    s->seconds[i] = (rf__now() - start) / runs;
}

static double second_best(subject *s) {
    qsort(s->seconds, SAMPLES, sizeof *s->seconds, by_value);
    return s->seconds[1];
}

double rf__stopwatch(void (*run)(void *arg), void *arg, double budget) {
    subject s = {.run = run, .arg = arg};
    warm_up(&s, budget);
    for (int i = 0; i < SAMPLES; i++) sample(&s, i);
    return second_best(&s);
}

static void turn(subject *s, int i) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    if (s->times > 1) s->run(s->arg);
    sample(s, i);
}

rf_paired_seconds rf__stopwatch_pair(void (*first)(void *arg), void *first_arg, void (*second)(void *arg), void *second_arg, double budget) {
    subject a = {.run = first, .arg = first_arg}, b = {.run = second, .arg = second_arg};
    double ratios[SAMPLES];
    warm_up(&a, budget);
    warm_up(&b, budget);
    for (int i = 0; i < SAMPLES; i++) {
        turn(&a, i);
        turn(&b, i);
        ratios[i] = b.seconds[i] / a.seconds[i];
    }
    qsort(ratios, SAMPLES, sizeof *ratios, by_value);
    return (rf_paired_seconds){second_best(&a), second_best(&b), ratios[SAMPLES / 2]};
}
