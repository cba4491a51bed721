/* admission_test.c - StreamFlow's counts in the ring, deadlines, static batches, fields that take turns, and load beyond capacity. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../base/progress.h"
#include "../base/rng.h"
#include "batcher.h"

enum { WIDTH = 3, MOST = 400 };

typedef struct net {
    int64_t calls, rows, least_rows, most_rows;
    bool mixed_times; /* some call had more than one t */
} net;

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    net *n = self;
    n->calls++;
    n->rows += rows;
    if (rows > n->most_rows) n->most_rows = rows;
    if (n->calls == 1 || rows < n->least_rows) n->least_rows = rows;
    for (int64_t r = 0; r < rows; r++) {
        n->mixed_times |= t[r] != t[0];
        for (int i = 0; i < WIDTH; i++) v[r * WIDTH + i] = cosf(x[r * WIDTH + i] * (float)(1 + cond[r].label)) - t[r];
    }
    return RF_OK;
}

static net first, second;
static rf_field field_a = {.self = &first, .scalars = WIDTH, .null_label = -1, .velocity = velocity},
                field_b = {.self = &second, .scalars = WIDTH, .null_label = -1, .velocity = velocity};

typedef struct result {
    rf_job_status status;
    int times, order;
    int64_t tick;
    uint64_t seed;
    float x[WIDTH];
} result;
static result results[MOST];
static int finished_count;
static int64_t tick_count;

static void keep(void *user, const rf_trajectory *trajectory) {
    (void)user;
    result *out = trajectory->spec.user;
    out->status = trajectory->status;
    out->times++;
    out->order = finished_count++;
    out->tick = tick_count;
    out->seed = trajectory->spec.seed;
    if (trajectory->job.x) memcpy(out->x, trajectory->job.x, sizeof out->x);
}

static void reset(void) {
    first = second = (net){0};
    memset(results, 0, sizeof results);
    finished_count = 0;
    tick_count = 0;
    field_a.times = NULL;
}

static rf_batcher *make(const char *admission, int rows, int slots, int queue) {
    rf_batcher *batcher = NULL;
    const rf_batcher_opts opts = {
        .rows = rows, .slots = slots, .queue = queue, .admission = rf__admission_find(admission), .finished = keep};
    assert_non_null(opts.admission);
    assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
    return batcher;
}

static double uniform[65][65];

static rf_job_spec spec_of(int job, int steps) {
    for (int k = 0; k <= steps; k++) uniform[steps][k] = (double)k / steps;
    return (rf_job_spec){.field = &field_a, .solver = rf__solver_find("euler"), .times = uniform[steps], .steps = steps,
                         .seed = 1000 + (uint64_t)job, .cond.label = job % 7, .user = &results[job]};
}

/* What the job must give: the loop over its own row. */
static void walk_alone(int job, int steps, float x[WIDTH]) {
    net alone = {0};
    const rf_cond cond = {.label = job % 7};
    rf__rng_normal_sample(1000 + (uint64_t)job, RF_STREAM_NOISE, 0, WIDTH, x);
    for (int k = 0; k < steps; k++) {
        float v[WIDTH], t = (float)uniform[steps][k], dt = (float)(uniform[steps][k + 1] - uniform[steps][k]);
        velocity(&alone, 1, x, &t, &cond, v);
        for (int i = 0; i < WIDTH; i++) x[i] += dt * v[i];
    }
}

static void check_job(int job, int steps) {
    float expected[WIDTH];
    walk_alone(job, steps, expected);
    assert_int_equal(results[job].status, RF_JOB_DONE);
    assert_int_equal(results[job].times, 1);
    assert_int_equal(results[job].seed, 1000 + job); /* not swapped with a neighbour's */
    assert_memory_equal(results[job].x, expected, sizeof expected);
}

static void tick(rf_batcher *batcher) {
    tick_count++;
    assert_int_equal(rf__batcher_tick(batcher), RF_OK);
}

/* M jobs through a ring of N stages: M + N - 1 calls, M N rows, no call while empty, and the results of the sequential loop. */
static void ring_takes_m_plus_n_minus_one_calls(void **state) {
    (void)state;
    const int jobs[] = {1, 3, 4, 5, 60}, stages[] = {1, 4, 8};
    for (int j = 0; j < 5; j++)
        for (int s = 0; s < 3; s++) {
            reset();
            int m = jobs[j], n = stages[s];
            rf_batcher *batcher = make("ring", n, n, m);
            tick(batcher);
            assert_int_equal(first.calls, 0);
            for (int i = 0; i < m; i++) {
                rf_job_spec spec = spec_of(i, n);
                assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
            }
            tick_count = 0;
            while (rf__batcher_busy(batcher)) tick(batcher);
            assert_int_equal(first.calls, m + n - 1);
            assert_int_equal(first.rows, m * n);
            assert_int_equal(first.most_rows, m < n ? m : n);
            for (int i = 0; i < m; i++) {
                check_job(i, n);
                assert_int_equal(results[i].tick, i + n); /* latency: N ticks, one finished a tick */
            }
            tick(batcher);
            assert_int_equal(first.calls, m + n - 1);
            rf__batcher_free(&batcher);
        }
}

/* Jobs that come one a tick, so that a ring is never left empty by us either. */
static void arrivals_one_a_tick_make_the_same_ring(void **state) {
    (void)state;
    enum { M = 20, N = 4 };
    reset();
    rf_batcher *batcher = make("arrival", N, N, N);
    for (int i = 0; i < M; i++) {
        rf_job_spec spec = spec_of(i, N);
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
        tick(batcher);
    }
    while (rf__batcher_busy(batcher)) tick(batcher);
    assert_int_equal(first.calls, M + N - 1);
    for (int i = 0; i < M; i++) check_job(i, N);
    rf__batcher_free(&batcher);
}

/* Every policy, mixed step counts, any number of rows and slots: the bits of the loop. */
static void every_policy_gives_the_loop(void **state) {
    (void)state;
    const int shapes[][2] = {{1, 1}, {3, 3}, {4, 9}, {16, 16}};
    for (const rf_admission *const *a = rf__admissions(); *a; a++)
        for (int s = 0; s < 4; s++) {
            reset();
            rf_batcher *batcher = make((*a)->name, shapes[s][0], shapes[s][1], 50);
            for (int i = 0; i < 50; i++) {
                rf_job_spec spec = spec_of(i, 1 + i * 5 % 9);
                if (i % 3 == 0) spec.deadline = rf__now() + 0.01 * (i % 11);
                assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
            }
            while (rf__batcher_busy(batcher)) tick(batcher);
            for (int i = 0; i < 50; i++) check_job(i, 1 + i * 5 % 9);
            assert_true(first.most_rows <= shapes[s][0]);
            if (strcmp((*a)->name, "equal") == 0) assert_false(first.mixed_times);
            rf__batcher_free(&batcher);
        }
}

static void static_batches_wait_for_the_slowest(void **state) {
    (void)state;
    reset();
    rf_batcher *batcher = make("equal", 4, 4, 8);
    for (int i = 0; i < 8; i++) {
        rf_job_spec spec = spec_of(i, i % 4 == 0 ? 8 : 2);
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    while (rf__batcher_busy(batcher)) tick(batcher);
    /* Two waves; in each the short jobs share the 8-step job's grid at t = 0 only (t = 0.5 comes three calls later for it). */
    assert_true(results[4].tick > results[0].tick);
    for (int i = 5; i < 8; i++) assert_true(results[i].tick > results[0].tick);
    assert_true(first.calls >= 16);
    rf__batcher_free(&batcher);
}

static void the_most_urgent_goes_first(void **state) {
    (void)state;
    reset();
    rf_batcher *batcher = make("deadline", 1, 4, 4);
    double now = rf__now();
    const double slack[] = {0, 300, 100, 200}; /* 0: none */
    for (int i = 0; i < 4; i++) {
        rf_job_spec spec = spec_of(i, 3);
        spec.deadline = slack[i] > 0 ? now + slack[i] : 0;
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    while (rf__batcher_busy(batcher)) tick(batcher);
    const int order[] = {3, 2, 0, 1};
    for (int i = 0; i < 4; i++) assert_int_equal(results[i].order, order[i]);
    assert_int_equal(rf__batcher_stats(batcher).late, 0);
    rf__batcher_free(&batcher);
}

/* One that is lost already does not make the others late; a tight deadline gets a smaller call. */
static void late_jobs_go_last_and_tight_ones_get_small_calls(void **state) {
    (void)state;
    reset();
    const rf_row_times times = {3, {1, 2, 4}, {10, 11, 12}}; /* seconds; four a call are by far the best rate */
    field_a.times = &times;
    rf_batcher *batcher = make("deadline", 4, 4, 4);
    double now = rf__now();
    const double slack[] = {5, 21.5, 100, 100}; /* lost; only calls of one row are in time; easy */
    for (int i = 0; i < 4; i++) {
        rf_job_spec spec = spec_of(i, 2);
        spec.deadline = now + slack[i];
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    tick(batcher);
    assert_int_equal(first.most_rows, 1);
    while (rf__batcher_busy(batcher)) tick(batcher);
    assert_int_equal(results[1].order, 0);
    assert_int_equal(results[0].order, 3);
    for (int i = 0; i < 4; i++) check_job(i, 2);
    rf__batcher_free(&batcher);
}

static void fields_take_turns(void **state) {
    (void)state;
    reset();
    rf_batcher *batcher = make("arrival", 8, 8, 8);
    for (int i = 0; i < 8; i++) {
        rf_job_spec spec = spec_of(i, 10);
        if (i >= 6) spec.field = &field_b;
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    for (int i = 0; i < 8; i++) tick(batcher);
    assert_int_equal(first.calls, 4);
    assert_int_equal(second.calls, 4);
    assert_int_equal(second.rows, 8);
    while (rf__batcher_busy(batcher)) tick(batcher);
    assert_int_equal(first.calls, 10); /* always all rows of the field together */
    assert_int_equal(second.calls, 10);
    for (int i = 0; i < 8; i++) check_job(i, 10);
    rf__batcher_free(&batcher);
}

static void rows_follow_the_measured_times(void **state) {
    (void)state;
    reset();
    const rf_row_times times = {4, {1, 2, 4, 8}, {1, 1.2, 2.4, 4.8}}; /* two rows a call, and no more, are worth it */
    field_a.times = &times;
    rf_batcher *batcher = make("arrival", 8, 8, 8);
    for (int i = 0; i < 8; i++) {
        rf_job_spec spec = spec_of(i, 5);
        assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_OK);
    }
    while (rf__batcher_busy(batcher)) tick(batcher);
    assert_int_equal(first.most_rows, 2);
    assert_int_equal(first.calls, 20);
    for (int i = 0; i < 8; i++) assert_int_equal(results[i].order, i); /* the oldest finish first */
    rf_batcher_stats stats = rf__batcher_stats(batcher);
    assert_int_equal(stats.rows_computed, stats.rows_full);
    assert_int_equal(rf__batcher_latency(batcher)->count, 8);
    assert_true(rf__histogram_at(rf__batcher_wait(batcher), 1) <= rf__histogram_at(rf__batcher_latency(batcher), 1));
    rf__batcher_free(&batcher);
}

/* Twice as many jobs as the network can take, and half of those taken are cancelled: the line stays bounded, who is refused hears so,
 * who is accepted gets its own picture once. */
static void overload_and_cancel_storm(void **state) {
    (void)state;
    reset();
    enum { STEPS = 4, SLOTS = 4, QUEUE = 6 };
    rf_batcher *batcher = make("arrival", SLOTS, SLOTS, QUEUE);
    uint64_t ids[MOST];
    int accepted[MOST], taken = 0, refused = 0, cancelled = 0;
    bool gone[MOST] = {false};
    for (int i = 0; i < MOST; i++) { /* the network finishes one job a tick: two arrive */
        rf_job_spec spec = spec_of(i, STEPS);
        if (rf__batcher_room(batcher) == 0) {
            assert_int_equal(rf__batcher_submit(batcher, &spec, NULL), RF_EINVAL);
            assert_non_null(strstr(rf_last_error(), "waiting line is full: 6 jobs, 6 allowed"));
            refused++;
        } else {
            accepted[taken] = i;
            assert_int_equal(rf__batcher_submit(batcher, &spec, &ids[taken++]), RF_OK);
        }
        if (i % 2) tick(batcher);
        if (i % 50 == 49) /* the storm: everybody whose number is even */
            for (int k = 0; k < taken; k++)
                if (k % 2 == 0 && rf__batcher_cancel(batcher, ids[k])) gone[k] = true, cancelled++;
    }
    while (rf__batcher_busy(batcher)) tick(batcher);
    assert_true(refused > MOST / 4 && cancelled > 20);
    rf_batcher_stats stats = rf__batcher_stats(batcher);
    assert_int_equal(stats.done + stats.cancelled, taken);
    assert_int_equal(stats.cancelled, cancelled);
    assert_int_equal(taken + refused, MOST);
    for (int k = 0; k < taken; k++) {
        assert_int_equal(results[accepted[k]].times, 1);
        if (gone[k]) assert_int_equal(results[accepted[k]].status, RF_JOB_CANCELLED);
        else check_job(accepted[k], STEPS);
    }
    rf__batcher_free(&batcher);
}

/* A cancelled job's slot is used by the tick that notices. */
static void cancel_leaves_no_bubble(void **state) {
    (void)state;
    reset();
    rf_batcher *batcher = make("arrival", 2, 2, 4);
    uint64_t ids[4];
    for (int i = 0; i < 4; i++) {
        rf_job_spec spec = spec_of(i, 6);
        assert_int_equal(rf__batcher_submit(batcher, &spec, &ids[i]), RF_OK);
    }
    tick(batcher);
    assert_true(rf__batcher_cancel(batcher, ids[0]));
    first.least_rows = MOST;
    for (int i = 0; i < 5; i++) tick(batcher);
    assert_int_equal(first.least_rows, 2);
    while (rf__batcher_busy(batcher)) tick(batcher);
    for (int i = 1; i < 4; i++) check_job(i, 6);
    rf__batcher_free(&batcher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_takes_m_plus_n_minus_one_calls),
        cmocka_unit_test(arrivals_one_a_tick_make_the_same_ring),
        cmocka_unit_test(every_policy_gives_the_loop),
        cmocka_unit_test(static_batches_wait_for_the_slowest),
        cmocka_unit_test(the_most_urgent_goes_first),
        cmocka_unit_test(late_jobs_go_last_and_tight_ones_get_small_calls),
        cmocka_unit_test(fields_take_turns),
        cmocka_unit_test(rows_follow_the_measured_times),
        cmocka_unit_test(overload_and_cancel_storm),
        cmocka_unit_test(cancel_leaves_no_bubble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
