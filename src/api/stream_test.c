/* stream_test.c - what a host program can ask for beyond plain samples: policies and their profiles, the way back to noise, and a stream of
 * requests that share calls. */
#include <math.h>
#include <string.h>

#include "tiny_model_test.h"

static rf_sample_opts defaults(void) {
    rf_sample_opts opts;
    rf_default_sample_opts(&opts);
    return opts;
}

static void last_done(void *user, int64_t done, int64_t total) {
    (void)total;
    *(int64_t *)user = done;
}

static void policies_take_options(void **state) {
    (void)state;
    float every[SCALARS], some[SCALARS];
    rf_sample_opts opts = defaults();
    assert_int_equal(rf_sample(sampler, &opts, every), RF_OK);
    opts.policy = "fixed";
    opts.policy_options = "skip=0";
    assert_int_equal(rf_sample(sampler, &opts, some), RF_OK);
    assert_memory_equal(every, some, sizeof some);
    opts.policy_options = "skip=3";
    assert_int_equal(rf_sample(sampler, &opts, some), RF_OK);
    assert_memory_not_equal(every, some, sizeof some);
    opts.policy_options = "leap=3";
    assert_int_equal(rf_sample(sampler, &opts, some), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "leap"));
    opts = defaults();
    opts.solver = "dopri5";
    opts.solver_options = "rtol=-1";
    assert_int_equal(rf_sample(sampler, &opts, some), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "rtol"));
}

static void profiles_are_learned_and_used(void **state) {
    (void)state;
    char profile[] = "/tmp/strait-api-profile-XXXXXX";
    float a[COUNT][SCALARS], b[COUNT][SCALARS];
    rf_sample_opts opts = defaults();
    int descriptor = mkstemp(profile);
    assert_true(descriptor >= 0);
    close(descriptor);
    unlink(profile);
    opts.policy = "fastflow";
    opts.policy_options = "mode=learn,start=cold,e_tol=0.5";
    opts.count = COUNT;
    assert_int_equal(rf_sample(sampler, &opts, a[0]), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "profile is NULL"));
    opts.profile = profile;
    assert_int_equal(rf_sample(sampler, &opts, a[0]), RF_OK);
    assert_int_equal(access(profile, F_OK), 0);
    opts.policy_options = "e_tol=0.5";
    assert_int_equal(rf_sample(sampler, &opts, a[0]), RF_OK);
    assert_int_equal(rf_sample(sampler, &opts, b[0]), RF_OK);
    assert_memory_equal(a, b, sizeof a);
    opts.steps = 7;
    assert_int_equal(rf_sample(sampler, &opts, a[0]), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "20 steps"));
    opts.steps = 20;
    opts.quality_budget = "rel=0.1"; /* nobody has measured one */
    assert_int_equal(rf_sample(sampler, &opts, a[0]), RF_ENOTFOUND);
    assert_non_null(strstr(rf_last_error(), "quality_budget: "));
    opts.policy = "hold";
    opts.policy_options = NULL;
    assert_int_equal(rf_sample(sampler, &opts, a[0]), RF_EINVAL);
    unlink(profile);
}

static double distance(const float *a, const float *b) {
    double most = 0;
    for (int i = 0; i < COUNT * SCALARS; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

/* Out and back: euler badly, fireflow well, reversible to the rounding of f32 (1e-7 a step, 8 steps each way, velocities of order 1). */
static void there_and_back(void **state) {
    (void)state;
    float images[COUNT * SCALARS], latents[COUNT * SCALARS], carry[COUNT * SCALARS], again[COUNT * SCALARS];
    const int32_t labels[COUNT] = {0, 1, 2, -1, 0, 1};
    const char *const solvers[] = {"euler", "fireflow", "reversible"};
    double error[3];
    rf_sample_opts opts = defaults();
    opts.steps = 8;
    opts.count = COUNT;
    opts.labels = labels;
    assert_int_equal(rf_sample(sampler, &opts, images), RF_OK);
    for (int i = 0; i < 3; i++) {
        bool undoes = i == 2;
        rf_sample_opts back = opts;
        back.solver = solvers[i];
        assert_int_equal(rf_invert(sampler, &back, images, latents, undoes ? carry : NULL), RF_OK);
        back.init = latents;
        if (undoes) back.carry = carry;
        assert_int_equal(rf_sample(sampler, &back, again), RF_OK);
        error[i] = distance(images, again);
    }
    assert_true(error[1] < error[0]);
    assert_true(error[2] < 1e-5);
    assert_true(error[0] > 1e-4); /* or nothing was shown */
}

static void what_cannot_turn_round_is_refused(void **state) {
    (void)state;
    float images[SCALARS] = {0}, latents[SCALARS], carry[SCALARS];
    rf_sample_opts opts = defaults();
    assert_int_equal(rf_invert(sampler, &opts, images, latents, carry), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "carry is given"));
    opts.blocks = "H3";
    assert_int_equal(rf_invert(sampler, &opts, images, latents, NULL), RF_EINVAL);
    opts = defaults();
    opts.init = images;
    assert_int_equal(rf_invert(sampler, &opts, images, latents, NULL), RF_EINVAL);
    opts = defaults();
    opts.carry = images;
    assert_int_equal(rf_sample(sampler, &opts, latents), RF_EINVAL);
    assert_int_equal(rf_invert(sampler, NULL, NULL, latents, NULL), RF_EINVAL);
}

typedef struct arrivals {
    float image[COUNT + 1][SCALARS];
    bool here[COUNT + 1], cancelled[COUNT + 1];
    int64_t answers;
    int over;
} arrivals;
typedef struct ticket { arrivals *to; int k; } ticket;

static void arrived(void *user, const rf_stream_result *result) {
    (void)user;
    const ticket *ticket = result->user;
    arrivals *to = ticket->to;
    to->over++;
    to->answers += result->answers;
    to->cancelled[ticket->k] = result->status == RF_EINTERRUPTED;
    to->here[ticket->k] = result->status == RF_OK;
    if (result->image) memcpy(to->image[ticket->k], result->image, sizeof to->image[0]);
}

/* Requests that differ in everything, two of them late, one cancelled: each picture is that of rf_sample. */
static void requests_join_and_leave(void **state) {
    (void)state;
    arrivals all = {0};
    ticket tickets[COUNT];
    rf_sample_opts opts[COUNT];
    const char *const solvers[COUNT] = {"euler", "heun", "ab2", "euler", "midpoint", "rk4"};
    const int32_t labels[COUNT] = {0, 1, 2, 0, -1, 1};
    rf_stream *stream = NULL;
    rf_stream_opts stream_opts;
    uint64_t id[COUNT];
    bool busy = true;
    rf_default_stream_opts(&stream_opts);
    stream_opts.finished = arrived;
    assert_int_equal(rf_stream_open(&stream, sampler, &stream_opts), RF_OK);
    for (int k = 0; k < COUNT; k++) {
        tickets[k] = (ticket){&all, k};
        opts[k] = defaults();
        opts[k].solver = solvers[k];
        opts[k].steps = 3 + k;
        opts[k].seed = (uint64_t)(100 + k);
        opts[k].cfg_scale = k % 2 ? 1.5 : 1;
        opts[k].labels = &labels[k];
        opts[k].user = &tickets[k];
        if (k == 4)
            for (int i = 0; i < 2; i++) assert_int_equal(rf_stream_step(stream, &busy), RF_OK);
        assert_int_equal(rf_stream_submit(stream, &opts[k], 0, &id[k]), RF_OK);
    }
    assert_true(rf_stream_cancel(stream, id[3]));
    while (busy) assert_int_equal(rf_stream_step(stream, &busy), RF_OK);
    assert_int_equal(all.over, COUNT);
    assert_false(rf_stream_cancel(stream, id[0]));
    rf_stream_close(&stream);
    assert_null(stream);
    for (int k = 0; k < COUNT; k++) {
        float alone[SCALARS];
        assert_int_equal(all.cancelled[k], k == 3);
        assert_int_equal(all.here[k], k != 3);
        if (k == 3) continue;
        assert_int_equal(rf_sample(sampler, &opts[k], alone), RF_OK);
        assert_memory_equal(alone, all.image[k], sizeof alone);
    }
    assert_true(all.answers >= 3 + 2 * 4 + 5 + 2 * 7 + 4 * 8);
}

static void stream_refuses_and_forgets(void **state) {
    (void)state;
    arrivals all = {0};
    ticket mine = {&all, 0};
    rf_stream *stream = NULL;
    rf_stream_opts stream_opts;
    rf_default_stream_opts(&stream_opts);
    assert_int_equal(rf_stream_open(&stream, sampler, &stream_opts), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "finished"));
    stream_opts.finished = arrived;
    stream_opts.admission = "random";
    assert_int_equal(rf_stream_open(&stream, sampler, &stream_opts), RF_ENOTFOUND);
    assert_null(stream);
    stream_opts.admission = "arrival";
    stream_opts.slots = stream_opts.queue = 2;
    assert_int_equal(rf_stream_open(&stream, sampler, &stream_opts), RF_OK);
    rf_sample_opts opts = defaults();
    opts.user = &mine;
    opts.count = 2;
    assert_int_equal(rf_stream_submit(stream, &opts, 0, NULL), RF_EINVAL);
    opts.count = 1;
    opts.steps = 0;
    assert_int_equal(rf_stream_submit(stream, &opts, 0, NULL), RF_EINVAL);
    opts.steps = 20;
    assert_int_equal(rf_stream_submit(stream, &opts, -1, NULL), RF_EINVAL);
    while (rf_stream_room(stream)) assert_int_equal(rf_stream_submit(stream, &opts, 60, NULL), RF_OK);
    assert_int_equal(rf_stream_submit(stream, &opts, 0, NULL), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "queue is full"));
    assert_int_equal(rf_stream_step(stream, NULL), RF_OK);
    rf_stream_close(&stream); /* in the middle of the walks */
    assert_int_equal(all.over, 0);
    rf_stream_close(&stream);
}

static void last_progress_of_a_start(void **state) {
    (void)state;
    float images[SCALARS], latent[SCALARS] = {0.5f};
    int64_t done = 0;
    rf_sample_opts opts = defaults();
    opts.init = latent;
    opts.steps = 5;
    opts.progress = last_done;
    opts.user = &done;
    assert_int_equal(rf_sample(sampler, &opts, images), RF_OK);
    assert_int_equal(done, 5);
    opts.seed = 99; /* the start is given: the seed says nothing */
    float other[SCALARS];
    assert_int_equal(rf_sample(sampler, &opts, other), RF_OK);
    assert_memory_equal(images, other, sizeof other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_take_options),    cmocka_unit_test(profiles_are_learned_and_used),
        cmocka_unit_test(there_and_back),           cmocka_unit_test(what_cannot_turn_round_is_refused),
        cmocka_unit_test(requests_join_and_leave),  cmocka_unit_test(stream_refuses_and_forgets),
        cmocka_unit_test(last_progress_of_a_start),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
