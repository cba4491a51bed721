/* conditioning_test.c - what is kept is what would be computed; a full table starts again; a front that cannot be built leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "conditioning.h"

enum { WIDTH = 3, TOLD = RF_TOLD_EXTRA + 2, MOST = 100, TOO_MANY = 64 };

/* Rows [B, WIDTH] of t and two extra numbers; x [B, WIDTH] is moved by them. */
static rf_status build(void *self, const rf_plan_key *key, rf_graph **out) {
    const bool *broken = self;
    rf_graph *g = *out = rf__graph_create(RF_F32);
    if (*broken && key->rows == TOO_MANY) return rf__fail(RF_EINVAL, "the test broke the large plan");
    rf_node *x = rf__input(g, "x", RF_F32, rf__shape2(key->rows, WIDTH)), *t = rf__input(g, "t", RF_F32, rf__shape1(key->rows));
    rf_node *extra = rf__input(g, "extra", RF_F32, rf__shape2(key->rows, 2));
    rf_node *weight = rf__param(g, "weight", rf__shape2(WIDTH, 2), (rf_init){RF_INIT_NORMAL, 1});
    rf_node *vector = rf__scale_rows(g, rf__linear(g, extra, weight, NULL), t);
    rf__output(g, "v", rf__add(g, x, vector));
    return key->layout ? rf__graph_cut(g, rf__told_names, key->layout == 1 ? RF_HALF_FRONT : RF_HALF_REST) : rf__graph_status(g);
}

typedef struct bench {
    rf_weights *weights;
    rf_conditioning *table;
    rf_plan_cache *plans;
    bool broken;
    float told[MOST * TOLD];
    int32_t place[MOST];
} bench;

static void set_up(bench *b, int64_t rows, int64_t bytes) {
    rf_graph *graph;
    *b = (bench){0};
    assert_int_equal(build(&b->broken, &(rf_plan_key){.rows = 1}, &graph), RF_OK);
    assert_int_equal(rf__weights_create(&b->weights, graph), RF_OK);
    rf__graph_free(&graph);
    rf__weights_init(b->weights, 3);
    const rf_conditioning_opts opts = {.build = build, .self = &b->broken, .weights = b->weights, .key = {.layout = 1, .threads = 1},
                                       .told = TOLD, .rows = rows, .bytes = bytes};
    assert_int_equal(rf__conditioning_open(&b->table, &opts), RF_OK);
    assert_int_equal(rf__plan_cache_create(&b->plans, build, &b->broken, b->weights, NULL, 4), RF_OK);
    for (int r = 0; r < MOST; r++) {
        float *told = b->told + r * TOLD;
        told[RF_TOLD_TIME] = (float)(r + 1) / MOST;
        told[RF_TOLD_EXTRA] = (float)(r % 7);
        told[RF_TOLD_EXTRA + 1] = -1;
    }
}

static void tear_down(bench *b) {
    rf__conditioning_close(&b->table);
    rf__plan_cache_free(&b->plans);
    rf__weights_free(&b->weights);
}

/* v of `rows` rows from `first`, at x = 0, by the whole graph (layout 0) or by its halves (2). */
static void velocities(bench *b, int layout, int first, int rows, float *v) {
    rf_exec *exec;
    int64_t width;
    assert_int_equal(rf__plan_cache_get(b->plans, &(rf_plan_key){.rows = rows, .layout = layout, .threads = 1}, &exec), RF_OK);
    memset(rf__exec_buffer(exec, "x"), 0, (size_t)(rows * WIDTH) * sizeof *v);
    if (layout) {
        assert_null(rf__exec_buffer(exec, "t"));
        assert_null(rf__exec_buffer(exec, "extra"));
        assert_non_null(rf__exec_cut(exec, 0, &width));
        assert_int_equal(width, WIDTH);
        assert_null(rf__exec_cut(exec, 1, &width));
        rf__conditioning_write(b->table, b->place, rows, rows, exec);
    } else {
        rf__told_write(exec, b->told + first * TOLD, TOLD, rows, rows);
    }
    assert_int_equal(rf__exec_run(exec, NULL), RF_OK);
    memcpy(v, rf__exec_buffer(exec, "v"), (size_t)(rows * WIDTH) * sizeof *v);
}

static void check(bench *b, int first, int rows) {
    float whole[MOST * WIDTH], halves[MOST * WIDTH];
    if (rf__conditioning_find(b->table, rows, b->told + first * TOLD, b->place) != RF_OK) fail_msg("%s", rf_last_error());
    velocities(b, 0, first, rows, whole);
    velocities(b, 2, first, rows, halves);
    assert_memory_equal(whole, halves, (size_t)(rows * WIDTH) * sizeof *whole);
    for (int i = 0; i < rows * WIDTH; i++) assert_true(halves[i] != 0);
}

static void expect(const bench *b, int64_t found, int64_t computed) {
    assert_int_equal(rf__conditioning_stats(b->table).found, found);
    assert_int_equal(rf__conditioning_stats(b->table).computed, computed);
}

static void rows_are_computed_once(void **state) {
    (void)state;
    bench b;
    set_up(&b, 20, 1 << 20);
    check(&b, 0, 5); /* the small plan */
    expect(&b, 0, 5);
    check(&b, 2, 5);
    expect(&b, 3, 7);
    assert_int_equal(rf__conditioning_ahead(b.table, MOST, b.told), RF_OK); /* the large one, in two pieces; the table grows */
    expect(&b, 3, MOST);
    for (int first = 0; first < MOST; first += 20) check(&b, first, 20);
    expect(&b, 3 + MOST, MOST);
    tear_down(&b);
}

static void the_same_row_twice_is_one(void **state) {
    (void)state;
    bench b;
    set_up(&b, 4, 1 << 20);
    memcpy(b.told + TOLD, b.told, TOLD * sizeof *b.told);
    check(&b, 0, 3);
    assert_int_equal(b.place[0], b.place[1]);
    assert_true(b.place[2] != b.place[0]);
    expect(&b, 0, 2);
    tear_down(&b);
}

/* Ten rows fit: the table is emptied when an eleventh comes, and what is announced beyond that is not computed. */
static void a_full_table_starts_again(void **state) {
    (void)state;
    bench b;
    set_up(&b, 4, 10 * WIDTH * (int64_t)sizeof(float));
    for (int round = 0; round < 3; round++)
        for (int first = 0; first < 12; first += 3) check(&b, first, 3);
    expect(&b, 0, 36);
    assert_int_equal(rf__conditioning_ahead(b.table, MOST, b.told), RF_OK);
    expect(&b, 0, 36);
    tear_down(&b);
    set_up(&b, 30, 1); /* never less than a call */
    check(&b, 0, 30);
    check(&b, 0, 30);
    expect(&b, 30, 30);
    tear_down(&b);
}

static void a_failed_row_is_not_kept(void **state) {
    (void)state;
    bench b;
    set_up(&b, MOST, 1 << 20);
    check(&b, 0, 2);
    b.broken = true;
    assert_int_equal(rf__conditioning_find(b.table, MOST, b.told, b.place), RF_EINVAL);
    check(&b, 0, 2); /* computed again */
    expect(&b, 2, 4);
    b.broken = false;
    check(&b, 0, MOST);
    tear_down(&b);
}

static void new_weights_empty_the_table(void **state) {
    (void)state;
    bench b;
    set_up(&b, 8, 1 << 20);
    check(&b, 0, 8);
    rf__weights_init(b.weights, 4);
    assert_int_equal(rf__weights_refresh(b.weights, NULL), RF_OK);
    check(&b, 0, 8);
    expect(&b, 0, 16);
    tear_down(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_computed_once), cmocka_unit_test(the_same_row_twice_is_one),
                                       cmocka_unit_test(a_full_table_starts_again), cmocka_unit_test(a_failed_row_is_not_kept),
                                       cmocka_unit_test(new_weights_empty_the_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
