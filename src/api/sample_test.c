/* sample_test.c - the public calls: defaults, images independent of each other and of the batch, and what is
 * refused. */
#include <math.h>
#include <string.h>

#include "tiny_model_test.h"

static void model_is_described(void **state) {
    (void)state;
    rf_model_info info = rf_model_describe(model);
    assert_string_equal(info.kind, "dit");
    assert_int_equal(info.height * info.width * info.channels, SCALARS);
    assert_int_equal(info.classes, CLASSES);
    assert_true(info.parameters > 100);
    assert_int_equal(strlen(info.sha256), 64);
}

static void images_do_not_know_each_other(void **state) {
    (void)state;
    float together[COUNT][SCALARS], alone[SCALARS];
    const int32_t labels[COUNT] = {0, 1, 2, 0, -1, 1};
    rf_sample_opts opts;
    rf_default_sample_opts(&opts);
    opts.solver = "heun";
    opts.steps = 3;
    opts.cfg_scale = 2;
    opts.seed = 11;
    opts.count = COUNT;
    opts.labels = labels;
    assert_int_equal(rf_sample(sampler, &opts, together[0]), RF_OK);
    for (int k = 0; k < COUNT; k++) {
        rf_sample_opts one = opts;
        one.count = 1;
        one.seed = opts.seed + (uint64_t)k;
        one.labels = &labels[k];
        assert_int_equal(rf_sample(sampler, &one, alone), RF_OK);
        assert_memory_equal(alone, together[k], sizeof alone);
        for (int i = 0; i < SCALARS; i++) assert_true(isfinite(alone[i]));
    }
    assert_memory_not_equal(together[0], together[3], sizeof alone); /* same class, other seed */
}

static void count_progress(void *user, int64_t done, int64_t total) {
    int64_t *last = user;
    assert_true(done > last[0] && done <= total);
    last[0] = done;
    last[1] = total;
}

static void defaults_and_progress(void **state) {
    (void)state;
    float plain[SCALARS], given[SCALARS];
    int64_t last[2] = {0};
    rf_sample_opts opts;
    rf_default_sample_opts(&opts);
    opts.progress = count_progress;
    opts.user = last;
    assert_int_equal(rf_sample(sampler, NULL, plain), RF_OK);
    assert_int_equal(rf_sample(sampler, &opts, given), RF_OK);
    assert_memory_equal(plain, given, sizeof plain);
    assert_int_equal(last[0], 20);
    assert_int_equal(last[1], 20);
}

static void list_of_times(void **state) {
    (void)state;
    float uniform[SCALARS], list[SCALARS];
    const double times[] = {0, 0.5, 1};
    rf_sample_opts opts;
    rf_default_sample_opts(&opts);
    opts.steps = 2;
    assert_int_equal(rf_sample(sampler, &opts, uniform), RF_OK);
    opts.schedule = "list";
    opts.times = times;
    opts.time_count = 3;
    assert_int_equal(rf_sample(sampler, &opts, list), RF_OK);
    assert_memory_equal(uniform, list, sizeof list);
}

/* H steps are Heun's; P steps the pseudo corrector's; R needs a refiner. */
static void step_blocks(void **state) {
    (void)state;
    float a[SCALARS], b[SCALARS];
    int64_t answers[2] = {0};
    rf_sample_opts opts, plain;
    rf_default_sample_opts(&opts);
    plain = opts;
    opts.blocks = "H5";
    opts.progress = count_progress;
    opts.user = answers;
    plain.solver = "heun";
    plain.steps = 5;
    assert_int_equal(rf_sample(sampler, &opts, a), RF_OK);
    assert_int_equal(rf_sample(sampler, &plain, b), RF_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(answers[0], 10);
    assert_int_equal(answers[1], 10);
    opts.blocks = "H3R2";
    opts.progress = NULL;
    assert_int_equal(rf_sample(sampler, &opts, a), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "refiner"));
    opts.blocks = "H3Z";
    assert_int_equal(rf_sample(sampler, &opts, a), RF_EINVAL);
}

static void refuse(rf_sample_opts opts, const char *word) {
    float images[2 * SCALARS];
    assert_int_not_equal(rf_sample(sampler, &opts, images), RF_OK);
    if (!strstr(rf_last_error(), word)) fail_msg("'%s' lacks '%s'", rf_last_error(), word);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    rf_sample_opts good, opts;
    rf_default_sample_opts(&good);
    const int32_t label = CLASSES;
    opts = good, opts.solver = "ode45", refuse(opts, "euler");
    opts = good, opts.schedule = "karras", refuse(opts, "uniform");
    opts = good, opts.policy = "magic", refuse(opts, "none");
    opts = good, opts.steps = 0, refuse(opts, "steps is 0");
    opts = good, opts.count = 0, refuse(opts, "count is 0");
    opts = good, opts.labels = &label, refuse(opts, "0 .. 2");
    opts = good, opts.cfg_scale = NAN, refuse(opts, "guidance scale");
    opts = good, opts.guidance_low = 2, refuse(opts, "interval");
    opts = good, opts.schedule = "list", refuse(opts, "list of times");
    opts = good, opts.schedule = "shifted", opts.shift = -1, refuse(opts, "shift");
    assert_int_equal(rf_sample(sampler, &good, NULL), RF_EINVAL);
    assert_int_equal(rf_sample(NULL, &good, NULL), RF_EINVAL);
    rf_model *none = (rf_model *)path;
    assert_int_not_equal(rf_model_open(&none, "/nowhere/model.safetensors"), RF_OK);
    assert_null(none);
    assert_int_equal(rf_model_open(&none, NULL), RF_EINVAL);
    rf_sampler *bad = NULL;
    assert_int_equal(rf_sampler_open(&bad, model, &(rf_sampler_opts){.rows = -1}), RF_EINVAL);
    assert_int_equal(rf_sampler_open(&bad, NULL, NULL), RF_EINVAL);
    assert_null(bad);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model_is_described),        cmocka_unit_test(images_do_not_know_each_other),
        cmocka_unit_test(defaults_and_progress),     cmocka_unit_test(list_of_times),
        cmocka_unit_test(step_blocks),               cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
