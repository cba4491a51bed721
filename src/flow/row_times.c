/* row_times.c - measuring a field, and reading the table. */
#include "row_times.h"

#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/rng.h"

#define ENOUGH 0.9  /* of the best rate, see the header */
#define GAIN 1.05   /* a doubling that brings less is not worth a further one */
#define SAMPLES 5

typedef struct batch {
    float *x, *v, *t;
    rf_cond *cond;
} batch;

static rf_status make_batch(batch *b, const rf_field *field, int64_t rows) {
    size_t count = (size_t)rows * (size_t)field->scalars;
    *b = (batch){rf__alloc_array(count, sizeof(float)), rf__alloc_array(count, sizeof(float)),
                 rf__alloc_array((size_t)rows, sizeof(float)), rf__alloc_array((size_t)rows, sizeof(rf_cond))};
    if (!b->x || !b->v || !b->t || !b->cond)
        return rf__fail(RF_ENOMEM, "no memory to time a call of %lld rows", (long long)rows);
    rf__rng_normal(1, RF_STREAM_NOISE, 0, (int64_t)count, b->x); /* zeros would run faster than pictures */
    rf__rng_uniform(1, RF_STREAM_TIME, 0, rows, b->t);
    for (int64_t r = 0; r < rows; r++) b->cond[r].label = field->null_label;
    return RF_OK;
}

static void free_batch(batch *b) {
    rf__free(b->x);
    rf__free(b->v);
    rf__free(b->t);
    rf__free(b->cond);
}

/* The second best of a few: the best may be luck, a mean records the neighbours. The first call builds the plan and does not count. */
static rf_status time_calls(const rf_field *field, const batch *b, int64_t rows, double budget, double *seconds) {
    double best = 0, second = 0, spent = 0;
    for (int i = -1; i < SAMPLES && (i < 1 || spent < budget); i++) {
        if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
        double start = rf__now();
        RF_TRY(field->velocity(field->self, rows, b->x, b->t, b->cond, b->v));
        double took = rf__now() - start;
        if (i < 0) continue;
        spent += took;
        if (i == 0 || took < best) second = i == 0 ? took : best, best = took;
        else if (i == 1 || took < second) second = took;
    }
    *seconds = second > 1e-9 ? second : 1e-9;
    return RF_OK;
}

static rf_status measure(rf_row_times *out, const rf_field *field, int64_t most, double budget) {
    double best = 0, started = rf__now();
    int idle = 0;
    batch b = {0};
    rf_status status = make_batch(&b, field, most);
    for (int64_t rows = 1; status == RF_OK && rows <= most && out->count < RF_ROW_TIMES_MAX && idle < 2; rows *= 2) {
        if (out->count && rf__now() - started > budget) break;
        double seconds = 0;
        status = time_calls(field, &b, rows, budget / 8, &seconds);
        if (status != RF_OK) break;
        out->rows[out->count] = rows;
        out->seconds[out->count++] = seconds;
        double rate = (double)rows / seconds;
        idle = rate < best * GAIN ? idle + 1 : 0;
        if (rate > best) best = rate;
    }
    free_batch(&b);
    return status;
}

rf_status rf__row_times_measure(rf_row_times *out, const rf_field *field, int64_t most, double budget) {
    memset(out, 0, sizeof *out);
    rf_status status = measure(out, field, most, budget);
    if (status != RF_OK) memset(out, 0, sizeof *out);
    return status;
}

double rf__row_times_of(const rf_row_times *times, int64_t rows) {
    if (!times || times->count == 0) return 0;
    for (int i = 0; i < times->count; i++)
        if (times->rows[i] >= rows) return times->seconds[i];
    int last = times->count - 1;
    return times->seconds[last] * (double)rows / (double)times->rows[last];
}

int64_t rf__row_times_choose(const rf_row_times *times, int64_t pending, int64_t most) {
    if (pending > most) pending = most;
    if (!times || times->count == 0 || pending < 1) return pending < 1 ? 1 : pending;
    /* All that is pending may fill a bucket only in part, which is why it is judged by its own rate. */
    double best = (double)pending / rf__row_times_of(times, pending);
    for (int i = 0; i < times->count && times->rows[i] <= pending; i++) {
        double rate = (double)times->rows[i] / times->seconds[i];
        if (rate > best) best = rate;
    }
    for (int i = 0; i < times->count && times->rows[i] <= pending; i++)
        if ((double)times->rows[i] >= ENOUGH * best * times->seconds[i]) return times->rows[i];
    return pending;
}
