/* refine_test.c - a refiner's examples are what the teacher says, by another way of asking; a perfect refiner has nothing to learn, the
 * teacher learns nothing, and the examples of a step do not depend on the steps before. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../models/model_field.h"
#include "../models/network_test.h"
#include "images.h"
#include "trainer.h"

enum { SIDE = 8, SCALARS = SIDE * SIDE, BATCH = 8 };

static char folder[] = "/tmp/strait-refine-XXXXXX", teacher_path[64];

/* A teacher whose answers depend on everything: no weight is zero. */
static int make_teacher(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(teacher_path, sizeof teacher_path, "%s/teacher", folder);
    rf_model *model = network_of("dit", SETTINGS("height=8", "width=8", "channels=1", "depth=1", "hidden=16", "heads=2", "classes=3"), 1, 0.1f);
    save_as_is(model, teacher_path);
    rf__model_free(&model);
    return 0;
}

static int remove_teacher(void **state) {
    (void)state;
    return unlink(teacher_path) + rmdir(folder);
}

static rf_recipe *recipe_of(const char *coupling, const char *refines, double label_drop) {
    rf_recipe *recipe = NULL;
    json_t *json = json_pack("{s{ss si si si si si si ss ss} s{ss} s{ss si si sf sf sf sf} s{ss si si si ss sf si sf}}", "model", "kind", "unet", "height", SIDE,
                             "width", SIDE, "channels", 1, "base", 8, "classes", 3, "blocks", 1, "refines", refines, "kind", "unet", "data", "name",
                             "random", "refiner", "teacher", teacher_path, "examples", 64, "every", 4, "gap_least", 0.05, "gap_most", 0.125, "scale_least",
                             1.5, "scale_most", 3.0, "train", "coupling", coupling, "steps", 40, "batch", BATCH, "micro_batch", 4, "dtype", "f32",
                             "label_drop", label_drop, "lanes", 2, "lr", 1e-3);
    assert_non_null(json);
    json_object_set_new(json_object_get(json, "model"), "multipliers", json_pack("[i]", 1));
    json_object_set_new(json_object_get(json, "model"), "attention", json_array());
    if (rf__recipe_parse(&recipe, json, "test.yaml") != RF_OK) fail_msg("%s", rf_last_error());
    json_decref(json);
    return recipe;
}

static rf_trainer *trainer_of(rf_recipe *recipe) {
    rf_trainer *tr = NULL;
    rf_source source = {0};
    const rf_model_shape shape = {SIDE, SIDE, 1, 3, 0, false, RF_REFINES_NOTHING};
    assert_int_equal(rf__source_random(&source, &shape), RF_OK);
    if (rf__trainer_create(&tr, recipe, &source, 1) != RF_OK) fail_msg("%s", rf_last_error());
    return tr;
}

/* The batch of a step, in memory of the test's own. */
typedef struct examples {
    float x[BATCH * SCALARS], before[BATCH * SCALARS], target[BATCH * SCALARS], t[BATCH], gap[BATCH], scale[BATCH], weight[BATCH];
    int32_t label[BATCH];
} examples;

static void examples_at(rf_trainer *tr, int64_t step, examples *out) {
    const rf_coupling *coupling = tr->recipe->coupling;
    if (coupling->make(coupling, tr->fill.pair.refine, 5, step) != RF_OK) fail_msg("%s", rf_last_error());
    rf_batch batch = {.rows = BATCH, .scalars = SCALARS, .seed = 5, .first = (uint64_t)step * BATCH, .xt = out->x, .before = out->before,
                      .target = out->target, .t = out->t, .gap = out->gap, .scale = out->scale, .weight = out->weight, .label = out->label};
    assert_int_equal(rf__batch_fill(&tr->fill, &batch), RF_OK);
}

static void ask_teacher(const float *x, float t, int32_t label, float scale, float *v) {
    static rf_model *teacher;
    rf_model_field *network = NULL;
    rf_pool *pool = rf__pool_create(1);
    float rows[2 * SCALARS], both[2 * SCALARS], times[2] = {t, t};
    const rf_cond cond[2] = {{.label = label}, {.label = 3}};
    assert_int_equal(rf__model_open(&teacher, teacher_path), RF_OK);
    assert_int_equal(rf__model_field_open(&network, teacher, RF_F32, pool, 2), RF_OK);
    rf_field field = rf__model_field_view(network);
    for (int k = 0; k < 2; k++) memcpy(rows + k * SCALARS, x, SCALARS * sizeof *x);
    assert_int_equal(field.velocity(field.self, 2, rows, times, cond, both), RF_OK);
    for (int i = 0; i < SCALARS; i++) v[i] = both[SCALARS + i] + scale * (both[i] - both[SCALARS + i]);
    rf__model_field_close(&network);
    rf__model_free(&teacher);
    rf__pool_free(&pool);
}

static double apart(const float *a, const float *b) {
    double most = 0;
    for (int i = 0; i < SCALARS; i++) most = fmax(most, fabs((double)a[i] - b[i]));
    return most;
}

static const struct { const char *coupling; bool walks, published; } ways[] = {
    {"refine_published", false, true}, {"refine_simulated", false, false}, {"refine_walked", true, false}};

static void examples_are_the_teachers(void **state) {
    (void)state;
    static examples e;
    for (int w = 0; w < 3; w++)
        for (int guided = 0; guided < 2; guided++) {
            rf_recipe *recipe = recipe_of(ways[w].coupling, guided ? "guided" : "gap", 0.3);
            rf_trainer *tr = trainer_of(recipe);
            bool beyond = false, dropped = false, scaled = false;
            float first_gap = -1;
            for (int64_t step = 0; step < 8; step++) {
                examples_at(tr, step, &e);
                for (int r = 0; r < BATCH; r++) {
                    float v[SCALARS], back[SCALARS];
                    ask_teacher(e.x + r * SCALARS, e.t[r], e.label[r], e.scale[r], v);
                    assert_true(apart(v, e.target + r * SCALARS) < 1e-4);
                    beyond = beyond || e.t[r] > 1;
                    dropped = dropped || e.label[r] == 3;
                    scaled = scaled || e.scale[r] != 1;
                    assert_true(e.scale[r] == 1 || (e.scale[r] >= 1.5f && e.scale[r] <= 3));
                    assert_true(e.gap[r] > 0 && e.gap[r] <= 0.125f + 1e-6f);
                    assert_true(e.weight[r] == 1.0f / BATCH);
                    if (ways[w].published) {
                        if (r == 0) first_gap = e.gap[r];
                        assert_true(e.gap[r] == first_gap); /* one a batch */
                        continue;
                    }
                    assert_true(e.gap[r] >= 0.05f - 1e-6f && e.t[r] <= 1 + 1e-6f);
                    /* Where the known velocity was measured: for simulated points one step back along it. */
                    if (ways[w].walks) continue;
                    for (int i = 0; i < SCALARS; i++) back[i] = e.x[r * SCALARS + i] - e.gap[r] * e.before[r * SCALARS + i];
                    ask_teacher(back, e.t[r] - e.gap[r], e.label[r], e.scale[r], v);
                    assert_true(apart(v, e.before + r * SCALARS) < 1e-4);
                }
            }
            assert_int_equal(beyond, ways[w].published);
            assert_true(dropped);
            assert_int_equal(scaled, guided && !ways[w].published);
            rf__trainer_free(&tr);
            rf__recipe_free(&recipe);
        }
}

static void a_step_does_not_depend_on_the_steps_before(void **state) {
    (void)state;
    static examples a, b;
    for (int w = 0; w < 3; w++) {
        rf_recipe *recipe = recipe_of(ways[w].coupling, "gap", 0);
        rf_trainer *one = trainer_of(recipe), *two = trainer_of(recipe);
        for (int64_t step = 0; step <= 9; step++) examples_at(one, step, &a);
        examples_at(two, 9, &b);
        assert_memory_equal(&a, &b, sizeof a);
        examples_at(two, 1, &b);
        assert_true(memcmp(a.x, b.x, sizeof a.x) != 0);
        rf__trainer_free(&one);
        rf__trainer_free(&two);
        rf__recipe_free(&recipe);
    }
}

/* What there is to learn is how the velocity changed, so with no time between there is nothing. */
static void no_gap_leaves_nothing_to_learn(void **state) {
    (void)state;
    const char *ways[] = {"refine_published", "refine_simulated"};
    static examples e;
    for (int k = 0; k < 2; k++) {
        double change[2];
        for (int tiny = 0; tiny < 2; tiny++) {
            rf_recipe *recipe = recipe_of(ways[k], k ? "guided" : "plain", 0);
            if (tiny) recipe->refine.gap_least = 0, recipe->refine.gap_most = 1e-5;
            rf_trainer *tr = trainer_of(recipe);
            examples_at(tr, 0, &e);
            change[tiny] = 0;
            for (int i = 0; i < BATCH * SCALARS; i++) change[tiny] += pow((double)e.before[i] - (double)e.target[i], 2);
            rf__trainer_free(&tr);
            rf__recipe_free(&recipe);
        }
        print_message("%s: %.2g, of gaps ten thousand times shorter %.2g\n", ways[k], change[0], change[1]);
        assert_true(change[0] > 0 && change[1] < 1e-3 * change[0]);
    }
}

/* The loss is |r + before - target|^2: zero with a zero gradient for the oracle, and for a fresh refiner the plain change of the velocity. */
static void what_the_loss_is(void **state) {
    (void)state;
    static examples e;
    rf_recipe *recipe = recipe_of("refine_walked", "guided", 0.1);
    rf_trainer *tr = trainer_of(recipe);
    examples_at(tr, 0, &e);
    rf_exec *exec = NULL;
    assert_int_equal(rf__exec_create(&exec, tr->plan, 1), RF_OK);
    int64_t trained = rf__weights_trained(tr->model->weights);
    float *grads = calloc((size_t)trained, sizeof *grads);
    for (int oracle = 0; oracle < 2; oracle++) {
        memset(grads, 0, (size_t)trained * sizeof *grads);
        rf__exec_bind_grads(exec, grads);
        int64_t rows = recipe->train.micro_batch, bytes = rows * SCALARS * (int64_t)sizeof(float);
        memcpy(rf__exec_buffer(exec, "x"), e.x, (size_t)bytes);
        memcpy(rf__exec_buffer(exec, "before"), oracle ? e.target : e.before, (size_t)bytes); /* fresh: adds nothing */
        memcpy(rf__exec_buffer(exec, "target"), e.target, (size_t)bytes);
        memcpy(rf__exec_buffer(exec, "t"), e.t, (size_t)rows * sizeof(float));
        memcpy(rf__exec_buffer(exec, "gap"), e.gap, (size_t)rows * sizeof(float));
        memcpy(rf__exec_buffer(exec, "scale"), e.scale, (size_t)rows * sizeof(float));
        memcpy(rf__exec_buffer(exec, "row_weight"), e.weight, (size_t)rows * sizeof(float));
        memcpy(rf__exec_buffer(exec, "label"), e.label, (size_t)rows * sizeof(int32_t));
        assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
        const float *loss = rf__exec_buffer(exec, "loss_rows");
        double norm = 0;
        for (int64_t i = 0; i < trained; i++) norm += (double)grads[i] * grads[i];
        for (int64_t r = 0; r < rows; r++) {
            double sum = 0;
            for (int i = 0; i < SCALARS; i++) sum += pow((double)e.before[r * SCALARS + i] - e.target[r * SCALARS + i], 2) / SCALARS;
            assert_true(fabs(loss[r] - (oracle ? 0 : sum)) < 1e-5 * (1 + sum));
        }
        if (oracle) assert_true(norm == 0);
        else assert_true(norm > 1e-8);
    }
    free(grads);
    rf__exec_free(&exec);
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
}

static void it_learns(void **state) {
    (void)state;
    enum { STEPS = 240, MEAN = 40 };
    rf_recipe *recipe = recipe_of("refine_simulated", "gap", 0);
    recipe->refine.every = 1000; /* one pool: what it gives is learned by heart */
    recipe->optim.lr = 3e-3;
    rf_trainer *tr = trainer_of(recipe);
    double first = 0, last = 0;
    for (int step = 0; step < STEPS; step++) {
        if (rf__trainer_step(tr, NULL) != RF_OK) fail_msg("%s", rf_last_error());
        double sum = 0;
        for (int r = 0; r < BATCH; r++) sum += (double)tr->lanes.loss[r] / BATCH;
        if (step < MEAN) first += sum / MEAN;
        if (step >= STEPS - MEAN) last += sum / MEAN;
    }
    print_message("loss %.5f, at the end %.5f\n", first, last);
    assert_true(last < 0.9 * first);
    rf_model *teacher = NULL;
    assert_int_equal(rf__model_open(&teacher, teacher_path), RF_OK);
    assert_string_equal(tr->model->refiner.predictor, teacher->sha256); /* untouched, and named in the refiner's file */
    assert_true(tr->model->refiner.gap_most == 0.125);
    rf__model_free(&teacher);
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
}

static void refused(void **state) {
    (void)state;
    rf_recipe *recipe = recipe_of("refine_walked", "gap", 0);
    rf_trainer *tr = NULL;
    const struct { const char *what; double least, most; int64_t examples; const char *teacher; } bad[] = {
        {"gap_least", 0.2, 0.1, 64, teacher_path}, {"multiple of train.batch", 0.05, 0.1, 63, teacher_path}, {"teacher is empty", 0.05, 0.1, 64, ""},
        {"nowhere", 0.05, 0.1, 64, "nowhere.safetensors"}};
    for (int i = 0; i < 4; i++) {
        rf_source source = {0};
        const rf_model_shape shape = {SIDE, SIDE, 1, 3, 0, false, RF_REFINES_NOTHING};
        recipe->refine.gap_least = bad[i].least, recipe->refine.gap_most = bad[i].most, recipe->refine.examples = bad[i].examples;
        snprintf(recipe->refine.teacher, sizeof recipe->refine.teacher, "%s", bad[i].teacher);
        assert_int_equal(rf__source_random(&source, &shape), RF_OK);
        assert_int_not_equal(rf__trainer_create(&tr, recipe, &source, 1), RF_OK);
        assert_non_null(strstr(rf_last_error(), bad[i].what));
    }
    rf__recipe_free(&recipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_are_the_teachers), cmocka_unit_test(a_step_does_not_depend_on_the_steps_before),
                                       cmocka_unit_test(no_gap_leaves_nothing_to_learn), cmocka_unit_test(what_the_loss_is), cmocka_unit_test(it_learns), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, make_teacher, remove_teacher);
}
