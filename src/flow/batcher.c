/* batcher.c - slots, a bounded waiting line, and one field call a tick. */
#include "batcher.h"

#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"

struct rf_batcher {
    rf_batcher_opts opts;
    rf_batcher_stats stats;
    uint64_t next_id;
    rf_trajectory **slot; /* [slots], NULL: free */
    rf_trajectory **line; /* [queue] ring of waiting jobs */
    int head, waiting, active;
    int cursor; /* slot that is served first in the next tick */
    /* one call: */
    float *x, *v, *t; /* [rows, scalars] twice, [rows] */
    rf_cond *cond;    /* [rows] */
    int *taken;       /* slots in the call, in row order */
    int64_t scalars;  /* x and v have room for this many a row */
};

rf_status rf__batcher_create(rf_batcher **out, const rf_batcher_opts *opts) {
    *out = NULL;
    if (opts->rows < 1 || opts->slots < 0 || opts->queue < 0)
        return rf__fail(RF_EINVAL, "a batcher was asked for %d rows, %d slots and a queue of %d", opts->rows,
                        opts->slots, opts->queue);
    rf_batcher *batcher = rf__alloc(sizeof *batcher);
    if (!batcher) return rf__fail(RF_ENOMEM, "no memory for a batcher");
    batcher->opts = *opts;
    if (!opts->slots) batcher->opts.slots = opts->rows;
    if (!opts->queue) batcher->opts.queue = batcher->opts.slots;
    size_t rows = (size_t)opts->rows, slots = (size_t)batcher->opts.slots;
    batcher->slot = rf__alloc_array(slots, sizeof *batcher->slot);
    batcher->line = rf__alloc_array((size_t)batcher->opts.queue, sizeof *batcher->line);
    batcher->t = rf__alloc_array(rows, sizeof *batcher->t);
    batcher->cond = rf__alloc_array(rows, sizeof *batcher->cond);
    batcher->taken = rf__alloc_array(rows, sizeof *batcher->taken);
    if (!batcher->slot || !batcher->line || !batcher->t || !batcher->cond || !batcher->taken) {
        rf__batcher_free(&batcher);
        return rf__fail(RF_ENOMEM, "no memory for a batcher of %d rows", opts->rows);
    }
    *out = batcher;
    return RF_OK;
}

void rf__batcher_free(rf_batcher **batcher) {
    rf_batcher *dead = *batcher;
    if (!dead) return;
    for (int i = 0; dead->slot && i < dead->opts.slots; i++) rf__trajectory_free(&dead->slot[i]);
    for (int i = 0; dead->line && i < dead->waiting; i++)
        rf__trajectory_free(&dead->line[(dead->head + i) % dead->opts.queue]);
    rf__free(dead->slot);
    rf__free(dead->line);
    rf__free(dead->x);
    rf__free(dead->v);
    rf__free(dead->t);
    rf__free(dead->cond);
    rf__free(dead->taken);
    rf__free(dead);
    *batcher = NULL;
}

int rf__batcher_room(const rf_batcher *batcher) {
    return batcher->opts.queue - batcher->waiting;
}
bool rf__batcher_busy(const rf_batcher *batcher) {
    return batcher->waiting + batcher->active > 0;
}
rf_batcher_stats rf__batcher_stats(const rf_batcher *batcher) {
    rf_batcher_stats stats = batcher->stats;
    for (int i = 0; i < batcher->opts.slots; i++)
        if (batcher->slot[i]) stats.answers += batcher->slot[i]->job.calls;
    return stats;
}

rf_status rf__batcher_submit(rf_batcher *batcher, const rf_job_spec *spec, uint64_t *id) {
    if (rf__batcher_room(batcher) == 0)
        return rf__fail(RF_EINVAL, "the waiting line is full: %d jobs, %d allowed", batcher->waiting,
                        batcher->opts.queue);
    rf_trajectory *trajectory = NULL;
    RF_TRY(rf__trajectory_create(&trajectory, spec));
    int rows = rf__guidance_max_rows(trajectory->spec.guidance, &trajectory->spec.guidance_opts);
    if (rows > batcher->opts.rows) {
        rf_status status =
            rf__fail(RF_EINVAL, "guidance '%s' takes %d rows an answer, and a call has only %d",
                     trajectory->spec.guidance->name, rows, batcher->opts.rows);
        rf__trajectory_free(&trajectory);
        return status;
    }
    trajectory->id = ++batcher->next_id;
    if (id) *id = trajectory->id;
    batcher->line[(batcher->head + batcher->waiting++) % batcher->opts.queue] = trajectory;
    return RF_OK;
}

bool rf__batcher_cancel(rf_batcher *batcher, uint64_t id) {
    rf_trajectory *found = NULL;
    for (int i = 0; i < batcher->opts.slots; i++)
        if (batcher->slot[i] && batcher->slot[i]->id == id) found = batcher->slot[i];
    for (int i = 0; i < batcher->waiting; i++) {
        rf_trajectory *waiting = batcher->line[(batcher->head + i) % batcher->opts.queue];
        if (waiting->id == id) found = waiting;
    }
    if (!found || found->status > RF_JOB_ACTIVE) return false;
    found->status = RF_JOB_CANCELLED;
    return true;
}

static void report(rf_batcher *batcher, rf_trajectory *trajectory) {
    rf_batcher_stats *stats = &batcher->stats;
    stats->answers += trajectory->job.calls;
    if (trajectory->status == RF_JOB_DONE)
        stats->done++;
    else if (trajectory->status == RF_JOB_FAILED)
        stats->failed++;
    else
        stats->cancelled++;
    if (batcher->opts.finished) batcher->opts.finished(batcher->opts.user, trajectory);
    rf__trajectory_free(&trajectory);
}

/* Free the slot first: `finished` may submit. */
static void retire(rf_batcher *batcher, int index) {
    rf_trajectory *trajectory = batcher->slot[index];
    batcher->slot[index] = NULL;
    batcher->active--;
    report(batcher, trajectory);
}

static void retire_cancelled(rf_batcher *batcher) {
    for (int i = 0; i < batcher->opts.slots; i++)
        if (batcher->slot[i] && batcher->slot[i]->status == RF_JOB_CANCELLED) retire(batcher, i);
    /* Close the gaps in the line before anybody hears of it. */
    int kept = 0, gone = 0, waiting = batcher->waiting, queue = batcher->opts.queue;
    for (int i = 0; i < waiting; i++)
        gone += batcher->line[(batcher->head + i) % queue]->status == RF_JOB_CANCELLED;
    while (gone-- > 0) {
        int at = 0;
        while (batcher->line[(batcher->head + at) % queue]->status != RF_JOB_CANCELLED) at++;
        rf_trajectory *trajectory = batcher->line[(batcher->head + at) % queue];
        for (kept = at; kept + 1 < batcher->waiting; kept++)
            batcher->line[(batcher->head + kept) % queue] = batcher->line[(batcher->head + kept + 1) % queue];
        batcher->waiting--;
        report(batcher, trajectory);
    }
}

static rf_status admit(rf_batcher *batcher) {
    for (int i = 0; i < batcher->opts.slots && batcher->waiting > 0; i++) {
        if (batcher->slot[i]) continue;
        rf_trajectory *trajectory = batcher->line[batcher->head];
        if (trajectory->status == RF_JOB_WAITING)
            RF_TRY(rf__trajectory_start(trajectory)); /* else: cancelled from a callback, retired next tick */
        batcher->head = (batcher->head + 1) % batcher->opts.queue;
        batcher->waiting--;
        batcher->slot[i] = trajectory;
        batcher->active++;
    }
    return RF_OK;
}

static rf_status make_room(rf_batcher *batcher, int64_t scalars) {
    if (scalars <= batcher->scalars) return RF_OK;
    size_t count = (size_t)scalars * (size_t)batcher->opts.rows;
    float *x = rf__alloc_array(count, sizeof *x), *v = rf__alloc_array(count, sizeof *v);
    if (!x || !v) {
        rf__free(x);
        rf__free(v);
        return rf__fail(RF_ENOMEM, "no memory for a call of %d rows of %lld scalars", batcher->opts.rows,
                        (long long)scalars);
    }
    rf__free(batcher->x);
    rf__free(batcher->v);
    batcher->x = x;
    batcher->v = v;
    batcher->scalars = scalars;
    return RF_OK;
}

static void put_rows(rf_batcher *batcher, const rf_trajectory *trajectory, int64_t scalars, int row) {
    for (int i = 0; i < trajectory->row_count; i++, row++) {
        memcpy(batcher->x + row * scalars, trajectory->ask.x, (size_t)scalars * sizeof *batcher->x);
        batcher->t[row] = (float)trajectory->ask.t;
        batcher->cond[row] = rf__trajectory_cond(trajectory, i);
    }
}

/* Fill the call with requests to one field, beginning with the slot whose turn it is. Who is left out is
 * first next time. */
static rf_status gather(rf_batcher *batcher, const rf_field **field, int *rows, int *jobs) {
    int slots = batcher->opts.slots, start = batcher->cursor, left_out = -1;
    *field = NULL;
    *rows = *jobs = 0;
    for (int k = 0; k < slots; k++) {
        int index = (start + k) % slots;
        rf_trajectory *trajectory = batcher->slot[index];
        if (!trajectory || trajectory->status == RF_JOB_CANCELLED) continue;
        if (!rf__trajectory_ask(trajectory)) {
            retire(batcher, index);
            continue;
        }
        const rf_field *wanted = rf__trajectory_field(trajectory);
        if (!*field) {
            *field = wanted;
            RF_TRY(make_room(batcher, wanted->scalars));
        }
        if (wanted != *field || *rows + trajectory->row_count > batcher->opts.rows) {
            if (left_out < 0) left_out = index;
            continue;
        }
        put_rows(batcher, trajectory, wanted->scalars, *rows);
        batcher->taken[(*jobs)++] = index;
        *rows += trajectory->row_count;
    }
    if (left_out >= 0) batcher->cursor = left_out;
    return RF_OK;
}

static void hand_out(rf_batcher *batcher, int64_t scalars, int jobs) {
    int row = 0;
    for (int i = 0; i < jobs; i++) {
        rf_trajectory *trajectory = batcher->slot[batcher->taken[i]];
        const float *answers[RF_MAX_GUIDANCE_ROWS];
        int count = trajectory->row_count;
        for (int k = 0; k < count; k++) answers[k] = batcher->v + (row + k) * scalars;
        bool refine = trajectory->kind == RF_KIND_REFINE;
        *(refine ? &batcher->stats.rows_refine : &batcher->stats.rows_full) += count;
        rf__trajectory_answer(trajectory, answers);
        row += count;
    }
    for (int i = 0; i < jobs; i++)
        if (!rf__trajectory_ask(batcher->slot[batcher->taken[i]])) retire(batcher, batcher->taken[i]);
}

rf_status rf__batcher_tick(rf_batcher *batcher) {
    if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
    retire_cancelled(batcher);
    RF_TRY(admit(batcher));
    const rf_field *field;
    int rows, jobs;
    RF_TRY(gather(batcher, &field, &rows, &jobs));
    if (jobs == 0) return RF_OK;
    RF_TRY(field->velocity(field->self, rows, batcher->x, batcher->t, batcher->cond, batcher->v));
    batcher->stats.calls++;
    hand_out(batcher, field->scalars, jobs);
    return RF_OK;
}
