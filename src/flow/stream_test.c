/* stream_test.c - every frame that leaves is the walk of that frame alone, in order, from the first on; the similarity filter's laws;
 * queues between threads; load beyond capacity. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../base/rng.h"
#include "frame_queue.h"
#include "stream.h"

enum { N = 6, FRAMES = 200, STEPS = 4, SEED = 5 };

static int64_t calls, rows_seen;
static float poison; /* a frame whose first number is this turns NaN; 0: none */

static rf_status answer(int64_t rows, const float *x, const float *t, float *v) {
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < N; i++) v[r * N + i] = poison != 0 && x[r * N] > poison / 2 ? NAN : sinf(3 * x[r * N + i]) - t[r];
    return RF_OK;
}

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    (void)self, (void)cond;
    calls++;
    rows_seen += rows;
    return answer(rows, x, t, v);
}

static const rf_field field = {.scalars = N, .null_label = -1, .velocity = velocity};
static double grid[STEPS + 1];

static void frame_of(int64_t k, float x[N]) { rf__rng_normal(77, RF_STREAM_TOY, (uint64_t)k * N, N, x); }

/* What must come out for frame k. */
static void alone(int64_t k, uint64_t seed, float x[N]) {
    float noise[N], source[N], t0 = (float)grid[0];
    rf__rng_normal_sample(seed, RF_STREAM_NOISE, 0, N, noise);
    frame_of(k, source);
    for (int i = 0; i < N; i++) x[i] = (1 - t0) * noise[i] + t0 * source[i];
    for (int s = 0; s < STEPS; s++) {
        float v[N], t = (float)grid[s], dt = (float)(grid[s + 1] - grid[s]);
        answer(1, x, &t, v);
        for (int i = 0; i < N; i++) x[i] += dt * v[i];
    }
}

/* What guidance towards the frame itself with scale 0 must give: the frame. */
static void check_frame(const rf_frame_out *frame) {
    float source[N];
    frame_of(frame->index, source);
    for (int i = 0; i < N; i++) assert_true(fabsf(frame->x[i] - source[i]) < 1e-5f);
}

typedef struct seen {
    int64_t next, repeats; /* next: the index that must leave next, or the least one */
    bool gaps;             /* some frames were never pushed */
    bool fresh, guided;
    rf_status refuse;
    float before[N];
} seen;

static rf_status leave(void *user, const rf_frame_out *frame) {
    seen *s = user;
    float expected[N];
    if (s->refuse) return rf__fail(s->refuse, "the test does not want it");
    if (s->gaps) assert_true(frame->index >= s->next);
    else assert_int_equal(frame->index, s->next);
    s->next = frame->index + 1;
    assert_true(frame->arrived == 1000 + (double)frame->index);
    if (s->guided) {
        check_frame(frame);
        return RF_OK;
    }
    alone(frame->index, s->fresh ? SEED + (uint64_t)frame->index : SEED, expected);
    if (frame->repeated) assert_memory_equal(frame->x, s->before, sizeof expected);
    else assert_memory_equal(frame->x, expected, sizeof expected);
    s->repeats += frame->repeated;
    memcpy(s->before, frame->x, sizeof s->before);
    return RF_OK;
}

static rf_frame_stream *make(seen *s, int in_flight, double threshold) {
    for (int i = 0; i <= STEPS; i++) grid[i] = 0.4 + 0.6 * i / STEPS;
    grid[STEPS] = 1;
    const rf_frame_stream_opts opts = {.job = {.field = &field, .solver = rf__solver_find("euler"), .times = grid, .steps = STEPS, .seed = SEED},
                                       .fresh_noise = s->fresh, .in_flight = in_flight, .rows = in_flight,
                                       .similarity = {threshold, 10}, .leave = leave, .user = s};
    rf_frame_stream *stream = NULL;
    assert_int_equal(rf__frame_stream_create(&stream, &opts), RF_OK);
    calls = rows_seen = 0;
    poison = 0;
    return stream;
}

static void push(rf_frame_stream *stream, int64_t k) {
    float x[N];
    frame_of(k, x);
    assert_int_equal(rf__frame_stream_push(stream, x, k, 1000 + (double)k), RF_OK);
    memset(x, 0xff, sizeof x); /* it was copied */
}

static void frames_leave_in_order_and_are_their_own(void **state) {
    (void)state;
    for (int in_flight = 1; in_flight <= 9; in_flight += 2)
        for (int fresh = 0; fresh < 2; fresh++) {
            seen s = {.fresh = fresh};
            rf_frame_stream *stream = make(&s, in_flight, 1);
            for (int64_t k = 0; k < FRAMES;) {
                while (k < FRAMES && rf__frame_stream_room(stream)) push(stream, k++);
                assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
            }
            while (rf__frame_stream_busy(stream)) assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
            assert_int_equal(s.next, FRAMES); /* all of them, the first ones too: nothing stands in for a picture that is not ready */
            rf_frame_stream_stats stats = rf__frame_stream_stats(stream);
            assert_int_equal(stats.processed, FRAMES);
            assert_int_equal(stats.counters.nfe_full, FRAMES * STEPS);
            rf__frame_stream_free(&stream);
        }
}

/* One frame a tick: StreamFlow's ring, M + N - 1 calls. */
static void one_frame_a_tick_is_the_ring(void **state) {
    (void)state;
    seen s = {0};
    rf_frame_stream *stream = make(&s, STEPS, 1);
    for (int64_t k = 0; k < 30; k++) {
        assert_true(rf__frame_stream_room(stream));
        push(stream, k);
        assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
    }
    while (rf__frame_stream_busy(stream)) assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
    assert_int_equal(calls, 30 + STEPS - 1);
    assert_int_equal(rows_seen, 30 * STEPS);
    rf__frame_stream_free(&stream);
}

/* Repeated frames wait behind the one that they repeat. */
static void skipped_frames_keep_their_place(void **state) {
    (void)state;
    seen s = {0};
    rf_frame_stream *stream = make(&s, 3, -1); /* all frames are similar */
    int64_t k = 0;
    while (k < FRAMES || rf__frame_stream_busy(stream)) {
        while (k < FRAMES && rf__frame_stream_room(stream)) push(stream, k++);
        assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
    }
    rf_frame_stream_stats stats = rf__frame_stream_stats(stream);
    assert_int_equal(s.next, FRAMES);
    assert_int_equal(s.repeats, stats.skipped);
    assert_int_equal(stats.processed + stats.skipped, FRAMES);
    assert_true(stats.skipped > FRAMES / 4);
    assert_int_equal(rows_seen, stats.processed * STEPS);
    rf__frame_stream_free(&stream);
}

/* Residual guidance: each frame is its own target. */
static void guidance_by_the_frame(void **state) {
    (void)state;
    seen s = {.guided = true};
    rf_guidance_opts guidance = rf__guidance_defaults();
    guidance.scale = 0;
    for (int i = 0; i <= STEPS; i++) grid[i] = 0.3 + 0.7 * i / STEPS;
    const rf_frame_stream_opts opts = {
        .job = {.field = &field, .solver = rf__solver_find("euler"), .times = grid, .steps = STEPS, .seed = SEED,
                .guidance = rf__guidance_find("endpoint"), .guidance_opts = guidance},
        .towards_source = true, .in_flight = 3, .rows = 3, .similarity = {1, 10}, .leave = leave, .user = &s};
    rf_frame_stream *stream = NULL;
    assert_int_equal(rf__frame_stream_create(&stream, &opts), RF_OK);
    for (int64_t k = 0; k < 20;) {
        while (k < 20 && rf__frame_stream_room(stream)) push(stream, k++);
        assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
    }
    while (rf__frame_stream_busy(stream)) assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
    assert_int_equal(s.next, 20);
    rf__frame_stream_free(&stream);
}

static void a_bad_frame_ends_the_stream_with_a_sentence(void **state) {
    (void)state;
    seen s = {0};
    rf_frame_stream *stream = make(&s, 2, 1);
    poison = 1e6f;
    push(stream, 0);
    float x[N] = {2e6f};
    assert_int_equal(rf__frame_stream_push(stream, x, 1, 1001), RF_OK);
    rf_status status = RF_OK;
    for (int i = 0; i < 10 && status == RF_OK; i++) status = rf__frame_stream_tick(stream);
    assert_int_equal(status, RF_ENUMERIC);
    assert_non_null(strstr(rf_last_error(), "not a finite number"));
    rf__frame_stream_free(&stream);
    s = (seen){.refuse = RF_EIO};
    stream = make(&s, 1, 1);
    push(stream, 0);
    for (status = RF_OK; status == RF_OK;) status = rf__frame_stream_tick(stream);
    assert_int_equal(status, RF_EIO);
    rf__frame_stream_free(&stream);
}

/* ---- the filter ---- */
static void filter_laws(void **state) {
    (void)state;
    float last[N], x[N], y[N];
    frame_of(1, x);
    rf_similarity_state never = {.opts = {1, 10}, .last = last};
    for (int k = 0; k < 100; k++) assert_false(rf__similarity_skips(&never, x, N, k)); /* threshold 1 */
    rf_similarity_state still = {.opts = {0.98, 10}, .last = last};
    int in_a_row = 0, processed = 0;
    for (int k = 0; k < 200; k++) {
        if (rf__similarity_skips(&still, x, N, k)) in_a_row++;
        else in_a_row = 0, processed++;
        assert_true(in_a_row <= 10);
    }
    assert_int_equal(processed, 19); /* identical frames: one in eleven, always */
    /* A frame that is processed resets the counter: ten more may be skipped (StreamDiffusion never resets it). */
    assert_false(rf__similarity_skips(&still, (frame_of(50, y), y), N, 200));
    for (int k = 0; k < 10; k++) assert_true(rf__similarity_skips(&still, y, N, 201 + k));
    assert_false(rf__similarity_skips(&still, y, N, 211));
}

static void skips_have_the_published_probability(void **state) {
    (void)state;
    float last[2], reference[2] = {1, 0};
    double angle = acos(0.99);
    float x[2] = {(float)cos(angle), (float)sin(angle)};
    int skipped = 0;
    for (int k = 0; k < 4000; k++) {
        rf_similarity_state state_of = {.opts = {0.98, 10}, .last = last, .seed = 9};
        assert_false(rf__similarity_skips(&state_of, reference, 2, 0)); /* the first frame never */
        skipped += rf__similarity_skips(&state_of, x, 2, 1 + k);
    }
    assert_true(fabs(skipped / 4000.0 - 0.5) < 0.04); /* (0.99 - 0.98) / (1 - 0.98) */
    /* Compared with the last processed frame, not with the last one: slow drift is noticed. */
    rf_similarity_state drift = {.opts = {0.98, 1000}, .last = last, .seed = 9};
    int processed = 0;
    for (int k = 0; k < 360; k++) {
        float turning[2] = {(float)cos(k * 0.01745), (float)sin(k * 0.01745)};
        processed += !rf__similarity_skips(&drift, turning, 2, k);
    }
    assert_true(processed > 30);
}

/* ---- queues ---- */
static void full_queues_drop_or_wait(void **state) {
    (void)state;
    const char *names[] = {"oldest", "newest"};
    for (int p = 0; p < 2; p++) {
        rf_frame_queue *queue = NULL;
        int value;
        rf_frame_tag tag;
        assert_int_equal(rf__frame_queue_create(&queue, 3, sizeof value, rf__drop_policy_find(names[p])->when_full), RF_OK);
        assert_int_equal(rf__frame_queue_pop(queue, false, &value, &tag), RF_POP_EMPTY);
        for (int k = 0; k < 10; k++) assert_true(rf__frame_queue_push(queue, &k, (rf_frame_tag){k, k}));
        assert_int_equal(rf__frame_queue_dropped(queue), 7);
        rf__frame_queue_close(queue);
        assert_false(rf__frame_queue_push(queue, &p, (rf_frame_tag){0, 0}));
        for (int k = 0; k < 3; k++) {
            assert_int_equal(rf__frame_queue_pop(queue, true, &value, &tag), RF_POP_FRAME);
            assert_int_equal(value, p == 0 ? 7 + k : k);
            assert_int_equal(tag.index, value);
        }
        assert_int_equal(rf__frame_queue_pop(queue, true, &value, &tag), RF_POP_ENDED);
        rf__frame_queue_free(&queue);
    }
    assert_null(rf__drop_policy_find("all"));
}

static void *feed_queue(void *arg) {
    rf_frame_queue *queue = arg;
    for (int k = 0; k < 1000; k++)
        if (!rf__frame_queue_push(queue, &k, (rf_frame_tag){k, 0})) return (void *)1;
    rf__frame_queue_close(queue);
    return NULL;
}

static void a_waiting_queue_loses_nothing(void **state) {
    (void)state;
    rf_frame_queue *queue = NULL;
    pthread_t thread;
    int value, expected = 0;
    rf_frame_tag tag;
    void *refused;
    assert_int_equal(rf__frame_queue_create(&queue, 2, sizeof value, RF_FULL_WAIT), RF_OK);
    assert_int_equal(pthread_create(&thread, NULL, feed_queue, queue), 0);
    while (rf__frame_queue_pop(queue, true, &value, &tag) == RF_POP_FRAME) assert_int_equal(value, expected++);
    assert_int_equal(expected, 1000);
    pthread_join(thread, &refused);
    assert_null(refused);
    rf__frame_queue_free(&queue);
    /* A reader that goes away wakes the writer that waits for it. */
    assert_int_equal(rf__frame_queue_create(&queue, 2, sizeof value, RF_FULL_WAIT), RF_OK);
    assert_int_equal(pthread_create(&thread, NULL, feed_queue, queue), 0);
    assert_int_equal(rf__frame_queue_pop(queue, true, &value, &tag), RF_POP_FRAME);
    rf__frame_queue_abandon(queue);
    pthread_join(thread, &refused);
    assert_non_null(refused);
    assert_int_equal(rf__frame_queue_pop(queue, true, &value, &tag), RF_POP_ENDED);
    rf__frame_queue_free(&queue);
}

/* Two frames arrive for each that the network can take: memory is the queue's, and what leaves is in order and its own. */
static void overload_drops_frames_and_swaps_none(void **state) {
    (void)state;
    seen s = {.gaps = true};
    rf_frame_stream *stream = make(&s, STEPS, 1);
    rf_frame_queue *queue = NULL;
    assert_int_equal(rf__frame_queue_create(&queue, 3, N * sizeof(float), RF_FULL_DROP_OLDEST), RF_OK);
    float x[N];
    int64_t pushed = 0;
    rf_frame_tag tag;
    for (int64_t k = 0; k < FRAMES; k++) { /* at capacity a tick finishes one frame */
        frame_of(k, x);
        rf__frame_queue_push(queue, x, (rf_frame_tag){k, 1000 + (double)k});
        if (k % 2) continue;
        while (rf__frame_stream_room(stream) && rf__frame_queue_pop(queue, false, x, &tag) == RF_POP_FRAME) {
            assert_int_equal(rf__frame_stream_push(stream, x, tag.index, tag.arrived), RF_OK);
            pushed++;
        }
        assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
    }
    while (rf__frame_stream_busy(stream)) assert_int_equal(rf__frame_stream_tick(stream), RF_OK);
    assert_true(rf__frame_queue_dropped(queue) > FRAMES / 3);
    assert_true(pushed + rf__frame_queue_dropped(queue) >= FRAMES - 3);
    assert_int_equal(rf__frame_stream_stats(stream).processed, pushed);
    rf__frame_queue_free(&queue);
    rf__frame_stream_free(&stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_leave_in_order_and_are_their_own),
        cmocka_unit_test(one_frame_a_tick_is_the_ring),
        cmocka_unit_test(skipped_frames_keep_their_place),
        cmocka_unit_test(guidance_by_the_frame),
        cmocka_unit_test(a_bad_frame_ends_the_stream_with_a_sentence),
        cmocka_unit_test(filter_laws),
        cmocka_unit_test(skips_have_the_published_probability),
        cmocka_unit_test(full_queues_drop_or_wait),
        cmocka_unit_test(a_waiting_queue_loses_nothing),
        cmocka_unit_test(overload_drops_frames_and_swaps_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
