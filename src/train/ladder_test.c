/* ladder_test.c - statements about straightening that need a whole trainer, or exact pairs of the base page's toy, rather than one table entry:
 * rectified-flow.md section 7, simple-reflow.md section 3, caf.md section 5. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "method_test.h"
#include "../base/memory.h"
#include "../eval/points.h"
#include "../eval/straightness.h"
#include "../models/gauss_exact.h"
#include "../models/model_field.h"
#include "../models/network_test.h"

enum { PAIRS = 4096, STEPS = 16 };

/* Noise and where the exact flow of 8 Gaussians carries it. */
static float (*noise)[2], (*data)[2];

static int make_pairs(void **state) {
    (void)state;
    rf_source toy = {0};
    rf_data_config config = {.name = "8gauss"};
    noise = rf__alloc_array(PAIRS, sizeof *noise);
    data = rf__alloc_array(PAIRS, sizeof *data);
    if (!noise || !data || rf__source_open(&toy, &config) != RF_OK) return 1;
    for (int k = 0; k < PAIRS; k++) {
        float z[2], at[2], v[4][2];
        rf__rng_normal_sample(9, RF_STREAM_NOISE, (uint64_t)k, 2, noise[k]);
        memcpy(z, noise[k], sizeof z);
        for (int s = 0; s < STEPS; s++) {
            const float h = 1.0f / STEPS, reach[4] = {0, 0.5f, 0.5f, 1};
            for (int stage = 0; stage < 4; stage++) {
                for (int i = 0; i < 2; i++) at[i] = stage ? z[i] + h * reach[stage] * v[stage - 1][i] : z[i];
                toy.kind->velocity(at, h * ((float)s + reach[stage]), v[stage]);
            }
            for (int i = 0; i < 2; i++) z[i] += h / 6 * (v[0][i] + 2 * v[1][i] + 2 * v[2][i] + v[3][i]);
        }
        memcpy(data[k], z, sizeof z);
    }
    rf__source_close(&toy);
    return 0;
}

static int free_pairs(void **state) {
    (void)state;
    rf__free(noise);
    rf__free(data);
    return 0;
}

static rf_status exact_pair(const rf_source *source, uint64_t seed, uint64_t sample, float *x0, float *x1, int32_t *label) {
    (void)source, (void)label;
    uint64_t k = rf__rng_below(seed, RF_STREAM_DATA, sample, PAIRS);
    memcpy(x0, noise[k], 2 * sizeof *x0);
    memcpy(x1, data[k], 2 * sizeof *x1);
    return RF_OK;
}

static rf_status exact_draw(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label) {
    float unused[2];
    return exact_pair(source, seed, sample, unused, x, label);
}

static rf_trainer *trainer_of(const char *text, rf_recipe **recipe) {
    static const rf_source_kind kind = {{"exact", "-", "for tests"}, .draw = exact_draw, .pair = exact_pair};
    rf_source source = {.kind = &kind, .shape = {.height = 1, .width = 1, .channels = 2, .flat = true}};
    rf_trainer *trainer = NULL;
    if (!(*recipe = recipe_of(text)) || rf__trainer_create(&trainer, *recipe, &source, 1) != RF_OK) fail_msg("%s", rf_last_error());
    return trainer;
}

/* rectified-flow.md, statement 1: what the exact flow makes of noise is told from fresh data by chance alone. */
static void exact_flow_makes_data(void **state) {
    (void)state;
    enum { N = 1500 };
    rf_source toy = {0};
    rf_data_config config = {.name = "8gauss"};
    float (*fresh)[2] = rf__alloc_array(N, sizeof *fresh);
    double apart, far;
    assert_int_equal(rf__source_open(&toy, &config), RF_OK);
    for (uint64_t k = 0; k < N; k++) assert_int_equal(toy.kind->draw(&toy, 77, k, fresh[k], NULL), RF_OK);
    assert_int_equal(rf__energy_distance(data[0], N, fresh[0], N, 2, &apart), RF_OK);
    assert_int_equal(rf__energy_distance(noise[0], N, fresh[0], N, 2, &far), RF_OK);
    if (!(fabs(apart) < 0.01 && far > 1)) fail_msg("energy distance %g, of the noise %g", apart, far);
    rf__free(fresh);
    rf__source_close(&toy);
}

/* Statement 7: a flow trained on the pairs of another is at least a hundred times as straight (2.87 for the exact one). */
static void reflow_straightens(void **state) {
    (void)state;
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of("{'model': {'kind': 'mlp'}, 'data': {'name': 'pairs'}, 'train': {'steps': 1500, 'coupling': 'stored', 'batch': 256, 'micro_batch': 256,"
                                " 'lanes': 1, 'lr': 0.003, 'schedule': 'cosine', 'dtype': 'f32', 'ema': 0.99}}", &recipe);
    for (int k = 0; k < 1500; k++) assert_int_equal(rf__trainer_step(tr, NULL), RF_OK);
    rf_model_field *model = NULL;
    rf_straightness s;
    assert_int_equal(rf__model_field_open(&model, tr->model, RF_F32, tr->pool, 256), RF_OK);
    rf_field field = rf__model_field_view(model);
    assert_int_equal(rf__straightness(&field, noise[0], data[0], NULL, 1000, 8, &s), RF_OK);
    if (!(s.s < 2.87 / 100 && s.v < 0.1)) fail_msg("S %g, V %g", s.s, s.v);
    rf__model_field_close(&model);
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
}

/* Statement 9: a fresh U-Net answers about 0, so that its first loss is the mean square of what it is asked for. */
static void fresh_networks_say_nothing(void **state) {
    (void)state;
    enum { SIDE = 8, N = SIDE * SIDE };
    rf_model *model = fresh_network("unet", SETTINGS("height=8", "width=8", "channels=1", "base=8", "multipliers=[1,2]", "blocks=1", "attention=[4]"), 3);
    rf_model_field *network = NULL;
    assert_int_equal(rf__model_field_open(&network, model, RF_F32, NULL, 4), RF_OK);
    rf_field field = rf__model_field_view(network);
    float x[N], v[N], t = 0.4f;
    rf_cond cond = {.label = -1};
    rf__rng_normal_sample(1, RF_STREAM_NOISE, 0, N, x);
    assert_int_equal(field.velocity(field.self, 1, x, &t, &cond, v), RF_OK);
    for (int i = 0; i < N; i++) assert_true(fabsf(v[i]) < 1e-4f);
    rf__model_field_close(&network);
    rf__model_free(&model);
}

/* Statement 10: an average of equal weights is that weight. */
static void average_of_equal_weights(void **state) {
    (void)state;
    enum { COUNT = 40 };
    rf_optim optim;
    const rf_optim_config config = {.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .ema = 0.9, .steps = 300,
                                    .schedule = (const rf_lr_schedule *)rf__plugin_find(rf__lr_schedules(), "test", "constant")};
    float w[COUNT], ema[COUNT] = {0}, grad[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) w[i] = (float)cos(i);
    assert_int_equal(rf__optim_init(&optim, &config, COUNT), RF_OK);
    for (int k = 0; k < 300; k++) assert_true(rf__optim_step(&optim, NULL, w, ema, grad, 0, k));
    for (int i = 0; i < COUNT; i++) assert_true(w[i] == (float)cos(i) && fabsf(ema[i] - w[i]) < 1e-6f);
    rf__optim_fini(&optim);
}

/* rfpp.md, statement 1: stretched to [1e-5, 1] no time is smaller. simple-reflow.md, statement 5: noise found from data of the Gaussian oracle is noise:
 * |z|^2 / D is 1 within three of its standard deviations, and solving again gives the data. */
static void found_noise_is_noise(void **state) {
    (void)state;
    enum { D = 4000 };
    const rf_time_law *law = (const rf_time_law *)rf__plugin_find(rf__time_laws(), "train.time", "cosh");
    assert_true(rf__time_at(law, 0, 1e-5, 0) >= 1e-5 && rf__time_at(law, 0, 1e-5, 1 - 1e-12) <= 1);
    const double m = 0.7, s = 0.4;
    float x1[D];
    double square = 0;
    rf__rng_normal_sample(21, RF_STREAM_TOY, 0, D, x1);
    for (int i = 0; i < D; i++) {
        double x = m + s * (double)x1[i], z = rf__gauss_exact_map(m, s, 1, 0, x);
        square += z * z / D;
        assert_true(fabs(rf__gauss_exact_map(m, s, 0, 1, z) - x) < 1e-9);
    }
    assert_true(fabs(square - 1) < 3 * sqrt(2.0 / D));
}

/* caf.md, statement 2: behind a given first velocity the path leaves with that velocity and has one acceleration. */
static void paths_accelerate_evenly(void **state) {
    (void)state;
    const rf_path *push = (const rf_path *)rf__plugin_find(rf__paths(), "train.path", "caf_acceleration");
    const float x0[1] = {0.5f}, x1[1] = {-1.5f}, v0[1] = {3};
    const rf_path_ends ends = {x0, x1, v0, 1, 0};
    const double h = 1.0 / 64;
    float at[65], target;
    for (int k = 0; k <= 64; k++) push->point(&ends, (float)(k * h), &at[k], &target);
    double a = 2 * ((double)x1[0] - (double)x0[0] - (double)v0[0]);
    assert_true(fabs((double)(at[1] - at[0]) / h - (double)v0[0] - a * h / 2) < 1e-3);
    for (int k = 1; k < 64; k++) assert_true(fabs((double)(at[k + 1] - 2 * at[k] + at[k - 1]) / (h * h) - a) < 0.01);
}

/* caf.md, statement 5: the second stage moves nothing of the first network, and hears what it says. */
static void the_first_network_stands_still(void **state) {
    (void)state;
    char path[64], text[512];
    save_network("mlp", "width", "8", 1, path);
    snprintf(text, sizeof text, "{'model': {'kind': 'mlp', 'width': 8, 'refines': 'plain'}, 'data': {'name': 'pairs'}, 'train': {'steps': 9, 'coupling': 'stored', 'batch': 32,"
             " 'micro_batch': 32, 'lanes': 1, 'dtype': 'f32', 'path': 'caf_acceleration', 'initial': '%s'}}", path);
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of(text, &recipe);
    unlink(path);
    int64_t count;
    const float *all = rf__weights_all(tr->initial->model->weights, &count);
    float *kept = rf__alloc_array((size_t)count, sizeof *kept);
    memcpy(kept, all, (size_t)count * sizeof *kept);
    for (int k = 0; k < 5; k++) assert_int_equal(rf__trainer_step(tr, NULL), RF_OK);
    assert_memory_equal(kept, all, (size_t)count * sizeof *kept);
    const rf_batch *b = &tr->lanes.worker[0];
    float most = 0;
    for (int64_t i = 0; i < b->rows * 2; i++) most = fmaxf(most, fabsf(b->before[i]));
    assert_true(most > 0);
    rf__free(kept);
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_flow_makes_data),   cmocka_unit_test(reflow_straightens),   cmocka_unit_test(fresh_networks_say_nothing),
        cmocka_unit_test(average_of_equal_weights), cmocka_unit_test(found_noise_is_noise), cmocka_unit_test(paths_accelerate_evenly),
        cmocka_unit_test(the_first_network_stands_still),
    };
    return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
