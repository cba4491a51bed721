/* row_times.c - measuring a field, and reading the table. */
#include "row_times.h"

#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/rng.h"

#define MOST_ROUNDS 20

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

static rf_status time_call(const rf_field *field, const batch *b, int64_t rows, double *seconds) {
    if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
    double start = rf__now();
    RF_TRY(field->velocity(field->self, rows, b->x, b->t, b->cond, b->v));
    *seconds = rf__now() - start;
    return RF_OK;
}

/* The sizes that fit into a third of the budget, each called once to build its plan and once for time. */
static rf_status first_round(rf_row_times *out, const rf_field *field, const batch *b, int64_t most, double budget) {
    double started = rf__now();
    for (int64_t rows = 1; rows <= most && out->count < RF_ROW_TIMES_MAX; rows *= 2) {
        double *seconds = &out->seconds[out->count];
        RF_TRY(time_call(field, b, rows, seconds));
        RF_TRY(time_call(field, b, rows, seconds));
        out->rows[out->count++] = rows;
        if (out->count >= 2 && rf__now() - started > budget / 3) break;
    }
    return RF_OK;
}

/* Rounds over all sizes, and the best of each: what else the machine did at one moment then hits all sizes or counts for none. */
static rf_status measure(rf_row_times *out, const rf_field *field, const batch *b, int64_t most, double budget) {
    double started = rf__now();
    RF_TRY(first_round(out, field, b, most, budget));
    for (int round = 0; round < MOST_ROUNDS && rf__now() - started < budget; round++)
        for (int i = 0; i < out->count; i++) {
            double seconds;
            RF_TRY(time_call(field, b, out->rows[i], &seconds));
            if (seconds < out->seconds[i]) out->seconds[i] = seconds;
        }
    for (int i = 0; i < out->count; i++)
        if (out->seconds[i] < 1e-9) out->seconds[i] = 1e-9;
    return RF_OK;
}

rf_status rf__row_times_measure(rf_row_times *out, const rf_field *field, int64_t most, double budget) {
    memset(out, 0, sizeof *out);
    batch b = {0};
    rf_status status = make_batch(&b, field, most);
    if (status == RF_OK) status = measure(out, field, &b, most, budget);
    free_batch(&b);
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
        if ((double)times->rows[i] * RF_ROWS_SLACK >= best * times->seconds[i]) return times->rows[i];
    return pending;
}
