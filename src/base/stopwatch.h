/* stopwatch.h - seconds of something that is short and can be done again, on a machine that others use too. */
#ifndef RF_BASE_STOPWATCH_H
#define RF_BASE_STOPWATCH_H

/* Seconds of one run(arg): the second best of seven samples that together take about `budget` seconds, each of as many runs as fit,
 * after a warm-up. A mean would record the neighbours; the best alone would record luck. */
double rf__stopwatch(void (*run)(void *arg), void *arg, double budget);

#endif
