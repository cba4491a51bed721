/* memory_test.h - for the tests of plain C kernels: random inputs, and gradients against finite differences. Comes after cmocka.h. */
#ifndef RF_REF_MEMORY_TEST_H
#define RF_REF_MEMORY_TEST_H
#include <math.h>
#include <stdint.h>

#include "../scalar.h"
#include "memory.h"

static uint64_t random_state = 5;

static inline void randomise(float *p, int n, float mean, float spread) {
    for (int i = 0; i < n; i++) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        p[i] = mean + spread * ((float)(random_state >> 33) / 1073741824.0f - 1.0f);
    }
}

static inline void close_to(double got, double want, double limit, const char *what, int i) {
    if (!(fabs(got - want) <= limit)) fail_msg("%s: element %d is %.9g, expected %.9g", what, i, got, want);
}

typedef struct probe { /* loss = sum of weight * y after one call */
    rf_kernel_fn fn;
    const void *args;
    int64_t units;
    const float *y, *weight;
    int n;
} probe;

static inline double loss_of(const probe *p) {
    double sum = 0;
    p->fn(p->args, 0, p->units, NULL);
    for (int i = 0; i < p->n; i++) sum += (double)p->y[i] * (double)p->weight[i];
    return sum;
}

/* Central differences with h = 2^-7: rounding gives about 1e-5 and curvature 1e-4 of the largest gradient; 2e-3 allowed. */
static inline void check_gradient(const probe *p, float *input, const float *gradient, int n, const char *what) {
    const float h = 0x1p-7f;
    double top = 1e-3;
    for (int i = 0; i < n; i++) top = fmax(top, fabs((double)gradient[i]));
    for (int i = 0; i < n; i++) {
        float x = input[i];
        input[i] = x + h;
        double up = loss_of(p);
        input[i] = x - h;
        double down = loss_of(p);
        input[i] = x;
        close_to((double)gradient[i], (up - down) / (2 * (double)h), 2e-3 * top, what, i);
    }
}

#endif
