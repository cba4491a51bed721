/* model_field_test.c - a row's answer is its own: the same bytes whatever its neighbours, the bucket, the pieces and the threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/rng.h"
#include "model_field.h"
#include "network_test.h"

enum { ROWS = 11, CLASSES = 3, EXTRA = 2, MAX_SCALARS = 256 };

typedef struct batch {
    float x[ROWS * MAX_SCALARS], t[ROWS], extra[ROWS * EXTRA], v[ROWS * MAX_SCALARS];
    rf_cond cond[ROWS];
} batch;

static const struct { const char *kind; const char *settings[10]; } networks[] = {
    {"unet", {"height=8", "width=8", "channels=3", "base=16", "multipliers=[1,2]", "blocks=1", "attention=[4]", "classes=3", "extra=2"}},
    {"dit", {"height=8", "width=8", "channels=3", "hidden=48", "heads=3", "depth=2", "classes=3", "extra=2"}},
    {"mlp", {"classes=3", "extra=2"}},
};

static rf_model *network(int index) { return network_of(networks[index].kind, networks[index].settings, 1, 0.1f); }

static void fill(batch *b, int64_t scalars) {
    rf__rng_normal(2, RF_STREAM_NOISE, 0, ROWS * scalars, b->x);
    rf__rng_uniform(2, RF_STREAM_TIME, 0, ROWS, b->t);
    rf__rng_normal(2, RF_STREAM_TOY, 0, ROWS * EXTRA, b->extra);
    for (int r = 0; r < ROWS; r++) b->cond[r] = (rf_cond){r % (CLASSES + 1), r == 4 ? NULL : b->extra + r * EXTRA};
}

static rf_model_field *open_field(rf_model *model, rf_dtype dtype, rf_pool *pool, int64_t max_rows) {
    rf_model_field *field;
    if (rf__model_field_open(&field, model, dtype, pool, max_rows) != RF_OK) fail_msg("%s", rf_last_error());
    return field;
}

static void ask(rf_model_field *handle, const batch *b, int64_t first, int64_t rows, float *v) {
    rf_field field = rf__model_field_view(handle);
    if (field.velocity(field.self, rows, b->x + first * field.scalars, b->t + first, b->cond + first, v) != RF_OK)
        fail_msg("%s", rf_last_error());
}

static void check_isolation(rf_dtype dtype) {
    for (int index = 0; index < 3; index++) {
        rf_model *model = network(index);
        rf_pool *pool = rf__pool_create(2);
        rf_model_field *alone = open_field(model, dtype, NULL, 1), *large = open_field(model, dtype, pool, 16), *pieces = open_field(model, dtype, NULL, 4);
        int64_t n = rf__model_field_view(alone).scalars;
        size_t bytes = (size_t)n * sizeof(float);
        assert_true(n <= MAX_SCALARS);
        static batch b;
        static float v[ROWS * MAX_SCALARS];
        fill(&b, n);
        ask(alone, &b, 0, ROWS, b.v); /* max_rows 1: eleven single runs */
        ask(large, &b, 0, ROWS, v);   /* one run of 16 rows on two threads, five of them spare */
        for (int r = 0; r < ROWS; r++)
            if (memcmp(v + r * n, b.v + r * n, bytes)) fail_msg("%s: row %d differs in a large bucket", networks[index].kind, r);
        ask(pieces, &b, 0, ROWS, v); /* 4 + 4 + 3 */
        for (int r = 0; r < ROWS; r++)
            if (memcmp(v + r * n, b.v + r * n, bytes)) fail_msg("%s: row %d differs in pieces", networks[index].kind, r);
        ask(large, &b, 6, 2, v); /* other neighbours */
        assert_memory_equal(v, b.v + 6 * n, 2 * bytes);
        /* rows answer to their own t, label and extra */
        for (int r = 1; r < ROWS; r++) assert_true(memcmp(b.v, b.v + r * n, bytes) != 0);
        rf__model_field_close(&alone);
        rf__model_field_close(&large);
        rf__model_field_close(&pieces);
        assert_null(pieces);
        rf__pool_free(&pool);
        rf__model_free(&model);
    }
}

static void rows_are_isolated_f32(void **state) { (void)state; check_isolation(RF_F32); }
static void rows_are_isolated_bf16(void **state) { (void)state; check_isolation(RF_BF16); }
static void rows_are_isolated_int8(void **state) { (void)state; check_isolation(RF_INT8); }

/* int8 is another way to compute the same thing: not bf16's bytes, but near them; and a vector network has no layer for it. The U-Net
 * of random weights is .86 to 1.03 thousandths apart in squares, by instruction set and how epilogues round; the transformer .1. */
static void int8_is_near_bf16(void **state) {
    (void)state;
    for (int index = 0; index < 3; index++) {
        rf_model *model = network(index);
        rf_model_field *narrow = open_field(model, RF_BF16, NULL, 16), *whole = open_field(model, RF_INT8, NULL, 16);
        int64_t n = rf__model_field_view(narrow).scalars;
        static batch b;
        static float v[ROWS * MAX_SCALARS];
        fill(&b, n);
        ask(narrow, &b, 0, ROWS, b.v);
        ask(whole, &b, 0, ROWS, v);
        double apart = 0, size = 0;
        for (int64_t i = 0; i < ROWS * n; i++) {
            apart += (double)((v[i] - b.v[i]) * (v[i] - b.v[i]));
            size += (double)(b.v[i] * b.v[i]);
        }
        if (index == 2) assert_true(apart == 0);
        else if (!(apart > 0 && apart < 2e-3 * size)) fail_msg("%s: %g of %g", networks[index].kind, apart, size);
        rf__model_field_close(&narrow);
        rf__model_field_close(&whole);
        rf__model_free(&model);
    }
}

/* Each condition reaches the answer: change one of them in row 0 and only row 0 moves. */
static void conditions_reach_the_answer(void **state) {
    (void)state;
    for (int index = 0; index < 3; index++) {
        rf_model *model = network(index);
        rf_model_field *field = open_field(model, RF_F32, NULL, 2);
        int64_t n = rf__model_field_view(field).scalars;
        static batch b;
        static float v[2 * MAX_SCALARS];
        const float other[EXTRA] = {5, -5};
        for (int change = 0; change < 3; change++) {
            fill(&b, n);
            ask(field, &b, 0, 2, b.v);
            if (change == 0) b.t[0] = 0.5f;
            if (change == 1) b.cond[0].label = CLASSES;
            if (change == 2) b.cond[0].extra = other;
            ask(field, &b, 0, 2, v);
            assert_true(memcmp(v, b.v, (size_t)n * sizeof *v) != 0);
            assert_memory_equal(v + n, b.v + n, (size_t)n * sizeof *v);
        }
        rf__model_field_close(&field);
        rf__model_free(&model);
    }
}

static void labels_out_of_range(void **state) {
    (void)state;
    rf_model *model = network(2);
    rf_model_field *handle = open_field(model, RF_F32, NULL, 4);
    rf_field field = rf__model_field_view(handle);
    assert_int_equal(field.null_label, CLASSES);
    const float x[2] = {0, 0}, t = 0;
    float v[2];
    assert_int_equal(field.velocity(field.self, 1, x, &t, &(rf_cond){.label = 4}, v), RF_EINVAL);
    assert_non_null(strstr(rf_last_error(), "class label is 4, expected 0 .. 2"));
    assert_int_equal(field.velocity(field.self, 1, x, &t, &(rf_cond){.label = -1}, v), RF_EINVAL);
    rf__model_field_close(&handle);
    rf__model_free(&model);
}

/* Buckets are built once each; more of them than the cache holds drops the one used longest ago. */
static void plans_are_cached(void **state) {
    (void)state;
    rf_model *model = network(2);
    rf_model_field *field = open_field(model, RF_F32, NULL, 8);
    static batch b;
    fill(&b, 2);
    assert_int_equal(rf__model_field_warm(field, 3), RF_OK); /* bucket 4 */
    const int rows[] = {4, 3, 1, 1, 8, 7, 5};                  /* buckets 4 4 1 1 8 8 8 */
    for (int i = 0; i < 7; i++) ask(field, &b, 0, rows[i], b.v);
    rf_plan_cache_stats stats = rf__model_field_stats(field);
    assert_int_equal(stats.builds, 3);
    assert_int_equal(stats.hits, 5);
    assert_int_equal(stats.dropped, 0);
    assert_true(stats.bytes > 0 && stats.build_seconds > 0);
    rf__model_field_close(&field);
    rf__model_free(&model);
}

/* While another thread builds the large plan, smaller ones serve; nobody can tell from the answers. */
static void plans_built_ahead_change_nothing(void **state) {
    (void)state;
    for (int index = 0; index < 3; index++) {
        rf_model *model = network(index);
        rf_pool *pool = rf__pool_create(2);
        rf_model_field *field = open_field(model, RF_F32, pool, 16), *plain = open_field(model, RF_F32, pool, 16);
        rf__model_field_build_ahead(field, true);
        static batch b;
        static float v[ROWS * MAX_SCALARS];
        int64_t n = rf__model_field_view(field).scalars;
        fill(&b, n);
        ask(plain, &b, 0, ROWS, b.v);
        ask(field, &b, 0, 2, v); /* nothing smaller is there: built at once */
        assert_int_equal(rf__model_field_stats(field).builds, 1);
        for (int round = 0; round < 5; round++) {
            memset(v, 0, sizeof v);
            ask(field, &b, 0, ROWS, v);
            assert_memory_equal(v, b.v, (size_t)(ROWS * n) * sizeof *v);
        }
        rf__model_field_settle(field);
        rf_plan_cache_stats before = rf__model_field_stats(field);
        assert_true(before.background >= 1 && before.builds == before.background + 1);
        ask(field, &b, 0, ROWS, v);
        assert_memory_equal(v, b.v, (size_t)(ROWS * n) * sizeof *v);
        rf_plan_cache_stats after = rf__model_field_stats(field);
        assert_int_equal(after.builds, before.builds);
        assert_int_equal(after.hits, before.hits + 1); /* one call of sixteen rows */
        rf__model_field_close(&field);
        rf__model_field_close(&plain);
        rf__pool_free(&pool);
        rf__model_free(&model);
    }
}

/* t, class, extra and pictures are inputs: one plan serves them all. */
static void only_rows_make_plans(void **state) {
    (void)state;
    for (int index = 0; index < 3; index++) {
        rf_model *model = network(index);
        rf_model_field *field = open_field(model, RF_F32, NULL, 4);
        assert_int_equal(rf__model_field_warm_all(field), RF_OK);
        int64_t builds = rf__model_field_stats(field).builds, n = rf__model_field_view(field).scalars;
        assert_int_equal(builds, 3);
        static batch b;
        for (int k = 0; k < 40; k++) {
            fill(&b, n);
            rf__rng_normal((uint64_t)k, RF_STREAM_NOISE, 0, ROWS * n, b.x);
            rf__rng_uniform((uint64_t)k, RF_STREAM_TIME, 0, ROWS, b.t);
            for (int r = 0; r < ROWS; r++) b.cond[r].label = (r + k) % (CLASSES + 1);
            ask(field, &b, 0, 1 + k % 4, b.v);
        }
        assert_int_equal(rf__model_field_stats(field).builds, builds);
        assert_int_equal(rf__model_field_stats(field).hits, 40);
        rf__model_field_close(&field);
        rf__model_free(&model);
    }
}

static rf_status build_one(void *self, const rf_plan_key *key, rf_graph **out) {
    rf_model *model = self;
    rf_graph *g = *out = rf__graph_create(key->dtype);
    if (key->rows == 13) return rf__fail(RF_EINVAL, "no thirteen");
    rf_model_inputs in = rf__model_declare(g, &model->shape, key->rows, false);
    rf__output(g, "v", model->kind->build(g, model->config, &in));
    return rf__graph_status(g);
}

static void the_oldest_plan_goes(void **state) {
    (void)state;
    rf_model *model = network(2);
    rf_plan_cache *cache;
    rf_exec *exec;
    assert_int_equal(rf__plan_cache_create(&cache, build_one, model, model->weights, NULL, 2), RF_OK);
    const int64_t rows[] = {1, 2, 1, 4, 1, 2}; /* 4 drops 2, then 2 drops 4 */
    for (int i = 0; i < 6; i++) {
        rf_plan_key key = {.rows = rows[i], .threads = 1};
        assert_int_equal(rf__plan_cache_get(cache, &key, &exec), RF_OK);
        assert_non_null(rf__exec_buffer(exec, "v"));
    }
    rf_plan_cache_stats stats = rf__plan_cache_stats(cache);
    assert_int_equal(stats.builds, 4);
    assert_int_equal(stats.dropped, 2);
    assert_int_equal(stats.hits, 2);
    assert_int_equal(rf__plan_cache_get(cache, &(rf_plan_key){.rows = 13, .threads = 1}, &exec), RF_EINVAL);
    assert_null(exec);
    assert_int_equal(rf__plan_cache_get(cache, &(rf_plan_key){.rows = 2, .threads = 1}, &exec), RF_OK); /* still held */
    assert_int_equal(rf__plan_cache_stats(cache).builds, 4);
    rf__plan_cache_free(&cache);
    rf__model_free(&model);
}

/* A build that fails on the other thread is told by get, and is not tried there again. */
static void builds_ahead_may_fail(void **state) {
    (void)state;
    rf_model *model = network(2);
    rf_plan_cache *cache;
    rf_exec *exec;
    assert_int_equal(rf__plan_cache_create(&cache, build_one, model, model->weights, NULL, 2), RF_OK);
    const rf_plan_key bad = {.rows = 13, .threads = 1}, good = {.rows = 3, .threads = 1};
    rf__plan_cache_request(cache, &bad);
    rf__plan_cache_settle(cache);
    assert_false(rf__plan_cache_holds(cache, &bad));
    rf__plan_cache_request(cache, &bad);
    assert_int_equal(rf__plan_cache_get(cache, &bad, &exec), RF_EINVAL);
    rf__plan_cache_request(cache, &good);
    rf__plan_cache_settle(cache);
    assert_true(rf__plan_cache_holds(cache, &good));
    assert_int_equal(rf__plan_cache_get(cache, &good, &exec), RF_OK);
    assert_int_equal(rf__plan_cache_stats(cache).builds, 1);
    assert_int_equal(rf__plan_cache_stats(cache).background, 1);
    rf__plan_cache_request(cache, &(rf_plan_key){.rows = 5, .threads = 1}); /* freed while it may be building */
    rf__plan_cache_free(&cache);
    rf__model_free(&model);
}

static rf_status run_plan(rf_model *model, rf_dtype dtype, bool fuse, float *v, int *fused) {
    rf_graph *graph = rf__graph_create(dtype);
    rf_plan *plan = NULL;
    rf_exec *exec = NULL;
    rf_model_inputs in = rf__model_declare(graph, &model->shape, ROWS, false);
    rf__output(graph, "v", model->kind->build(graph, model->config, &in));
    rf_status status = (fuse ? rf__plan_build : rf__plan_build_apart)(&plan, graph, model->weights, NULL);
    if (status == RF_OK) status = rf__exec_create(&exec, plan, 1);
    if (status == RF_OK) {
        int64_t n = (int64_t)model->shape.height * model->shape.width * model->shape.channels;
        batch b;
        fill(&b, n);
        memcpy(rf__exec_buffer(exec, "x"), b.x, (size_t)(ROWS * n) * sizeof *b.x);
        memcpy(rf__exec_buffer(exec, "t"), b.t, sizeof b.t);
        memcpy(rf__exec_buffer(exec, "extra"), b.extra, sizeof b.extra);
        int32_t *label = rf__exec_buffer(exec, "label");
        for (int r = 0; r < ROWS; r++) label[r] = b.cond[r].label;
        status = rf__exec_run(exec, NULL);
        memcpy(v, rf__exec_buffer(exec, "v"), (size_t)(ROWS * n) * sizeof *v);
        *fused = rf__plan_stats(plan).fused;
    }
    rf__exec_free(&exec);
    rf__plan_free(&plan);
    rf__graph_free(&graph);
    return status;
}

/* Plans with every operation as it was written are what fusing is measured against; they must compute the same. */
static void fusing_keeps_the_meaning(void **state) {
    (void)state;
    for (int index = 0; index < 3; index++) {
        rf_model *model = network(index);
        int64_t n = (int64_t)model->shape.height * model->shape.width * model->shape.channels * ROWS;
        float *v = calloc((size_t)n * 2, sizeof *v), most = 0, off = 0;
        int fused, apart;
        if (run_plan(model, RF_F32, true, v, &fused) != RF_OK || run_plan(model, RF_F32, false, v + n, &apart) != RF_OK) fail_msg("%s", rf_last_error());
        assert_true(fused > 0 && apart == 0);
        for (int64_t i = 0; i < n; i++) {
            most = fmaxf(most, fabsf(v[i]));
            off = fmaxf(off, fabsf(v[i] - v[n + i]));
        }
        assert_true(most > 0 && off < 1e-5f * most);
        free(v);
        rf__model_free(&model);
    }
}

/* What a network makes of time, class and extra vector alone is cut off and kept: the bytes are those of the whole network in one plan,
 * the first time and when they are kept already. */
static void halves_are_the_whole(void **state) {
    (void)state;
    static const rf_dtype dtypes[] = {RF_F32, RF_BF16, RF_INT8};
    for (int index = 0; index < 3; index++)
        for (int d = 0; d < 3; d++) {
            rf_model *model = network(index);
            rf_model_field *field = open_field(model, dtypes[d], NULL, 16);
            static batch b;
            static float v[ROWS * MAX_SCALARS];
            int64_t n = rf__model_field_view(field).scalars;
            int fused;
            fill(&b, n);
            b.cond[4].extra = b.extra + 4 * EXTRA; /* run_plan knows no missing ones */
            if (run_plan(model, dtypes[d], true, v, &fused) != RF_OK) fail_msg("%s", rf_last_error());
            for (int round = 0; round < 2; round++) {
                ask(field, &b, 0, ROWS, b.v);
                assert_memory_equal(b.v, v, (size_t)(ROWS * n) * sizeof *v);
            }
            rf_conditioning_stats stats = rf__model_field_conditioning(field);
            const int kept = index == 2 ? 0 : ROWS; /* the first layer of the mlp sees the point beside the rest: nothing to cut off */
            assert_int_equal(stats.computed, kept);
            assert_int_equal(stats.found, kept);
            rf__model_field_close(&field);
            rf__model_free(&model);
        }
}

/* Rows that were announced are there when they are asked for; nothing kept outlives a change of the weights. */
static void announced_rows_are_computed_once(void **state) {
    (void)state;
    rf_model *model = network(1);
    rf_model_field *handle = open_field(model, RF_F32, NULL, 4);
    rf_field field = rf__model_field_view(handle);
    static batch b;
    static float v[ROWS * MAX_SCALARS];
    fill(&b, field.scalars);
    assert_int_equal(field.prepare(field.network, ROWS, b.t, b.cond), RF_OK);
    assert_int_equal(rf__model_field_conditioning(handle).computed, ROWS);
    ask(handle, &b, 0, ROWS, b.v);
    assert_int_equal(rf__model_field_conditioning(handle).computed, ROWS);
    assert_int_equal(field.prepare(field.network, 1, b.t, &(rf_cond){.label = CLASSES + 1}), RF_EINVAL);

    int index = rf__weights_find(model->weights, "t_embedder.mlp.0.bias");
    assert_true(index >= 0);
    rf__weights_data(model->weights, index)[0] += 1;
    assert_int_equal(rf__weights_refresh(model->weights, NULL), RF_OK);
    ask(handle, &b, 0, ROWS, v);
    assert_int_equal(rf__model_field_conditioning(handle).computed, 2 * ROWS);
    for (int r = 0; r < ROWS; r++) assert_true(memcmp(v + r * field.scalars, b.v + r * field.scalars, sizeof *v * (size_t)field.scalars) != 0);
    rf__model_field_close(&handle);
    rf__model_free(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_isolated_f32),       cmocka_unit_test(rows_are_isolated_bf16), cmocka_unit_test(rows_are_isolated_int8),
        cmocka_unit_test(int8_is_near_bf16),
                                       cmocka_unit_test(conditions_reach_the_answer), cmocka_unit_test(labels_out_of_range),
                                       cmocka_unit_test(plans_are_cached),            cmocka_unit_test(plans_built_ahead_change_nothing),
                                       cmocka_unit_test(fusing_keeps_the_meaning),
        cmocka_unit_test(halves_are_the_whole),        cmocka_unit_test(announced_rows_are_computed_once),
                                       cmocka_unit_test(only_rows_make_plans),        cmocka_unit_test(the_oldest_plan_goes),
                                       cmocka_unit_test(builds_ahead_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
