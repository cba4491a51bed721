/* slimflow_test.c - annealing reflow and flow-guided distillation against closed forms (slimflow.md section 5). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "couplings.h"
#include "memory_need.h"
#include "method_test.h"
#include "../models/gauss_exact.h"

static const rf_anneal_schedule *schedule(const char *name) {
    return (const rf_anneal_schedule *)rf__plugin_find(rf__anneal_schedules(), "anneal.schedule", name);
}

static double beta_of(const char *name, int64_t step) {
    const rf_anneal_config config = {.over = 1000, .patience = 10, .drop = 0.1};
    const rf_anneal_state state = {0};
    return rf__anneal_beta(schedule(name), &config, &state, step);
}

/* Statement 1, the schedules. */
static void schedules_at_their_ends(void **state) {
    (void)state;
    static const char *const names[] = {"linear", "cosine", "exponential", "constant", "measured"};
    for (int i = 0; i < 5; i++) assert_true(beta_of(names[i], 0) == 1);
    for (int i = 0; i < 2; i++) {
        assert_true(beta_of(names[i], 1000) == 0 && beta_of(names[i], 5000) == 0);
        assert_true(fabs(beta_of(names[i], 500) - 0.5) < 1e-12);
    }
    assert_true(fabs(beta_of("exponential", 1000) - 0.36788) < 1e-5); /* never 0: the documented trap */
    assert_true(beta_of("constant", 5000) == 1);
}

/* Beta waits while the loss falls, falls when it is flat, and the first interval of a new beta is not compared with the old one. */
static void beta_follows_the_loss(void **state) {
    (void)state;
    const rf_anneal_config config = {.patience = 10, .drop = 0.25, .flat = 0.02};
    rf_anneal_state s = {0};
    double loss = 1;
    for (int i = 0; i < 60; i++, loss *= 0.99) rf__anneal_note(&config, &s, loss);
    assert_true(s.fallen == 0);
    for (int i = 0; i < 10; i++) rf__anneal_note(&config, &s, loss);
    rf__anneal_note(&config, &s, (double)NAN); /* a skipped step */
    for (int i = 0; i < 10; i++) rf__anneal_note(&config, &s, loss);
    assert_true(s.fallen == 0.25 && rf__anneal_beta(schedule("measured"), &config, &s, 7) == 0.75);
    for (int i = 0; i < 10; i++) rf__anneal_note(&config, &s, 5 * loss);
    assert_true(s.fallen == 0.25);
    for (int i = 0; i < 200; i++) rf__anneal_note(&config, &s, 5 * loss);
    assert_true(s.fallen == 1);
}

enum { ROWS = 4000 };

static rf_coupling_args points_args(const rf_source *source, double beta) { return (rf_coupling_args){.data = source, .beta = beta}; }

/* Statement 1, the mixture, and the variance of statement 2: data is the pair's own noise, so V_t = 1 - 2 kappa t (1-t). */
static void mixed_noise_is_noise(void **state) {
    (void)state;
    rf_source source = points_source();
    static float x0[2 * ROWS], x1[2 * ROWS];
    const double betas[] = {1, 0.9, 0.5, 0.1, 0};
    for (int i = 0; i < 5; i++) {
        rf_coupling_args args = points_args(&source, betas[i]);
        rf_batch batch = {.rows = ROWS, .scalars = 2, .seed = 4, .x0 = x0, .x1 = x1};
        assert_int_equal(rf__coupling_annealed.draw(&args, &batch), RF_OK);
        double mean = 0, square = 0, product = 0, middle = 0, n = 2 * ROWS, keep = sqrt(1 - betas[i] * betas[i]), kappa = 1 - keep;
        for (int k = 0; k < 2 * ROWS; k++) {
            double a = (double)x0[k], b = (double)x1[k], m = 0.7 * a + 0.3 * b;
            mean += a / n, square += a * a / n, product += a * b / n, middle += m * m / n;
        }
        assert_true(fabs(mean) < 0.05 && fabs(square - 1) < 0.07 && fabs(product - keep) < 0.06);
        assert_true(fabs(middle - (1 - 2 * kappa * 0.3 * 0.7)) < 0.06);
        if (betas[i] == 0) assert_memory_equal(x0, x1, sizeof x0);
    }
}

/* Statement 2: S(kappa) = integral of kappa^2 (2t-1)^2 / V_t falls to 0 with beta. */
static void straightness_of_the_mixture(void **state) {
    (void)state;
    const double beta[] = {1, 0.9, 0.75, 0.5, 0.25, 0.1}, expected[] = {0.429204, 0.120428, 0.041078, 0.006150, 0.000338, 0.000008};
    double before = 1;
    for (int i = 0; i < 6; i++) {
        double kappa = 1 - sqrt(1 - beta[i] * beta[i]), sum = 0;
        for (int k = 0; k < 20000; k++) {
            double t = (k + 0.5) / 20000, slope = kappa * (2 * t - 1);
            sum += slope * slope / (1 - 2 * kappa * t * (1 - t)) / 20000;
        }
        assert_true(fabs(sum - expected[i]) < 1e-6 && sum < before);
        before = sum;
    }
}

/* Statement 5. */
static void both_sides_of_a_pair_flip(void **state) {
    (void)state;
    rf_source source = points_source();
    source.shape = (rf_model_shape){.height = 1, .width = 2, .channels = 1}; /* a picture of two pixels */
    float x0[200], x1[200], plain[200];
    rf_coupling_args args = points_args(&source, 0);
    rf_batch batch = {.rows = 100, .scalars = 2, .seed = 4, .x0 = plain, .x1 = x1};
    assert_int_equal(rf__coupling_annealed.draw(&args, &batch), RF_OK);
    args.flip = true;
    batch.x0 = x0;
    assert_int_equal(rf__coupling_annealed.draw(&args, &batch), RF_OK);
    assert_memory_equal(x0, x1, sizeof x0);
    int turned = 0;
    for (uint64_t r = 0; r < 100; r++) {
        float *row = x0 + 2 * r, twice[2] = {row[0], row[1]};
        turned += row[0] == plain[2 * r + 1] && row[1] == plain[2 * r];
        rf__coupling_flip(&args, 4, r, twice);
        rf__coupling_flip(&args, 4, r, twice);
        assert_memory_equal(twice, row, sizeof twice);
    }
    assert_true(turned > 35 && turned < 65);
}

/* Statement 7: data that is as likely mirrored (a mixture of mirrored pairs) has a flow that commutes with the mirror, so the mirror of a
 * pair is a pair: the same distance from its solution. */
static void mirrored_pairs_are_pairs(void **state) {
    (void)state;
    enum { N = 4, STEPS = 40 };
    const float means[4 * N] = {1, 2, -1, 0, 0, -1, 2, 1, 0.5f, 0, 0, -2, -2, 0, 0, 0.5f};
    const rf_gauss_exact flow = {.scalars = N, .components = 4, .mean = means, .sd = 0.3};
    rf_field field;
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_OK);
    for (int pair = 0; pair < 20; pair++) {
        float z[2 * N], v[2 * N], t[2];
        rf_cond cond[2] = {{.label = -1}, {.label = -1}};
        rf__rng_normal_sample(6, RF_STREAM_NOISE, (uint64_t)pair, N, z);
        for (int i = 0; i < N; i++) z[N + i] = z[N - 1 - i];
        for (int s = 0; s < STEPS; s++) {
            t[0] = t[1] = (float)s / STEPS;
            assert_int_equal(field.velocity(field.self, 2, z, t, cond, v), RF_OK);
            for (int i = 0; i < 2 * N; i++) z[i] += v[i] / STEPS;
        }
        for (int i = 0; i < N; i++) assert_true(fabsf(z[N + i] - z[N - 1 - i]) < 1e-4f);
    }
}

static rf_trainer *guided_trainer(rf_recipe **recipe, const char *path, const char *init, const char *pairs) {
    char text[1024];
    snprintf(text, sizeof text, "{'model':{'kind':'mlp','classes':3},'data':{'name':'8gauss'},'anneal':{'pairs':%s},'teacher':{'model':'%s'},'train':{"
             "'coupling':'guided','init':'%s','steps':10,'batch':32,'micro_batch':8,'dtype':'f32','clip':0}}", pairs, path, init);
    rf_source source = points_source();
    rf_trainer *tr = NULL;
    *recipe = recipe_of(text);
    if (!*recipe || rf__trainer_create(&tr, *recipe, &source, 2) != RF_OK) fail_msg("%s", rf_last_error());
    return tr;
}

/* Sets all weights to zero but the last bias: a velocity that is the same everywhere, so its flow is straight. */
static void make_straight(rf_weights *weights) {
    for (int i = 0; i < rf__weights_count(weights); i++) {
        const rf_param *param = rf__weights_param(weights, i);
        float *data = rf__weights_data(weights, i);
        for (int64_t k = 0; k < rf__shape_count(&param->shape); k++) data[k] = strcmp(param->name, "out.bias") ? 0 : 0.75f;
    }
}

/* Statement 3: a straight teacher's two steps end where one does for every s, and a student equal to it stands still. */
static void a_straight_student_stands_still(void **state) {
    (void)state;
    char path[64];
    rf_recipe *recipe;
    save_network("mlp", "classes", "3", 1, path);
    rf_trainer *tr = guided_trainer(&recipe, path, path, "0");
    make_straight(tr->model->weights);
    make_straight(tr->online->teacher->weights);
    assert_int_equal(rf__weights_refresh(tr->model->weights, tr->pool), RF_OK);
    assert_int_equal(rf__weights_refresh(tr->online->teacher->weights, tr->pool), RF_OK);
    rf_loss_bins bins = {0};
    assert_int_equal(rf__trainer_step(tr, &bins), RF_OK);
    for (int64_t i = 0; i < 64; i++) assert_true(fabsf(tr->online->x1[i] - tr->online->x0[i] - 0.75f) < 1e-6f);
    assert_true(rf__loss_bins_mean(&bins) < 1e-12 && tr->optim.grad_norm < 1e-5);
    assert_int_equal(bins.count[0], 32); /* every row at t = 0 */
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
    unlink(path);
}

/* Statement 4, and the share of rows: stored pairs stay as they are, the teacher's weights too, and the two steps are the student's and
 * then the teacher's. */
static void two_steps_of_two_networks(void **state) {
    (void)state;
    char path[64];
    rf_recipe *recipe;
    save_network("mlp", "classes", "3", 2, path);
    rf_trainer *tr = guided_trainer(&recipe, path, "", "0.75");
    const rf_online *o = tr->online;
    int64_t count;
    const float *teacher = rf__weights_all(o->teacher->weights, &count);
    float *kept = malloc((size_t)count * sizeof *kept);
    memcpy(kept, teacher, (size_t)count * sizeof *kept);
    assert_int_equal(recipe->coupling->prepare(tr->online, 0), RF_OK);
    int stored = 0;
    for (int64_t r = 0; r < 32; r++) {
        const float *x0 = o->x0 + 2 * r, *x1 = o->x1 + 2 * r;
        if (!memcmp(x0, x1, 8)) {
            stored++;
            continue;
        }
        rf_cond cond = {.label = o->label[r]};
        float p[2], z[2], v[2], t = 0, u;
        assert_int_equal(o->student_field.velocity(o->student_field.self, 1, x0, &t, &cond, p), RF_OK);
        rf__rng_uniform(0, 66, (uint64_t)r, 1, &u);
        t = 0.2f + 0.6f * u;
        for (int i = 0; i < 2; i++) z[i] = x0[i] + t * p[i];
        assert_int_equal(o->teacher_field.velocity(o->teacher_field.self, 1, z, &t, &cond, v), RF_OK);
        for (int i = 0; i < 2; i++) assert_true(fabsf(x1[i] - (z[i] + (1 - t) * v[i])) < 1e-5f);
    }
    assert_int_equal(stored, 24);
    for (int step = 0; step < 3; step++) assert_int_equal(rf__trainer_step(tr, NULL), RF_OK);
    assert_true(tr->optim.grad_norm > 0);
    assert_memory_equal(kept, teacher, (size_t)count * sizeof *kept);
    free(kept);
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
    unlink(path);
}

/* Statement 6: the sizes of the student recipes. */
static void students_have_their_sizes(void **state) {
    (void)state;
    static const struct { const char *name; int64_t thousands; } students[] = {
        {"cifar-27m", 27906}, {"cifar-15m", 15707}, {"cifar-7m", 6990}, {"cifar-3m", 3437}, {"fashion-half", 710}, {"fashion-quarter", 317},
    };
    for (size_t i = 0; i < sizeof students / sizeof *students; i++) {
        char path[128];
        rf_recipe *recipe = NULL;
        int64_t count = 0;
        snprintf(path, sizeof path, "recipes/slimflow-%s.yaml", students[i].name);
        if (rf__recipe_open(&recipe, path, 0, NULL) != RF_OK) fail_msg("%s", rf_last_error());
        assert_int_equal(rf__recipe_parameters(recipe, &count), RF_OK);
        rf__recipe_free(&recipe);
        if ((count + 500) / 1000 != students[i].thousands) fail_msg("%s has %lld parameters", path, (long long)count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(students_have_their_sizes), cmocka_unit_test(schedules_at_their_ends),   cmocka_unit_test(beta_follows_the_loss),
        cmocka_unit_test(mixed_noise_is_noise),      cmocka_unit_test(straightness_of_the_mixture),
        cmocka_unit_test(both_sides_of_a_pair_flip), cmocka_unit_test(mirrored_pairs_are_pairs),
        cmocka_unit_test(a_straight_student_stands_still), cmocka_unit_test(two_steps_of_two_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
