/* batcher.c - a bounded waiting line, the jobs that walk, and one field call a tick. */
#include "batcher.h"

#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/progress.h"

/* Jobs in the order of the admission policy. */
typedef struct list {
    rf_trajectory **at;
    int count, room;
} list;

struct rf_batcher {
    rf_batcher_opts opts;
    rf_batcher_stats stats;
    rf_histogram latency, wait;
    uint64_t next_id;
    list line, walk;          /* waiting, walking */
    const rf_field *last;     /* the field of the call before */
    /* one call: */
    float *x, *v, *t; /* [rows, scalars] twice, [rows] */
    rf_cond *cond;    /* [rows] */
    rf_trajectory **taken; /* jobs in the call, in row order */
    int64_t scalars;  /* x and v have room for this many a row */
};

static bool list_create(list *l, int room) {
    l->room = room;
    l->at = rf__alloc_array((size_t)room, sizeof *l->at);
    return l->at != NULL;
}

static void list_free(list *l) {
    for (int i = 0; i < l->count; i++) rf__trajectory_free(&l->at[i]);
    rf__free(l->at);
}

static bool goes_before(const rf_batcher *batcher, const rf_trajectory *a, const rf_trajectory *b) {
    const rf_admission *admission = batcher->opts.admission;
    if (admission->before && admission->before(a, b)) return true;
    if (admission->before && admission->before(b, a)) return false;
    return a->id < b->id;
}

/* Move the job at `from` to its place among those in front of it. */
static void settle(const rf_batcher *batcher, list *l, int from) {
    rf_trajectory *moved = l->at[from];
    int to = from;
    for (; to > 0 && goes_before(batcher, moved, l->at[to - 1]); to--) l->at[to] = l->at[to - 1];
    l->at[to] = moved;
}

static void list_add(const rf_batcher *batcher, list *l, rf_trajectory *trajectory) {
    l->at[l->count++] = trajectory;
    settle(batcher, l, l->count - 1);
}

static rf_trajectory *list_remove(list *l, int index) {
    rf_trajectory *gone = l->at[index];
    memmove(l->at + index, l->at + index + 1, (size_t)(--l->count - index) * sizeof *l->at);
    return gone;
}

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
    if (!opts->admission) batcher->opts.admission = rf__admissions()[0];
    size_t rows = (size_t)opts->rows;
    bool lists = list_create(&batcher->walk, batcher->opts.slots) && list_create(&batcher->line, batcher->opts.queue);
    batcher->t = rf__alloc_array(rows, sizeof *batcher->t);
    batcher->cond = rf__alloc_array(rows, sizeof *batcher->cond);
    batcher->taken = rf__alloc_array(rows, sizeof *batcher->taken);
    if (!lists || !batcher->t || !batcher->cond || !batcher->taken) {
        rf__batcher_free(&batcher);
        return rf__fail(RF_ENOMEM, "no memory for a batcher of %d rows", opts->rows);
    }
    *out = batcher;
    return RF_OK;
}

void rf__batcher_free(rf_batcher **batcher) {
    rf_batcher *dead = *batcher;
    if (!dead) return;
    list_free(&dead->walk);
    list_free(&dead->line);
    rf__free(dead->x);
    rf__free(dead->v);
    rf__free(dead->t);
    rf__free(dead->cond);
    rf__free(dead->taken);
    rf__free(dead);
    *batcher = NULL;
}

int rf__batcher_room(const rf_batcher *batcher) {
    return batcher->line.room - batcher->line.count;
}
bool rf__batcher_busy(const rf_batcher *batcher) {
    return batcher->line.count + batcher->walk.count > 0;
}
rf_batcher_stats rf__batcher_stats(const rf_batcher *batcher) {
    rf_batcher_stats stats = batcher->stats;
    for (int i = 0; i < batcher->walk.count; i++) stats.answers += batcher->walk.at[i]->job.calls;
    return stats;
}
const rf_histogram *rf__batcher_latency(const rf_batcher *batcher) { return &batcher->latency; }
const rf_histogram *rf__batcher_wait(const rf_batcher *batcher) { return &batcher->wait; }

rf_status rf__batcher_submit(rf_batcher *batcher, const rf_job_spec *spec, uint64_t *id) {
    if (rf__batcher_room(batcher) == 0)
        return rf__fail(RF_EINVAL, "the waiting line is full: %d jobs, %d allowed", batcher->line.count,
                        batcher->line.room);
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
    trajectory->submitted = rf__now();
    if (id) *id = trajectory->id;
    list_add(batcher, &batcher->line, trajectory);
    return RF_OK;
}

static rf_trajectory *find(const list *l, uint64_t id) {
    for (int i = 0; i < l->count; i++)
        if (l->at[i]->id == id) return l->at[i];
    return NULL;
}

bool rf__batcher_cancel(rf_batcher *batcher, uint64_t id) {
    rf_trajectory *found = find(&batcher->walk, id);
    if (!found) found = find(&batcher->line, id);
    if (!found || found->status > RF_JOB_ACTIVE) return false;
    found->status = RF_JOB_CANCELLED;
    return true;
}

static void report_done(rf_batcher *batcher, const rf_trajectory *trajectory) {
    double now = rf__now(), deadline = trajectory->spec.deadline;
    batcher->stats.done++;
    batcher->stats.late += deadline > 0 && now > deadline;
    rf__histogram_add(&batcher->latency, now - trajectory->submitted);
    if (trajectory->started > 0) rf__histogram_add(&batcher->wait, trajectory->started - trajectory->submitted);
}

/* The job has left its list: `finished` may submit. */
static void report(rf_batcher *batcher, rf_trajectory *trajectory) {
    rf_batcher_stats *stats = &batcher->stats;
    stats->answers += trajectory->job.calls;
    if (trajectory->status == RF_JOB_DONE)
        report_done(batcher, trajectory);
    else if (trajectory->status == RF_JOB_FAILED)
        stats->failed++;
    else
        stats->cancelled++;
    if (batcher->opts.finished) batcher->opts.finished(batcher->opts.user, trajectory);
    rf__trajectory_free(&trajectory);
}

/* Jobs that are over leave; what `finished` adds or cancels meanwhile is seen by the next tick. */
static void retire(rf_batcher *batcher, list *l) {
    for (int i = 0; i < l->count;)
        if (l->at[i]->status > RF_JOB_ACTIVE) report(batcher, list_remove(l, i));
        else i++;
}

static rf_status admit(rf_batcher *batcher) {
    const rf_admission *admission = batcher->opts.admission;
    list *walk = &batcher->walk, *line = &batcher->line;
    int room = walk->room - walk->count;
    if (admission->waves && walk->count) room = 0;
    if (admission->per_tick && room > admission->per_tick) room = admission->per_tick;
    for (; room > 0 && line->count; room--) {
        rf_trajectory *trajectory = line->at[0];
        if (trajectory->status == RF_JOB_WAITING) { /* else: cancelled from a callback, retired next tick */
            RF_TRY(rf__job_announce(&trajectory->spec));
            (void)rf__trajectory_start(trajectory); /* one that cannot begin has failed: it leaves with its sentence, and nobody waits behind it */
        }
        list_add(batcher, walk, list_remove(line, 0));
    }
    return RF_OK;
}

/* A deadline that cannot be met even by calls of one row is lost, and the order changes. */
static void find_late(rf_batcher *batcher, list *l, double now) {
    if (!batcher->opts.admission->before) return;
    for (int i = 0; i < l->count; i++) {
        rf_trajectory *trajectory = l->at[i];
        const rf_field *field = trajectory->spec.field;
        double alone = field->times ? (double)rf__trajectory_left(trajectory) * rf__row_times_of(field->times, 1) : 0;
        if (trajectory->spec.deadline > 0) trajectory->late = now + alone > trajectory->spec.deadline;
    }
    for (int i = 1; i < l->count; i++) settle(batcher, l, i);
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

/* Everybody who walks says what it wants next. */
static void ask_all(rf_batcher *batcher) {
    for (int i = 0; i < batcher->walk.count; i++)
        if (batcher->walk.at[i]->status == RF_JOB_ACTIVE) rf__trajectory_ask(batcher->walk.at[i]);
    retire(batcher, &batcher->walk);
}

static bool goes_with(const rf_batcher *batcher, const rf_trajectory *trajectory, const rf_trajectory *first) {
    if (trajectory->status != RF_JOB_ACTIVE || rf__trajectory_field(trajectory) != rf__trajectory_field(first)) return false;
    return !batcher->opts.admission->same_time || trajectory->ask.t == first->ask.t;
}

static int64_t pending(const rf_batcher *batcher, const rf_trajectory *first) {
    int64_t rows = 0;
    for (int i = 0; i < batcher->walk.count; i++)
        if (goes_with(batcher, batcher->walk.at[i], first)) rows += batcher->walk.at[i]->row_count;
    return rows;
}

static rf_trajectory *first_of_fullest(const rf_batcher *batcher) {
    rf_trajectory *first = NULL;
    int64_t most = 0;
    for (int i = 0; i < batcher->walk.count; i++) {
        rf_trajectory *trajectory = batcher->walk.at[i];
        int64_t rows = trajectory->status == RF_JOB_ACTIVE ? pending(batcher, trajectory) : 0;
        if (rows > most) first = trajectory, most = rows;
    }
    return first;
}

/* The job whose turn it is: the first in the order, or the first that asks another field than the call before did, so that a field with
 * many jobs does not keep the others waiting. */
static rf_trajectory *first_of(const rf_batcher *batcher) {
    rf_trajectory *first = NULL;
    if (batcher->opts.admission->fullest) return first_of_fullest(batcher);
    for (int i = 0; i < batcher->walk.count; i++) {
        rf_trajectory *trajectory = batcher->walk.at[i];
        if (trajectory->status != RF_JOB_ACTIVE) continue;
        if (!first) first = trajectory;
        if (batcher->opts.admission->urgent || rf__trajectory_field(trajectory) != batcher->last) return trajectory;
    }
    return first;
}

static int64_t rows_wanted(const rf_batcher *batcher, const rf_trajectory *first, double now) {
    rf_admission_view view = {
        .now = now, .first = first, .times = rf__trajectory_field(first)->times, .most = batcher->opts.rows};
    view.pending = pending(batcher, first);
    int64_t rows = batcher->opts.admission->rows(&view);
    return rows < first->row_count ? first->row_count : rows;
}

static void put_rows(rf_batcher *batcher, rf_trajectory *trajectory, int64_t scalars, int row, double now) {
    if (trajectory->started == 0) trajectory->started = now;
    for (int i = 0; i < trajectory->row_count; i++, row++) {
        rf__trajectory_place(trajectory, i, batcher->x + row * scalars);
        batcher->t[row] = (float)trajectory->ask.t;
        batcher->cond[row] = rf__trajectory_cond(trajectory, i);
    }
}

/* Fill the call, the first of all with `first`; returns how many jobs are in it. */
static int gather(rf_batcher *batcher, rf_trajectory *first, int64_t limit, double now, int *rows) {
    int64_t scalars = rf__trajectory_field(first)->scalars;
    int jobs = 0;
    put_rows(batcher, first, scalars, 0, now);
    batcher->taken[jobs++] = first;
    *rows = first->row_count;
    for (int i = 0; i < batcher->walk.count; i++) {
        rf_trajectory *trajectory = batcher->walk.at[i];
        if (trajectory == first || !goes_with(batcher, trajectory, first) || *rows + trajectory->row_count > limit) continue;
        put_rows(batcher, trajectory, scalars, *rows, now);
        batcher->taken[jobs++] = trajectory;
        *rows += trajectory->row_count;
    }
    return jobs;
}

static void hand_out(rf_batcher *batcher, int64_t scalars, int jobs) {
    int row = 0;
    for (int i = 0; i < jobs; i++) {
        rf_trajectory *trajectory = batcher->taken[i];
        const float *answers[RF_MAX_GUIDANCE_ROWS];
        int count = trajectory->row_count;
        for (int k = 0; k < count; k++) answers[k] = batcher->v + (row + k) * scalars;
        bool refine = trajectory->kind == RF_KIND_REFINE;
        *(refine ? &batcher->stats.rows_refine : &batcher->stats.rows_full) += count;
        rf__trajectory_answer(trajectory, answers);
        row += count;
    }
    for (int i = 0; i < jobs; i++) rf__trajectory_ask(batcher->taken[i]);
    retire(batcher, &batcher->walk);
}

static rf_status call(rf_batcher *batcher, rf_trajectory *first, double now) {
    const rf_field *field = rf__trajectory_field(first);
    int rows, jobs;
    RF_TRY(make_room(batcher, field->scalars));
    jobs = gather(batcher, first, rows_wanted(batcher, first, now), now, &rows);
    RF_TRY(field->velocity(field->self, rows, batcher->x, batcher->t, batcher->cond, batcher->v));
    batcher->stats.calls++;
    batcher->stats.rows_computed += field->bucket ? field->bucket(field->network, rows) : rows;
    batcher->last = field;
    hand_out(batcher, field->scalars, jobs);
    return RF_OK;
}

rf_status rf__batcher_tick(rf_batcher *batcher) {
    if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
    double now = rf__now();
    retire(batcher, &batcher->walk);
    retire(batcher, &batcher->line);
    find_late(batcher, &batcher->line, now);
    RF_TRY(admit(batcher));
    ask_all(batcher);
    find_late(batcher, &batcher->walk, now);
    rf_trajectory *first = first_of(batcher);
    return first ? call(batcher, first, now) : RF_OK;
}
