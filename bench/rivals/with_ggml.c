/* with_ggml.c - ggml's matrix products at the sizes of the networks' trunks, summed: a lower bound of the time that any network on ggml takes.
 *
 *   with_ggml NETWORK ROWS TYPE THREADS [SECONDS]      NETWORK dit-s2, dit-b2, sit-xl2; TYPE f32, bf16, q8_0
 *
 * Prints the milliseconds of all blocks' products together (qkv, projection, fc1, fc2), without attention, norms or activations, each size
 * measured on its own with warm weights, second best of seven. Weights are values of a sine; README.md says how to build it. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "ggml.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void fill(struct ggml_tensor *tensor) {
    int64_t n = ggml_nelements(tensor), row = tensor->ne[0];
    float *values = malloc((size_t)n * sizeof *values);
    for (int64_t i = 0; i < n; i++) values[i] = sinf(1.3f * (float)(i % 100003));
    if (tensor->type == GGML_TYPE_F32) memcpy(tensor->data, values, (size_t)n * sizeof *values);
    else ggml_quantize_chunk(tensor->type, values, tensor->data, 0, n / row, row, NULL);
    free(values);
}

/* How far the first results are from sums of their own: a product that is none would be fast. */
static double difference(const struct ggml_tensor *w, const struct ggml_tensor *x, const struct ggml_tensor *y) {
    double worst = 0, scale = 0;
    for (int64_t o = 0; o < 4; o++) {
        double sum = 0;
        for (int64_t i = 0; i < w->ne[0]; i++) sum += (double)sinf(1.3f * (float)((o * w->ne[0] + i) % 100003)) * (double)((const float *)x->data)[i];
        worst = fmax(worst, fabs(sum - (double)((const float *)y->data)[o]));
        scale = fmax(scale, sqrt((double)w->ne[0]) / 2);
    }
    return worst / scale;
}

/* Seconds of y [tokens, out] = x [tokens, in] w [out, in]^T. */
static double product(enum ggml_type type, int in, int out, int tokens, int threads, double budget) {
    struct ggml_init_params params = {.mem_size = (size_t)in * (size_t)out * 4 + (size_t)(in + out) * (size_t)tokens * 4 + (1u << 22)};
    struct ggml_context *context = ggml_init(params);
    struct ggml_tensor *w = ggml_new_tensor_2d(context, type, in, out), *x = ggml_new_tensor_2d(context, GGML_TYPE_F32, in, tokens);
    fill(w);
    fill(x);
    struct ggml_cgraph *graph = ggml_new_graph(context);
    struct ggml_tensor *y = ggml_mul_mat(context, w, x);
    ggml_build_forward_expand(graph, y);
    struct ggml_cplan plan = ggml_graph_plan(graph, threads, NULL);
    plan.work_data = malloc(plan.work_size + 64);
    double samples[7], start = now();
    int warm = 0;
    do ggml_graph_compute(graph, &plan), warm++;
    while (now() - start < budget / 10);
    int times = (int)(budget / 7 / ((now() - start) / warm)) + 1;
    for (int i = 0; i < 7; i++) {
        start = now();
        for (int n = 0; n < times; n++) ggml_graph_compute(graph, &plan);
        samples[i] = (now() - start) / times;
    }
    qsort(samples, 7, sizeof *samples, by_value);
    double off = difference(w, x, y);
    fprintf(stderr, "%5d x %4d -> %4d: %8.1f GFLOP/s, difference %.2g\n", tokens, in, out, 2e-9 * tokens * in * out / samples[1], off);
    if (!(off < 0.1)) exit(1);
    free(plan.work_data);
    ggml_free(context);
    return samples[1];
}

int main(int argc, char **argv) {
    static const struct { const char *name; int hidden, depth; } networks[] = {{"dit-s2", 384, 12}, {"dit-b2", 768, 12}, {"sit-xl2", 1152, 28}};
    static const struct { const char *name; enum ggml_type type; } types[] = {{"f32", GGML_TYPE_F32}, {"bf16", GGML_TYPE_BF16}, {"q8_0", GGML_TYPE_Q8_0}};
    if (argc < 5) return fprintf(stderr, "usage: with_ggml NETWORK ROWS TYPE THREADS [SECONDS]\n"), 2;
    ggml_cpu_init();
    for (int n = 0; n < 3; n++)
        for (int t = 0; t < 3; t++) {
            if (strcmp(networks[n].name, argv[1]) != 0 || strcmp(types[t].name, argv[3]) != 0) continue;
            const int d = networks[n].hidden, tokens = 256 * atoi(argv[2]), sizes[4][2] = {{d, 3 * d}, {d, d}, {d, 4 * d}, {4 * d, d}};
            double sum = 0;
            for (int i = 0; i < 4; i++) sum += product(types[t].type, sizes[i][0], sizes[i][1], tokens, atoi(argv[4]), argc > 5 ? atof(argv[5]) : 0.5);
            printf("%.4f\n", 1e3 * sum * networks[n].depth);
            return 0;
        }
    return fprintf(stderr, "no such network or type\n"), 2;
}
