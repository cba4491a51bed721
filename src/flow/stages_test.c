/* stages_test.c - walks over several resolutions: a switch that changes nothing, counts, noise by the seed, company, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../base/rng.h"
#include "batcher.h"

enum { SMALL = 4, LARGE = 8, CHANNELS = 2, SCALARS = SMALL * SMALL * CHANNELS, MANY = LARGE * LARGE * CHANNELS };

typedef struct test_field { int64_t scalars, calls, rows; } test_field;

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    test_field *f = self;
    f->calls++;
    f->rows += rows;
    for (int64_t i = 0; i < rows * f->scalars; i++)
        v[i] = sinf(2 * x[i] + (float)cond[i / f->scalars].label) * cosf(3 * t[i / f->scalars]) - x[i] + t[i / f->scalars];
    return RF_OK;
}

static test_field coarse = {.scalars = SCALARS}, fine = {.scalars = MANY}, light = {.scalars = MANY};
static const rf_field coarse_field = {&coarse, SCALARS, 3, velocity}, fine_field = {&fine, MANY, 3, velocity},
                      light_field = {&light, MANY, 3, velocity, .gap_most = 0.125};
static const rf_extent small = {SMALL, SMALL, CHANNELS}, large = {LARGE, LARGE, CHANNELS};

static void between(double *times, int steps, double from, double to) {
    for (int i = 0; i <= steps; i++) times[i] = from + (to - from) * i / steps;
    times[steps] = to;
}

/* Two stages with lists of their own. */
typedef struct walk { double first[32], second[32]; rf_blocks one, two; rf_stage stage; rf_job_spec spec; } walk;

static void plan(walk *w, const char *one, double end, const char *two, double begin, bool finer) {
    memset(w, 0, sizeof *w);
    assert_int_equal(rf__blocks_parse(&w->one, one), RF_OK);
    assert_int_equal(rf__blocks_parse(&w->two, two), RF_OK);
    int a = rf__blocks_steps(&w->one), b = rf__blocks_steps(&w->two);
    between(w->first, a, 0, end);
    between(w->second, b, begin, 1);
    w->stage = (rf_stage){.field = finer ? &fine_field : &coarse_field, .refiner = finer ? &light_field : NULL, .blocks = &w->two, .times = w->second,
                          .steps = b, .from = small, .to = finer ? large : small, .upsampler = rf__upsampler_find("bicubic"),
                          .renoise = rf__renoise_find("fresh")};
    w->spec = (rf_job_spec){.field = &coarse_field, .solver = rf__solver_find("blocks"), .blocks = &w->one, .times = w->first, .steps = a,
                            .stages = &w->stage, .stage_count = 1, .seed = 11, .cond = {.label = 1}};
}

typedef struct result { float x[MANY]; rf_counters counters; int64_t scalars; } result;
static void keep(void *user, const rf_trajectory *job) {
    (void)user;
    result *out = job->spec.user;
    assert_int_equal(job->status, RF_JOB_DONE);
    assert_true(job->job.t == 1);
    out->scalars = job->job.scalars;
    memcpy(out->x, job->job.x, (size_t)out->scalars * sizeof(float));
    out->counters = job->counters;
}

static void run(rf_job_spec *const *specs, int count, result *out, rf_batcher_stats *stats) {
    rf_batcher *batcher = NULL;
    const rf_batcher_opts opts = {.rows = 8, .slots = count, .finished = keep};
    assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
    for (int i = 0; i < count; i++) {
        specs[i]->user = &out[i];
        if (rf__batcher_submit(batcher, specs[i], NULL) != RF_OK) fail_msg("%s", rf_last_error());
    }
    while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    if (stats) *stats = rf__batcher_stats(batcher);
    rf__batcher_free(&batcher);
}

static void solve(walk *w, result *out) {
    rf_job_spec *spec = &w->spec;
    run(&spec, 1, out, NULL);
}

/* Same size, a = b, the noise as seen from b: the state goes through as it is, to rounding, and so does the whole walk. */
static void identity_switch(void **state) {
    (void)state;
    walk w;
    result cut, whole;
    plan(&w, "H8", 0.5, "H8", 0.5, false);
    w.stage.renoise = rf__renoise_find("estimated");
    solve(&w, &cut);
    double times[17];
    rf_blocks blocks;
    between(times, 16, 0, 1);
    assert_int_equal(rf__blocks_parse(&blocks, "H16"), RF_OK);
    rf_job_spec one = w.spec;
    one.stages = NULL, one.stage_count = 0, one.times = times, one.steps = 16, one.blocks = &blocks;
    rf_job_spec *spec = &one;
    run(&spec, 1, &whole, NULL);
    double most = 0;
    for (int i = 0; i < SCALARS; i++) most = fmax(most, fabs((double)cut.x[i] - whole.x[i]));
    print_message("through a switch that changes nothing: %.1e\n", most);
    assert_true(most < 3e-6);
    assert_int_equal(cut.counters.nfe_full, whole.counters.nfe_full + 1); /* the look at the clean picture */
    /* New noise instead is another picture. */
    w.stage.renoise = rf__renoise_find("fresh");
    solve(&w, &cut);
    assert_true(fabsf(cut.x[0] - whole.x[0]) > 1e-3f);
}

/* What is entered is (1-a) noise + a upsampled: with a field that is asked once only, by hand. */
static void entering(void **state) {
    (void)state;
    float x[SCALARS], v[SCALARS], room[MANY], out[MANY], noise[MANY], clean[SCALARS], up[MANY];
    for (int i = 0; i < SCALARS; i++) x[i] = (float)i / 7, v[i] = 1 - (float)i / 9, clean[i] = x[i] + 0.25f * v[i];
    const double times[] = {0.8, 1};
    const rf_stage stage = {.times = times, .steps = 1, .from = small, .to = large, .upsampler = rf__upsampler_find("bilinear"), .renoise = rf__renoise_find("fresh")};
    rf__stage_enter(&stage, 3, 42, 0.75, x, v, room, out);
    rf__rng_normal_sample(42, RF_STREAM_STAGE + 3, 0, MANY, noise);
    rf__upsampler_find("bilinear")->apply(clean, small, up, large);
    for (int i = 0; i < MANY; i++) assert_true(fabsf(out[i] - (0.2f * noise[i] + 0.8f * up[i])) < 1e-5f);
}

static void upsamplers(void **state) {
    (void)state;
    float in[SCALARS], out[MANY], again[SCALARS];
    for (int k = 0; rf__upsamplers()[k]; k++) {
        const rf_upsampler *u = rf__upsamplers()[k];
        for (int i = 0; i < SCALARS; i++) in[i] = 0.7f;
        u->apply(in, small, out, large);
        for (int i = 0; i < MANY; i++) assert_true(fabsf(out[i] - 0.7f) < 1e-6f); /* weights sum to 1, at the edges too */
        for (int i = 0; i < SCALARS; i++) in[i] = sinf((float)i);
        u->apply(in, small, again, small);
        assert_memory_equal(in, again, sizeof in);
    }
    /* A ramp keeps its slope inside. */
    for (int i = 0; i < SCALARS; i++) in[i] = (float)(i / CHANNELS % SMALL);
    for (int k = 0; k < 2; k++) {
        rf__upsamplers()[k]->apply(in, small, out, large);
        for (int x = 3; x < 5; x++) assert_true(fabsf(out[(3 * LARGE + x) * CHANNELS] - ((float)x / 2 - 0.25f)) < 1e-5f);
    }
}

static void calls_are_counted(void **state) {
    (void)state;
    walk w;
    result r;
    rf_trajectory *job = NULL;
    plan(&w, "H2P4", 0.6, "P3R3", 0.55, true);
    assert_int_equal(rf__trajectory_create(&job, &w.spec), RF_OK);
    assert_int_equal(rf__trajectory_left(job), 8 + 1 + 4 + 3);
    rf__trajectory_free(&job);
    solve(&w, &r);
    assert_int_equal(r.scalars, MANY);
    assert_int_equal(r.counters.nfe_full, 8 + 1 + 4);
    assert_int_equal(r.counters.nfe_refine, 3);
    plan(&w, "H2", 1, "P2", 0.9, true); /* left at 1: there is nothing to look through */
    solve(&w, &r);
    assert_int_equal(r.counters.nfe_full, 4 + 3);
}

/* Jobs in different stages share nothing but calls: each equals its own run alone. */
static void company_changes_no_byte(void **state) {
    (void)state;
    enum { JOBS = 6 };
    static walk w[JOBS];
    static result together[JOBS], alone[JOBS];
    rf_job_spec *specs[JOBS];
    rf_batcher_stats stats;
    for (int i = 0; i < JOBS; i++) {
        plan(&w[i], i % 2 ? "H2P4" : "P5", 0.5 + 0.05 * i, i % 3 ? "P3R3" : "H4", 0.5, true);
        w[i].spec.seed = (uint64_t)i;
        w[i].spec.cond.label = i % 3;
        w[i].spec.guidance = rf__guidance_find("cfg");
        w[i].spec.guidance_opts = (rf_guidance_opts){.scale = 1 + 0.5 * i, .low = 0, .high = 1};
        specs[i] = &w[i].spec;
    }
    coarse.rows = fine.rows = light.rows = coarse.calls = 0;
    run(specs, JOBS, together, &stats);
    assert_int_equal(stats.rows_full, coarse.rows + fine.rows);
    assert_int_equal(stats.rows_refine, light.rows);
    assert_true(coarse.calls < coarse.rows / 2); /* the small ones of many requests go together */
    for (int i = 0; i < JOBS; i++) run(&specs[i], 1, &alone[i], NULL);
    assert_memory_equal(together, alone, sizeof together);
}

static int finished_order[8], finished_count;
static void note(void *user, const rf_trajectory *job) {
    (void)user;
    finished_order[finished_count++] = (int)(intptr_t)job->spec.user;
}

/* Latency: who is nearly through goes first. Throughput: larger calls. The pictures are the same (company_changes_no_byte). */
static void stages_are_scheduled(void **state) {
    (void)state;
    enum { JOBS = 8 };
    const char *names[] = {"arrival", "finish", "fullest"};
    int64_t calls[3];
    for (int k = 0; k < 3; k++) {
        rf_batcher *batcher = NULL;
        static walk w[JOBS];
        const rf_batcher_opts opts = {.rows = 8, .slots = JOBS, .admission = rf__admission_find(names[k]), .finished = note};
        assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
        finished_count = 0;
        for (int i = 0; i < JOBS; i++) {
            plan(&w[i], i == 6 ? "E1" : i % 2 ? "H2P4" : "P5", 0.5, i == 6 ? "E1" : "H4", 0.5, true);
            w[i].spec.user = (void *)(intptr_t)i;
            assert_int_equal(rf__batcher_submit(batcher, &w[i].spec, NULL), RF_OK);
        }
        while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
        calls[k] = rf__batcher_stats(batcher).calls;
        if (k == 1) assert_int_equal(finished_order[0], 6);
        rf__batcher_free(&batcher);
    }
    print_message("calls: %lld by arrival, %lld finish, %lld fullest\n", (long long)calls[0], (long long)calls[1], (long long)calls[2]);
    assert_true(calls[2] <= calls[0]);
}

static void refused_before_any_work(void **state) {
    (void)state;
    walk w;
    coarse.calls = fine.calls = 0;
    const struct { double end, begin; const char *says; } bad[] = {
        {0.5, 0.6, "nobody walks between"}, {0.5, 0, "re-noises to t = 0"}, {1, 1, "expected"}, {1, -0.2, "expected"}};
    for (int i = 0; i < 4; i++) {
        plan(&w, "H4", bad[i].end, "H4", bad[i].begin, true);
        assert_int_equal(rf__job_check(&w.spec), RF_EINVAL);
        if (!strstr(rf_last_error(), bad[i].says)) fail_msg("%s", rf_last_error());
    }
    plan(&w, "H4", 0.5, "H1R1", 0.5, true); /* steps of 0.25 and a refiner that knows 0.125 */
    assert_int_equal(rf__job_check(&w.spec), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "stage 2"));
    plan(&w, "H4", 0.5, "H4", 0.5, true);
    w.stage.to = small;
    assert_int_equal(rf__job_check(&w.spec), RF_EMISMATCH);
    plan(&w, "H4", 0.5, "H4", 0.5, true);
    w.second[4] = 0.9;
    assert_int_equal(rf__job_check(&w.spec), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "last stage ends"));
    plan(&w, "H4", 0.5, "H4", 0.5, true);
    w.spec.guidance = rf__guidance_find("onetime");
    w.spec.guidance_opts = rf__guidance_defaults();
    assert_int_equal(rf__job_check(&w.spec), RF_EINVAL);
    assert_int_equal(coarse.calls + fine.calls, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(identity_switch), cmocka_unit_test(entering), cmocka_unit_test(upsamplers),
                                       cmocka_unit_test(calls_are_counted), cmocka_unit_test(company_changes_no_byte),
                                       cmocka_unit_test(stages_are_scheduled), cmocka_unit_test(refused_before_any_work)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
