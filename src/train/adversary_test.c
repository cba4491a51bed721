/* adversary_test.c - the balance and its bounds; the reward's gradient by differences; a discriminator that learns, and a flow that pleases it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "method_test.h"
#include "../base/memory.h"
#include "../io/image.h"
#include "../models/network_test.h"

enum { SIDE = 8, SCALARS = SIDE * SIDE, ROWS = 8, PICTURES = 6 };

static char folder[] = "/tmp/strait-adversary-XXXXXX", judge[96];

/* Real pictures are bright in the left half; the pairs' data is noise of another kind, so that whoever looks can tell. */
static int make_files(void **state) {
    (void)state;
    char path[96];
    if (!mkdtemp(folder)) return 1;
    snprintf(judge, sizeof judge, "%s.safetensors", folder);
    for (int k = 0; k < PICTURES; k++) {
        rf_image image;
        if (rf__image_create(&image, SIDE, SIDE, 1) != RF_OK) return 1;
        for (int i = 0; i < SCALARS; i++) image.pixels[i] = i % SIDE < SIDE / 2 ? (uint8_t)(215 + 5 * k) : (uint8_t)(10 * k);
        snprintf(path, sizeof path, "%s/%d.png", folder, k);
        rf_status status = rf__png_write(path, &image, NULL, 0);
        rf__image_free(&image);
        if (status != RF_OK) return 1;
    }
    rf_model *model = fresh_network("classifier", SETTINGS("height=8", "width=8", "base=8"), 4);
    save_as_is(model, judge);
    rf__model_free(&model);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    char path[96];
    for (int k = 0; k < PICTURES; k++) {
        snprintf(path, sizeof path, "%s/%d.png", folder, k);
        remove(path);
    }
    remove(judge);
    return rmdir(folder);
}

static rf_status picture_draw(const rf_source *source, uint64_t seed, uint64_t sample, float *x, int32_t *label) {
    (void)source, (void)label;
    rf__rng_normal_sample(seed, RF_STREAM_TOY, sample, SCALARS, x);
    for (int i = 0; i < SCALARS; i++) x[i] *= 0.3f;
    return RF_OK;
}

static rf_status picture_pair(const rf_source *source, uint64_t seed, uint64_t sample, float *x0, float *x1, int32_t *label) {
    rf__rng_normal_sample(seed, RF_STREAM_NOISE, sample, SCALARS, x0);
    return picture_draw(source, seed, sample, x1, label);
}

static rf_trainer *trainer_of(const char *train, const char *adversary, rf_recipe **recipe, int threads) {
    static const rf_source_kind kind = {{"pictures", "-", "for tests"}, .draw = picture_draw, .pair = picture_pair};
    rf_source source = {.kind = &kind, .shape = {.height = SIDE, .width = SIDE, .channels = 1}};
    char text[1024];
    snprintf(text, sizeof text,
             "{'model': {'kind': 'dit', 'height': 8, 'width': 8, 'channels': 1, 'patch': 2, 'hidden': 16, 'depth': 1, 'heads': 2}, 'data': {'name': 'pairs'},"
             " 'train': {'steps': 1000, 'coupling': 'stored', 'time': 'nodes', 'time_shape': 2, 'batch': 8, 'micro_batch': 4, 'lanes': 2, 'dtype': 'f32', %s}%s%s%s%s%s%s}",
             train, adversary ? ", 'adversary': {'features': 'classifier', 'file': '" : "", adversary ? judge : "",
             adversary ? "', 'data': 'folder', 'path': '" : "", adversary ? folder : "", adversary ? "', " : "", adversary ? adversary : "");
    if (adversary) snprintf(text + strlen(text) - 1, 4, "}}");
    rf_trainer *trainer = NULL;
    *recipe = recipe_of(text);
    if (!*recipe || rf__trainer_create(&trainer, *recipe, &source, threads) != RF_OK) fail_msg("%s: %s", text, rf_last_error());
    return trainer;
}

static void balance_is_bounded(void **state) {
    (void)state;
    assert_true(fabs(rf__adversary_balance(4, 1, 1) - 2 * 2 / 1.0001) < 1e-9);
    assert_true(fabs(rf__adversary_balance(4, 25, 5) - 2 * 2 / 1.0001) < 1e-9); /* the factor of the step before drops out */
    assert_true(rf__adversary_balance(1e8, 1, 1) == 10 && rf__adversary_balance(0, 1, 1) == 0.01 && rf__adversary_balance(1, 0, 1) == 10);
}

/* Mean answer for what the flow makes of noise, and the gradient of the reward alone along `direction` of the flow's weights. */
static double reward_of(rf_trainer *tr, const float *direction, double *slope) {
    rf_exec *exec = tr->lanes.exec[0];
    int64_t trained = rf__weights_trained(tr->model->weights);
    float *grads = rf__alloc_array((size_t)trained, sizeof *grads);
    rf__exec_bind_grads(exec, grads);
    rf_batch *b = &tr->lanes.worker[0];
    b->first = 0;
    assert_int_equal(rf__batch_fill(&tr->fill, b), RF_OK);
    for (int64_t i = 0; i < b->rows * SCALARS; i++) ((float *)rf__exec_buffer(exec, "nudge_fit"))[i] = ((float *)rf__exec_buffer(exec, "nudge_fool"))[i] = 0;
    for (int64_t r = 0; r < b->rows; r++) b->weight[r] = 0, ((float *)rf__exec_buffer(exec, "fool"))[r] = 1 / (float)b->rows;
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    double mean = 0;
    const float *answer = rf__exec_buffer(exec, "answer_rows");
    for (int64_t r = 0; r < b->rows; r++) mean += (double)answer[r] / (double)b->rows;
    if (slope) *slope = 0;
    for (int64_t i = 0; i < trained && slope; i++) *slope += (double)grads[i] * (double)direction[i];
    rf__free(grads);
    return mean;
}

static void the_reward_pulls_upwards(void **state) {
    (void)state;
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of("'lr': 0.001", "'pull': 1", &recipe, 1);
    int64_t count, trained = rf__weights_trained(tr->model->weights);
    float *all = rf__weights_all(tr->model->weights, &count), *direction = rf__alloc_array((size_t)trained, sizeof *direction);
    rf__rng_normal_sample(3, RF_STREAM_TOY, 0, trained, direction);
    for (int64_t i = 0; i < trained; i++) all[i] += 0.05f * direction[i]; /* away from the zeros that a fresh network ends in */
    rf__rng_normal_sample(4, RF_STREAM_TOY, 0, trained, direction);
    double slope, side[2], step = 1e-3;
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < trained; i++) all[i] += (float)((k ? 2 : -1) * step) * direction[i];
        assert_int_equal(rf__weights_refresh(tr->model->weights, NULL), RF_OK);
        side[k] = reward_of(tr, direction, NULL);
    }
    for (int64_t i = 0; i < trained; i++) all[i] -= (float)step * direction[i];
    assert_int_equal(rf__weights_refresh(tr->model->weights, NULL), RF_OK);
    reward_of(tr, direction, &slope);
    double measured = (side[1] - side[0]) / (2 * step);
    /* What is minimised is minus the answer. */
    if (fabs(measured + slope) > 0.02 * fabs(measured) + 1e-4) fail_msg("gradient %g, minus the answer's slope by differences %g", slope, -measured);
    assert_true(fabs(measured) > 1e-3);
    rf__free(direction);
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
}

/* With a flow that stands still the loss falls from 2 to almost nothing. */
static void the_discriminator_learns(void **state) {
    (void)state;
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of("'lr': 0", "'lr': 0.01", &recipe, 1);
    assert_int_equal(rf__trainer_step(tr, NULL), RF_OK);
    double first = rf__adversary_memory(tr->adversary).state->loss;
    for (int k = 0; k < 40; k++) assert_int_equal(rf__trainer_step(tr, NULL), RF_OK);
    const rf_adversary_state *s = rf__adversary_memory(tr->adversary).state;
    if (!(first > 1.5 && first < 3 && s->loss < 0.3)) fail_msg("loss %g, after 40 steps %g", first, s->loss);
    assert_true(s->updates == 41 && s->pull >= 0.01 && s->pull <= 10);
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
}

/* With a discriminator that stands still the flow learns to please it. */
static void the_flow_pleases(void **state) {
    (void)state;
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of("'lr': 0.003", "'lr': 0, 'pull': 10", &recipe, 1);
    double before = reward_of(tr, NULL, NULL);
    for (int k = 0; k < 150; k++) assert_int_equal(rf__trainer_step(tr, NULL), RF_OK);
    double after = reward_of(tr, NULL, NULL);
    if (!(after > before + 0.05)) fail_msg("answer %g, after 150 steps %g", before, after);
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
}

/* The same bytes from one thread and from two; and without the section nothing of this is there. */
static void threads_do_not_matter(void **state) {
    (void)state;
    float *kept = NULL;
    int64_t count = 0;
    for (int threads = 1; threads <= 2; threads++) {
        rf_recipe *recipe;
        rf_trainer *tr = trainer_of("'lr': 0.003", "'lr': 0.01", &recipe, threads);
        for (int k = 0; k < 4; k++) assert_int_equal(rf__trainer_step(tr, NULL), RF_OK);
        rf_adversary_memory memory = rf__adversary_memory(tr->adversary);
        const float *all = rf__weights_all(tr->model->weights, &count);
        if (!kept) {
            kept = rf__alloc_array((size_t)(count + memory.count), sizeof *kept);
            memcpy(kept, all, (size_t)count * sizeof *all);
            memcpy(kept + count, memory.weights, (size_t)memory.count * sizeof *kept);
        }
        assert_memory_equal(kept, all, (size_t)count * sizeof *all);
        assert_memory_equal(kept + count, memory.weights, (size_t)memory.count * sizeof *kept);
        rf__trainer_free(&tr);
        rf__recipe_free(&recipe);
    }
    rf__free(kept);
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of("'lr': 0.003", NULL, &recipe, 1);
    assert_null(tr->adversary);
    assert_null(rf__exec_buffer(tr->lanes.exec[0], "nudge_fit"));
    rf__trainer_free(&tr);
    rf__recipe_free(&recipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(balance_is_bounded), cmocka_unit_test(the_reward_pulls_upwards),
                                       cmocka_unit_test(the_discriminator_learns), cmocka_unit_test(the_flow_pleases),
                                       cmocka_unit_test(threads_do_not_matter)};
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
