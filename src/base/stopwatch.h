/* stopwatch.h - seconds of something that is short and can be done again, on a machine that others use too. */
#ifndef RF_BASE_STOPWATCH_H
#define RF_BASE_STOPWATCH_H

/* Seconds of one run(arg): the second best of seven samples that together take about `budget` seconds, each of as many runs as fit,
 * after a warm-up. A mean would record the neighbours; the best alone would record luck. After Ctrl-C (rf__interrupted) it comes back at once with a
 * figure that means nothing: whoever measures in rows asks for that flag between them. */
double rf__stopwatch(void (*run)(void *arg), void *arg, double budget);

typedef struct rf_paired_seconds {
    double first, second; /* of one run, as above */
    double ratio;         /* median of the samples' second / first */
} rf_paired_seconds;

/* Two things in turn, so that a busy spell of the machine hits both: seven pairs of samples, about `budget` seconds for each of the two.
 * Before a turn 10 ms pass, because threads of a library spin for some milliseconds after its last call, and short things run once untimed. */
rf_paired_seconds rf__stopwatch_pair(void (*first)(void *arg), void *first_arg, void (*second)(void *arg), void *second_arg, double budget);

#endif
