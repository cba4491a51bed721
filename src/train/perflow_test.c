/* perflow_test.c - pairs of PeRFlow against solutions made here: ends of windows, one window, what real data matters for, own starts,
 * guidance, and edges of equal curvature (perflow.md section 5). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "method_test.h"
#include "../models/gauss_exact.h"

enum { BATCH = 48 };

static rf_trainer *trainer_of(rf_recipe **recipe, rf_source *source, int threads, const char *text) {
    rf_trainer *tr = NULL;
    *recipe = recipe_of(text);
    if (!*recipe || rf__trainer_create(&tr, *recipe, source, threads) != RF_OK) fail_msg("%s", rf_last_error());
    if (tr->online && tr->recipe->coupling->prepare(tr->online, 5) != RF_OK) fail_msg("%s", rf_last_error());
    return tr;
}

static void done(rf_trainer **tr, rf_recipe **recipe) {
    rf__trainer_free(tr);
    rf__recipe_free(recipe);
}

#define TOY(extra, windows, teacher) "{'model':{'kind':'mlp','width':16,'extra':" extra "},'data':{'name':'8gauss'},'windows':{" windows "},'teacher':{'model':'exact'," \
    teacher "},'train':{'coupling':'perflow','steps':10,'batch':48,'micro_batch':16,'lanes':2,'dtype':'f32'}}"

/* Runge-Kutta on the exact velocity. */
static void solve(const rf_source *source, const float *start, double a, double b, double out[2]) {
    const int steps = 200;
    double z[2] = {(double)start[0], (double)start[1]}, h = (b - a) / steps;
    for (int s = 0; s < steps; s++) {
        double k[4][2], part[4] = {0, 0.5, 0.5, 1}, t = a + s * h;
        for (int j = 0; j < 4; j++) {
            float at[2], v[2];
            for (int i = 0; i < 2; i++) at[i] = (float)(z[i] + (j ? part[j] * h * k[j - 1][i] : 0));
            source->kind->velocity(at, (float)(t + part[j] * h), v);
            for (int i = 0; i < 2; i++) k[j][i] = (double)v[i];
        }
        for (int i = 0; i < 2; i++) z[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
    }
    out[0] = z[0], out[1] = z[1];
}

static void line_at(const rf_online *o, int64_t r, double t, double z[2]) {
    for (int i = 0; i < 2; i++) z[i] = (1 - t) * (double)o->x0[2 * r + i] + t * (double)o->x1[2 * r + i];
}

/* A pair's line meets the noised data at the window's start and the teacher's solution at its end. */
static void lines_join_start_and_end(void **state) {
    (void)state;
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of(&recipe, NULL, 1, TOY("5", "'count':4", "'solver':'rk4','steps':16"));
    int seen[4] = {0};
    for (int64_t r = 0; r < BATCH; r++) {
        const rf_online *o = tr->online;
        int k = (int)((double)o->t[r] * 4);
        double a = k / 4.0, b = a + 0.25, start[2], end[2], wanted[2];
        float noise[2], data[2], z[2];
        seen[k]++;
        rf__rng_normal_sample(0, RF_STREAM_NOISE, 5 * BATCH + (uint64_t)r, 2, noise);
        assert_int_equal(tr->source.kind->draw(&tr->source, 0, 5 * BATCH + (uint64_t)r, data, NULL), RF_OK);
        for (int i = 0; i < 2; i++) z[i] = (float)((1 - a) * (double)noise[i] + a * (double)data[i]);
        line_at(o, r, a, start);
        line_at(o, r, b, end);
        solve(&tr->source, z, a, b, wanted);
        for (int i = 0; i < 2; i++) {
            assert_true(fabs(start[i] - (double)z[i]) < 1e-5);
            assert_true(fabs(end[i] - wanted[i]) < 1e-3);
        }
    }
    for (int k = 0; k < 4; k++) assert_true(seen[k] > 2);
    done(&tr, &recipe);
}

/* Statement 5: one window is reflow on line from noise. Statement 6: window 0 does not read the data. */
static void data_matters_after_the_first_window(void **state) {
    (void)state;
    static const char *const texts[] = {TOY("2", "'count':1", "'steps':8"), TOY("5", "'count':4", "'steps':2")};
    for (int test = 0; test < 2; test++) {
        rf_recipe *recipe;
        rf_trainer *tr = trainer_of(&recipe, NULL, 1, texts[test]);
        rf_online *o = tr->online;
        float x0[2 * BATCH], x1[2 * BATCH];
        memcpy(x0, o->x0, sizeof x0);
        memcpy(x1, o->x1, sizeof x1);
        rf_source_kind other = *tr->source.kind; /* the same velocity, other data */
        other.draw = points_draw;
        tr->source.kind = &other;
        data_offset = 9;
        assert_int_equal(recipe->coupling->prepare(o, 5), RF_OK);
        data_offset = 0;
        for (int64_t r = 0; r < BATCH; r++) {
            bool first = test == 0 || o->t[r] < 0.25f, same = !memcmp(x0 + 2 * r, o->x0 + 2 * r, 8) && !memcmp(x1 + 2 * r, o->x1 + 2 * r, 8);
            assert_true(first == same);
            float noise[2];
            rf__rng_normal_sample(0, RF_STREAM_NOISE, 5 * BATCH + (uint64_t)r, 2, noise);
            if (test == 0) assert_memory_equal(noise, x0 + 2 * r, sizeof noise);
        }
        done(&tr, &recipe);
    }
}

/* The same bytes from any number of threads and any size of the teacher's calls. */
static void pairs_do_not_depend_on_the_machine(void **state) {
    (void)state;
    static const char *const texts[] = {TOY("5", "'count':4,'own':0.5", "'steps':2,'rows':64"), TOY("5", "'count':4,'own':0.5", "'steps':2,'rows':5")};
    rf_recipe *recipe[2];
    rf_trainer *tr[2];
    for (int i = 0; i < 2; i++) tr[i] = trainer_of(&recipe[i], NULL, 1 + 2 * i, texts[i]);
    assert_memory_equal(tr[0]->online->x0, tr[1]->online->x0, 2 * BATCH * sizeof(float));
    assert_memory_equal(tr[0]->online->x1, tr[1]->online->x1, 2 * BATCH * sizeof(float));
    for (int i = 0; i < 2; i++) done(&tr[i], &recipe[i]);
}

static void own_starts_are_the_students(void **state) {
    (void)state;
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of(&recipe, NULL, 1, TOY("5", "'count':4,'own':1", "'steps':2"));
    rf_online *o = tr->online;
    for (int64_t r = 0; r < BATCH; r++) {
        int k = (int)((double)o->t[r] * 4);
        float z[2], v[2];
        double start[2];
        rf_cond cond = {.label = -1};
        rf__rng_normal_sample(0, RF_STREAM_NOISE, 5 * BATCH + (uint64_t)r, 2, z);
        for (int j = 0; j < k; j++) {
            float t = (float)j / 4;
            assert_int_equal(o->student_field.velocity(o->student_field.self, 1, z, &t, &cond, v), RF_OK);
            for (int i = 0; i < 2; i++) z[i] += v[i] / 4;
        }
        line_at(o, r, k / 4.0, start);
        for (int i = 0; i < 2; i++) assert_true(fabs(start[i] - (double)z[i]) < 1e-5);
    }
    done(&tr, &recipe);
}

/* With every label dropped, "sync" asks the teacher without classes and "fixed" with them; guided twice as well. */
static void guidance_and_dropped_labels(void **state) {
    (void)state;
    for (int fixed = 0; fixed < 2; fixed++) {
        char path[64], text[1024];
        rf_recipe *recipe;
        save_network("mlp", "classes", "3", 1, path);
        snprintf(text, sizeof text, "{'model':{'kind':'mlp','classes':3,'extra':3},'data':{'name':'8gauss'},'windows':{'count':2},'teacher':{'model':'%s',"
                 "'solver':'euler','steps':1,'cfg':%s,'guidance':'%s'},'train':{'coupling':'perflow','label_drop':1,'steps':10,'batch':48,"
                 "'micro_batch':16,'dtype':'f32'}}", path, fixed ? "2" : "1", fixed ? "fixed" : "sync");
        rf_source source = points_source();
        rf_trainer *tr = trainer_of(&recipe, &source, 1, text);
        rf_online *o = tr->online;
        for (int64_t r = 0; r < BATCH; r++) {
            double a = o->t[r] < 0.5f ? 0 : 0.5, start[2], end[2];
            float z[2], v[2][2], t = (float)a;
            line_at(o, r, a, start);
            line_at(o, r, a + 0.5, end);
            for (int i = 0; i < 2; i++) z[i] = (float)start[i];
            for (int which = 0; which < 2; which++) {
                rf_cond cond = {.label = which ? o->label[r] : 3};
                assert_int_equal(o->teacher_field.velocity(o->teacher_field.self, 1, z, &t, &cond, v[which]), RF_OK);
            }
            assert_int_equal(o->label[r], (5 * BATCH + r) % 3);
            for (int i = 0; i < 2; i++) {
                double null = (double)v[0][i], guided = null + 2 * ((double)v[1][i] - null);
                assert_true(fabs((end[i] - start[i]) / 0.5 - (fixed ? guided : null)) < 1e-4);
            }
        }
        done(&tr, &recipe);
        unlink(path);
    }
}

/* N(0,1) -> N(m, s^2): each window holds the same part of the turning that a finer walk measures. */
static void edges_share_the_curvature(void **state) {
    (void)state;
    enum { ROWS = 64, FINE = 4000 };
    const float mean[1] = {2};
    const rf_gauss_exact flow = {.scalars = 1, .components = 1, .mean = mean, .sd = 0.2};
    rf_field field;
    rf_windows windows;
    float z[ROWS], before[ROWS], v[ROWS], t[ROWS];
    rf_cond cond[ROWS];
    assert_int_equal(rf__gauss_exact_field(&field, &flow), RF_OK);
    rf__rng_normal(4, RF_STREAM_TOY, 0, ROWS, z);
    for (int r = 0; r < ROWS; r++) cond[r] = (rf_cond){.label = -1};
    assert_int_equal(rf__windows_by_curvature(&windows, 4, &field, z, cond, ROWS, 200), RF_OK);
    double turned[4] = {0}, all = 0;
    for (int i = 0; i < FINE; i++) {
        for (int r = 0; r < ROWS; r++) t[r] = (float)i / FINE;
        assert_int_equal(field.velocity(field.self, ROWS, z, t, cond, v), RF_OK);
        double square = 0;
        for (int r = 0; r < ROWS; r++) square += i ? (double)((v[r] - before[r]) * (v[r] - before[r])) : 0;
        for (int r = 0; r < ROWS; r++) z[r] += v[r] / FINE;
        memcpy(before, v, sizeof v);
        turned[rf__windows_find(&windows, (double)i / FINE)] += sqrt(square / ROWS);
        all += sqrt(square / ROWS);
    }
    for (int k = 0; k < 4; k++) assert_true(fabs(turned[k] / all - 0.25) < 0.02);
    assert_true(windows.edge[1] > 0.3); /* it turns late */
}

/* Noise predictions: what the network is asked for is (z_b - lambda z_a) / eta, wherever in the window. */
static void targets_of_noise_predictions(void **state) {
    (void)state;
    rf_recipe *recipe;
    rf_trainer *tr = trainer_of(&recipe, NULL, 1, TOY("5", "'count':4,'predicts':'ddim_eps'", "'steps':2"));
    const rf_online *o = tr->online;
    const rf_windows *windows = &tr->model->windows;
    assert_true(windows->noise);
    float x0[32], x1[32], t[16], xt[32], target[32], weight[16], extra[80];
    rf_batch own = {.rows = 16, .scalars = 2, .first = 5 * BATCH + 16, .x0 = x0, .x1 = x1, .t = t, .xt = xt, .target = target, .weight = weight, .extra = extra};
    assert_int_equal(rf__batch_fill(&tr->fill, &own), RF_OK);
    for (int r = 0; r < 16; r++) {
        int k = (int)((double)t[r] * 4);
        double start[2], end[2];
        line_at(o, 16 + r, windows->edge[k], start);
        line_at(o, 16 + r, windows->edge[k + 1], end);
        assert_true(extra[5 * r + k] == 1 && fabsf(extra[5 * r + 4] - (4 * t[r] - (float)k)) < 1e-5f);
        for (int i = 0; i < 2; i++) assert_true(fabs((double)target[2 * r + i] - (end[i] - windows->lambda[k] * start[i]) / windows->eta[k]) < 1e-3);
    }
    done(&tr, &recipe);
}

static void recipes_that_do_not_fit(void **state) {
    (void)state;
    static const struct { const char *text, *word; } cases[] = {
        {TOY("4", "'count':4", "'steps':1"), "model.extra is 4, expected 5"},
        {TOY("5", "'count':4,'id':false", "'steps':1"), "model.extra is 5, expected 0"},
        {TOY("0", "'count':0", "'steps':1"), "windows.count is 0, expected at least 1"},
        {TOY("66", "'count':65", "'steps':1"), "65"},
        {"{'model':{'kind':'mlp'},'data':{'name':'8gauss'},'windows':{'count':2},'train':{'steps':1}}", "windows.count is 2, expected 0"},
        {"{'model':{'kind':'mlp','extra':3},'data':{'name':'8gauss'},'train':{'steps':1}}", "model.extra is 3, expected 0"},
        {"{'model':{'kind':'mlp','extra':3},'data':{'name':'8gauss'},'windows':{'count':2},'train':{'steps':1,'coupling':'perflow'}}", "teacher.model is empty"},
        {"{'model':{'kind':'mlp'},'data':{'name':'8gauss'},'teacher':{'model':'exact'},'train':{'steps':1}}", "teacher.model is exact, expected nothing"},
        {TOY("5", "'count':4", "'cfg':2"), "teacher.cfg is 2, expected 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rf_recipe *recipe = recipe_of(cases[i].text);
        assert_null(recipe);
        if (!strstr(rf_last_error(), cases[i].word)) fail_msg("\"%s\" does not say %s", rf_last_error(), cases[i].word);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_join_start_and_end),    cmocka_unit_test(data_matters_after_the_first_window),
        cmocka_unit_test(pairs_do_not_depend_on_the_machine), cmocka_unit_test(own_starts_are_the_students),
        cmocka_unit_test(guidance_and_dropped_labels), cmocka_unit_test(edges_share_the_curvature),
        cmocka_unit_test(targets_of_noise_predictions), cmocka_unit_test(recipes_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
