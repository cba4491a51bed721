/* coupling_error.c - see coupling_error.h. */
#include "coupling_error.h"

#include <string.h>

#include "../base/memory.h"
#include "../base/rng.h"

enum { FINE_STEPS = 64 /* of RK4: error 1e-6 on the 8 Gaussians */, SLAB = 1024 /* rows of one field call */ };

typedef struct exact_job {
    const rf_source *source;
    float *x;
    int64_t scalars;
} exact_job;

static void rk4_step(const exact_job *job, float *x, float t, float h, float *scratch) {
    int64_t n = job->scalars;
    float *k = scratch, *at = scratch + n, *sum = scratch + 2 * n;
    static const float node[4] = {0, 0.5f, 0.5f, 1}, weight[4] = {1, 2, 2, 1};
    memset(sum, 0, (size_t)n * sizeof(float));
    memset(k, 0, (size_t)n * sizeof(float));
    for (int s = 0; s < 4; s++) {
        for (int64_t i = 0; i < n; i++) at[i] = x[i] + h * node[s] * k[i];
        job->source->kind->velocity(at, t + h * node[s], k);
        for (int64_t i = 0; i < n; i++) sum[i] += weight[s] * k[i];
    }
    for (int64_t i = 0; i < n; i++) x[i] += h / 6 * sum[i];
}

static void solve_exact(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    const exact_job *job = arg;
    float scratch[3 * 16];
    for (int64_t r = begin; r < end; r++)
        for (int s = 0; s < FINE_STEPS; s++)
            rk4_step(job, job->x + r * job->scalars, (float)s / FINE_STEPS, 1.0f / FINE_STEPS, scratch);
}

static rf_status solve_euler(const rf_field *field, int64_t rows, int steps, float *x, float *v, float *t, rf_cond *cond) {
    int64_t n = field->scalars;
    for (int64_t r = 0; r < SLAB; r++) cond[r] = (rf_cond){.label = field->null_label};
    for (int s = 0; s < steps; s++)
        for (int64_t first = 0; first < rows; first += SLAB) {
            int64_t count = rows - first < SLAB ? rows - first : SLAB;
            for (int64_t r = 0; r < count; r++) t[r] = (float)s / (float)steps;
            RF_TRY(field->velocity(field->self, count, x + first * n, t, cond, v));
            for (int64_t i = 0; i < count * n; i++) x[first * n + i] += v[i] / (float)steps;
        }
    return RF_OK;
}

rf_status rf__coupling_error(const rf_field *field, const rf_source *source, const rf_int_list *steps, int64_t samples, uint64_t seed,
                             rf_pool *pool, double *out) {
    int64_t n = field->scalars;
    if (!source->kind->velocity || n > 16)
        return rf__fail(RF_EUNSUPPORTED, "evaluate.coupling_steps: data %s has no exact velocity, expected a toy", source->kind->is.name);
    size_t count = (size_t)(samples * n);
    float *noise = rf__alloc_array(count, sizeof(float)), *exact = rf__alloc_array(count, sizeof(float));
    float *x = rf__alloc_array(count, sizeof(float)), *v = rf__alloc_array((size_t)(SLAB * n), sizeof(float));
    float *t = rf__alloc_array(SLAB, sizeof(float));
    rf_cond *cond = rf__alloc_array(SLAB, sizeof *cond);
    rf_status status = noise && exact && x && v && t && cond ? RF_OK : rf__fail(RF_ENOMEM, "coupling error: no memory for %lld samples", (long long)samples);
    if (status == RF_OK) {
        for (int64_t r = 0; r < samples; r++) rf__rng_normal_sample(seed, RF_STREAM_NOISE, (uint64_t)r, n, noise + r * n);
        memcpy(exact, noise, count * sizeof(float));
        rf__pool_run(pool, samples, 64, solve_exact, &(exact_job){source, exact, n});
    }
    for (int i = 0; i < steps->count && status == RF_OK; i++) {
        memcpy(x, noise, count * sizeof(float));
        status = solve_euler(field, samples, (int)steps->at[i], x, v, t, cond);
        double sum = 0;
        for (size_t k = 0; k < count; k++) sum += ((double)x[k] - (double)exact[k]) * ((double)x[k] - (double)exact[k]);
        out[i] = sum / (double)samples;
    }
    rf__free(noise);
    rf__free(exact);
    rf__free(x);
    rf__free(v);
    rf__free(t);
    rf__free(cond);
    return status;
}
