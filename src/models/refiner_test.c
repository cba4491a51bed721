/* refiner_test.c - networks that correct a known velocity: the published size, a fresh one adds nothing, the file knows its predictor, and
 * a walk with one equals the same walk in any company. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/rng.h"
#include "../flow/batcher.h"
#include "model_field.h"
#include "network_test.h"

/* random: no weight is zero, the last layer's neither. */
static rf_model *model_of(const char *name, const char *const *settings, bool random) { return network_of(name, settings, 3, random ? 0.05f : 0); }

static int64_t trained(const char *name, const char *const *settings, int64_t *fixed) {
    const rf_model_kind *kind = rf__model_kind_find(name);
    void *config = config_of(kind, settings);
    rf_model_shape shape = kind->shape(config);
    rf_graph *graph = rf__graph_create(RF_F32);
    rf_model_inputs in = rf__model_declare(graph, &shape, 1, false);
    rf__model_velocity(graph, kind, config, &in);
    if (rf__graph_status(graph) != RF_OK) fail_msg("%s", rf_last_error());
    int64_t sums[2] = {0, 0};
    for (int i = 0; i < rf__graph_param_count(graph); i++) sums[rf__graph_param(graph, i)->trained] += rf__shape_count(&rf__graph_param(graph, i)->shape);
    rf__graph_free(&graph);
    free(config);
    *fixed = sums[0];
    return sums[1];
}

/* FlowTurbo's refiner of SiT-XL/2: one block, input x and v, outputs with the unused variance. */
static void published_size(void **state) {
    (void)state;
    int64_t fixed;
    assert_int_equal(trained("dit", SETTINGS("channels=4", "depth=1", "hidden=1152", "heads=16", "classes=1000", "sigma=true", "refines=plain"), &fixed),
                     29414048);
    assert_int_equal(fixed, 294912);
    int64_t whole = trained("dit", SETTINGS("channels=4", "depth=28", "hidden=1152", "heads=16", "classes=1000", "sigma=true"), &fixed);
    assert_true(29414048.0 / (double)whole > 0.0435 && 29414048.0 / (double)whole < 0.0437); /* 4.36 % */
    /* Its time embedding once more for the gap, and once more for the scale. */
    int64_t time = 256 * 1152 + 1152 + 1152 * 1152 + 1152;
    assert_int_equal(trained("dit", SETTINGS("channels=4", "depth=1", "hidden=1152", "heads=16", "classes=1000", "sigma=true", "refines=guided"), &fixed),
                     29414048 + 2 * time);
}

enum { ROWS = 3, SIDE = 8, SCALARS = SIDE * SIDE };
static const char *const kinds[2] = {"unet", "dit"};
static const char *const small[2][8] = {{"height=8", "width=8", "channels=1", "base=8", "multipliers=[1]", "attention=[]", "classes=3", NULL},
                                        {"height=8", "width=8", "channels=1", "depth=1", "hidden=16", "heads=2", "classes=3", NULL}};

static const char *const *with(int kind, const char *refines) {
    static const char *all[10];
    int n = 0;
    for (; small[kind][n]; n++) all[n] = small[kind][n];
    if (refines) all[n++] = refines;
    all[n] = NULL;
    return all;
}

static void answer(rf_model *model, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    rf_model_field *field = NULL;
    rf_pool *pool = rf__pool_create(1);
    assert_int_equal(rf__model_field_open(&field, model, RF_F32, pool, 4), RF_OK);
    rf_field view = rf__model_field_view(field);
    if (view.velocity(view.self, rows, x, t, cond, v) != RF_OK) fail_msg("%s", rf_last_error());
    rf__model_field_close(&field);
    rf__pool_free(&pool);
}

/* v_prev comes back to the bit from a fresh refiner; a trained one hears x, v_prev, t, class, gap and scale, each of them. */
static void fresh_adds_nothing_and_all_is_heard(void **state) {
    (void)state;
    const char *levels[] = {"refines=plain", "refines=gap", "refines=guided"};
    static float x[ROWS * SCALARS], before[ROWS * SCALARS], v[ROWS * SCALARS], other[ROWS * SCALARS];
    rf__rng_normal(1, RF_STREAM_NOISE, 0, ROWS * SCALARS, x);
    rf__rng_normal(2, RF_STREAM_NOISE, 0, ROWS * SCALARS, before);
    const float t[ROWS] = {0.2f, 0.6f, 1.0f};
    for (int kind = 0; kind < 2; kind++)
        for (int level = 0; level < 3; level++) {
            rf_cond cond[ROWS];
            for (int r = 0; r < ROWS; r++) cond[r] = (rf_cond){.label = r, .before = before + r * SCALARS, .gap = 0.1f, .scale = 1.5f};
            rf_model *fresh = model_of(kinds[kind], with(kind, levels[level]), false);
            answer(fresh, ROWS, x, t, cond, v);
            assert_memory_equal(v, before, sizeof v);
            rf__model_free(&fresh);
            rf_model *model = model_of(kinds[kind], with(kind, levels[level]), true);
            answer(model, ROWS, x, t, cond, v);
            for (int change = 0; change < 5; change++) {
                rf_cond changed = cond[1];
                float x1[SCALARS], b1[SCALARS], t1 = t[1];
                memcpy(x1, x + SCALARS, sizeof x1);
                memcpy(b1, before + SCALARS, sizeof b1);
                changed.before = b1;
                if (change == 0) x1[5] += 1;
                if (change == 1) t1 = 0.7f;
                if (change == 2) changed.label = 2;
                if (change == 3) changed.gap = 0.05f;
                if (change == 4) changed.scale = 3;
                answer(model, 1, x1, &t1, &changed, other);
                bool same = memcmp(other, v + SCALARS, sizeof x1) == 0, heard = change < 3 || (change == 3 ? level >= 1 : level == 2);
                assert_int_equal(same, !heard);
            }
            rf__model_free(&model);
        }
}

static void asked_without_a_velocity(void **state) {
    (void)state;
    rf_model *model = model_of("unet", with(0, "refines=gap"), true);
    rf_model_field *field = NULL;
    rf_pool *pool = rf__pool_create(1);
    float x[SCALARS] = {0}, v[SCALARS], t = 0;
    const rf_cond cond = {.label = 0};
    assert_int_equal(rf__model_field_open(&field, model, RF_F32, pool, 1), RF_OK);
    rf_field view = rf__model_field_view(field);
    assert_int_equal(view.velocity(view.self, 1, x, &t, &cond, v), RF_EINVAL);
    rf__model_field_close(&field);
    rf__pool_free(&pool);
    rf__model_free(&model);
}

static void save(rf_model *model, const char *path) {
    int64_t count;
    if (rf__model_save(model, rf__weights_all(model->weights, &count), path, RF_F32, NULL) != RF_OK) fail_msg("%s", rf_last_error());
}

static void file_knows_its_predictor(void **state) {
    (void)state;
    char folder[] = "/tmp/refiner_test_XXXXXX", a[64], b[64], r[64];
    assert_non_null(mkdtemp(folder));
    snprintf(a, sizeof a, "%s/a", folder), snprintf(b, sizeof b, "%s/b", folder), snprintf(r, sizeof r, "%s/r", folder);
    rf_model *predictor = model_of("dit", with(1, NULL), true), *refiner = model_of("dit", with(1, "refines=guided"), true), *other = NULL;
    save(predictor, a);
    rf__model_free(&predictor);
    assert_int_equal(rf__model_open(&predictor, a), RF_OK);
    memcpy(refiner->refiner.predictor, predictor->sha256, sizeof predictor->sha256);
    refiner->refiner.gap_most = 0.125, refiner->refiner.gap_least = 0.02;
    refiner->refiner.scale_least = 1, refiner->refiner.scale_most = 2.5;
    save(refiner, r);
    rf__model_free(&refiner);
    assert_int_equal(rf__model_open(&refiner, r), RF_OK);
    assert_string_equal(refiner->refiner.predictor, predictor->sha256);
    assert_true(refiner->refiner.gap_least == 0.02 && refiner->refiner.gap_most == 0.125 && refiner->refiner.scale_most == 2.5);
    assert_int_equal(rf__model_check_refiner(refiner, predictor), RF_OK);
    assert_int_equal(rf__model_check_refiner(predictor, predictor), RF_EMISMATCH); /* not a refiner */
    float *weights = rf__weights_all(predictor->weights, &(int64_t){0});
    weights[0] += 1;
    save(predictor, b);
    assert_int_equal(rf__model_open(&other, b), RF_OK);
    assert_int_equal(rf__model_check_refiner(refiner, other), RF_EMISMATCH);
    assert_non_null(strstr(rf_last_error(), "trained for the predictor"));
    rf__model_free(&other);
    /* A refiner that does not say whose it is. */
    refiner->refiner.predictor[0] = '\0';
    save(refiner, b);
    assert_int_equal(rf__model_open(&other, b), RF_EFORMAT);
    rf__model_free(&refiner);
    rf__model_free(&predictor);
    unlink(a), unlink(b), unlink(r), rmdir(folder);
}

/* ---- a walk with a real network and a real refiner ---- */

enum { JOBS = 5 };
typedef struct outcome { float x[SCALARS]; rf_counters counters; } outcome;
static void keep(void *user, const rf_trajectory *job) {
    (void)user;
    outcome *out = job->spec.user;
    assert_int_equal(job->status, RF_JOB_DONE);
    memcpy(out->x, job->job.x, sizeof out->x);
    out->counters = job->counters;
}

static void walk(const rf_field *full, const rf_field *light, int first, int count, outcome *out) {
    static const char *const lists[JOBS] = {"H8P9R5", "H2P8R2", "H5P7R3", "P8R1:4", "H4R2:6"};
    static rf_blocks blocks[JOBS];
    static double times[JOBS][32];
    rf_batcher *batcher = NULL;
    const rf_batcher_opts opts = {.rows = 8, .slots = JOBS, .finished = keep};
    assert_int_equal(rf__batcher_create(&batcher, &opts), RF_OK);
    for (int i = first; i < first + count; i++) {
        assert_int_equal(rf__blocks_parse(&blocks[i], lists[i]), RF_OK);
        int steps = rf__blocks_steps(&blocks[i]);
        for (int k = 0; k <= steps; k++) times[i][k] = (double)k / steps;
        rf_job_spec spec = {.field = full, .refiner = light, .solver = rf__solver_find("blocks"), .blocks = &blocks[i], .times = times[i],
                            .steps = steps, .cond = {.label = i % 3}, .guidance = rf__guidance_find("cfg"), .seed = (uint64_t)i, .user = &out[i]};
        spec.guidance_opts = (rf_guidance_opts){.scale = i % 2 ? 1.5 : 1, .low = 0, .high = 1};
        if (rf__batcher_submit(batcher, &spec, NULL) != RF_OK) fail_msg("%s", rf_last_error());
    }
    while (rf__batcher_busy(batcher)) assert_int_equal(rf__batcher_tick(batcher), RF_OK);
    rf__batcher_free(&batcher);
}

static void company_changes_no_byte(void **state) {
    (void)state;
    for (int guided = 0; guided < 2; guided++) {
        rf_model *predictor = model_of("unet", with(0, NULL), true), *refiner = model_of("unet", with(0, guided ? "refines=guided" : "refines=gap"), true);
        rf_model_field *a = NULL, *b = NULL;
        rf_pool *pool = rf__pool_create(1);
        assert_int_equal(rf__model_field_open(&a, predictor, RF_F32, pool, 8), RF_OK);
        assert_int_equal(rf__model_field_open(&b, refiner, RF_F32, pool, 8), RF_OK);
        rf_field full = rf__model_field_view(a), light = rf__model_field_view(b);
        static outcome together[JOBS], alone[JOBS];
        walk(&full, &light, 0, JOBS, together);
        for (int i = 0; i < JOBS; i++) walk(&full, &light, i, 1, alone);
        assert_memory_equal(together, alone, sizeof together);
        rf__model_field_close(&a);
        rf__model_field_close(&b);
        rf__pool_free(&pool);
        rf__model_free(&predictor);
        rf__model_free(&refiner);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(published_size), cmocka_unit_test(fresh_adds_nothing_and_all_is_heard),
                                       cmocka_unit_test(asked_without_a_velocity), cmocka_unit_test(file_knows_its_predictor),
                                       cmocka_unit_test(company_changes_no_byte)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
