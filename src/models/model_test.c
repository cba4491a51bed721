/* model_test.c - parameter counts against the published ones, fresh models, and checkpoints: what comes back and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../io/safetensors.h"
#include "network_test.h"

/* Trained and fixed scalars, from the graph alone. */
static int64_t count(const char *name, const char *const *settings, int64_t *fixed) {
    const rf_model_kind *kind = rf__model_kind_find(name);
    void *config = config_of(kind, settings);
    assert_int_equal(kind->check(config), RF_OK);
    rf_model_shape shape = kind->shape(config);
    rf_graph *graph = rf__graph_create(RF_F32);
    rf_model_inputs in = rf__model_declare(graph, &shape, 1, false);
    kind->build(graph, config, &in);
    if (rf__graph_status(graph) != RF_OK) fail_msg("%s", rf_last_error());
    int64_t sums[2] = {0, 0};
    for (int i = 0; i < rf__graph_param_count(graph); i++) {
        const rf_param *param = rf__graph_param(graph, i);
        sums[param->trained] += rf__shape_count(&param->shape);
    }
    rf__graph_free(&graph);
    free(config);
    if (fixed) *fixed = sums[0];
    return sums[1];
}

/* In millions, to the digits of the table. */
static void expect_millions(double expected, double unit, const char *const *settings) {
    double got = (double)count("unet", settings, NULL) / 1e6;
    if (fabs(got - expected) > unit / 2 + 1e-9) fail_msg("%s, %s: %.4f M parameters, expected %.4g M", settings[0], settings[1], got, expected);
}

static void unet_parameters(void **state) {
    (void)state;
    expect_millions(61.804, 1e-3, SETTINGS("base=128", "multipliers=[1,2,2,2]", "blocks=4"));
    expect_millions(27.906, 1e-3, SETTINGS("base=128", "multipliers=[1,2,2]"));
    expect_millions(15.707, 1e-3, SETTINGS("base=96", "multipliers=[1,2,2]"));
    expect_millions(6.990, 1e-3, SETTINGS("base=64", "multipliers=[1,2,2]"));
    expect_millions(3.437, 1e-3, SETTINGS("base=64", "multipliers=[1,1,2]", "blocks=1"));
    expect_millions(3.536, 1e-3, SETTINGS("base=64", "multipliers=[1,1,2]", "blocks=1", "height=64", "width=64"));
    expect_millions(55.73, 1e-2, SETTINGS("base=128", "multipliers=[2,2,2]", "blocks=4"));
    expect_millions(1.26, 1e-2, SETTINGS("base=32", "blocks=1", "height=28", "width=28", "channels=1", "attention=[14]"));
    expect_millions(1.75, 1e-2, SETTINGS("base=32", "blocks=2", "height=28", "width=28", "channels=1", "attention=[14]"));
    expect_millions(5.02, 1e-2, SETTINGS("base=64", "blocks=1"));
    /* EDM DDPM++ without its augmentation label, to the last one */
    assert_int_equal(count("unet", SETTINGS("base=128", "multipliers=[1,2,2,2]", "blocks=4"), NULL), 61804419);
}

/* Published for 256x256 images (32x32x4 latents, patch 2, 1000 classes + null). Their last layer also predicts a variance: another
 * p*p*C outputs of hidden + 1 numbers; and their counts include the fixed positions. */
static void dit_parameters(void **state) {
    (void)state;
    static const struct { double millions; int depth, hidden, heads; } sizes[] = {
        {33, 12, 384, 6}, {130, 12, 768, 12}, {458, 24, 1024, 16}, {675, 28, 1152, 16}};
    for (int i = 0; i < 4; i++) {
        char depth[32], hidden[32], heads[32];
        snprintf(depth, sizeof depth, "depth=%d", sizes[i].depth);
        snprintf(hidden, sizeof hidden, "hidden=%d", sizes[i].hidden);
        snprintf(heads, sizeof heads, "heads=%d", sizes[i].heads);
        int64_t fixed, trained = count("dit", SETTINGS("channels=4", "classes=1000", depth, hidden, heads), &fixed);
        int64_t theirs = trained + fixed + 16 * (sizes[i].hidden + 1);
        if (fabs((double)theirs / 1e6 - sizes[i].millions) > 0.55)
            fail_msg("DiT of %s, %s: %lld parameters, published %g M", depth, hidden, (long long)theirs, sizes[i].millions);
        if (i == 3) assert_int_equal(theirs, 675129632); /* what its training log prints */
    }
}

static void mlp_parameters(void **state) {
    (void)state;
    assert_int_equal(count("mlp", NULL, NULL), 9218); /* the reference experiment: 3 x 64 on [x, t, 8 features of t] */
    assert_int_equal(count("mlp", SETTINGS("extra=4"), NULL), 9218 + 4 * 64);
}

/* ---- fresh models ---- */

static rf_model *small_unet(uint64_t seed) {
    const rf_model_kind *kind = rf__model_kind_find("unet");
    void *config = config_of(kind, SETTINGS("height=8", "width=8", "channels=1", "base=8", "multipliers=[1,2]", "blocks=1", "attention=[4]",
                                            "classes=3", "dropout=0.125"));
    rf_model *model;
    if (rf__model_create(&model, kind, config, seed) != RF_OK) fail_msg("%s", rf_last_error());
    free(config);
    return model;
}

static void fresh_weights_follow_the_seed(void **state) {
    (void)state;
    rf_model *a = small_unet(1), *b = small_unet(1), *c = small_unet(2);
    int64_t n;
    float *all = rf__weights_all(a->weights, &n);
    assert_memory_equal(all, rf__weights_all(b->weights, NULL), (size_t)n * sizeof *all);
    assert_true(memcmp(all, rf__weights_all(c->weights, NULL), (size_t)n * sizeof *all) != 0);
    /* the last convolution starts near 0, so that a fresh network answers about 0 */
    int last = rf__weights_find(a->weights, "dec.8x8_aux_conv.weight");
    assert_true(last >= 0);
    for (int i = 0; i < 72; i++) assert_true(fabsf(rf__weights_data(a->weights, last)[i]) < 1e-4f);
    rf__model_free(&a);
    rf__model_free(&b);
    rf__model_free(&c);
    assert_null(a);
    rf__model_free(&a);
}

static void settings_that_do_not_fit(void **state) {
    (void)state;
    static const struct { const char *kind, *setting, *sentence; } cases[] = {
        {"unet", "height=30", "height x width is 30x32, expected multiples of 4 for 3 levels"},
        {"unet", "base=10", "base is 10, expected a multiple of 4"},
        {"unet", "multipliers=[]", "multipliers has 0 entries, expected 1 .. 8"},
        {"unet", "heads=3", "heads is 3"},
        {"dit", "patch=5", "patch is 5, expected a divisor of 32x32"},
        {"dit", "heads=7", "heads is 7, expected a divisor of hidden 384"},
        {"dit", "width=64", "height x width is 32x64, expected a square"},
        {"mlp", "features=3", "features is 3, expected an even number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rf_model_kind *kind = rf__model_kind_find(cases[i].kind);
        void *config = config_of(kind, SETTINGS(cases[i].setting));
        rf_model *model;
        assert_int_equal(rf__model_create(&model, kind, config, 0), RF_EINVAL);
        assert_null(model);
        if (!strstr(rf_last_error(), cases[i].sentence)) fail_msg("\"%s\", expected \"%s\"", rf_last_error(), cases[i].sentence);
        free(config);
    }
    assert_null(rf__model_kind_find("gan"));
    assert_non_null(strstr(rf_last_error(), "mlp, unet, dit"));
}

/* ---- checkpoints ---- */

static char path[64];

static void save(const rf_model *model, rf_dtype dtype, const char *metadata) {
    snprintf(path, sizeof path, P_tmpdir "/strait-model-test-%d.safetensors", (int)getpid());
    if (rf__model_save(model, rf__weights_all(model->weights, NULL), path, dtype, metadata) != RF_OK) fail_msg("%s", rf_last_error());
}

static void checkpoint_round_trip(void **state) {
    (void)state;
    rf_model *model = small_unet(3), *back;
    save(model, RF_F32, "{\"strait.training\":{\"steps\":7},\"note\":\"hello\"}");
    if (rf__model_open(&back, path) != RF_OK) fail_msg("%s", rf_last_error());
    assert_string_equal(back->kind->name, "unet");
    assert_memory_equal(model->config, back->config, model->kind->config_size);
    int64_t n, m;
    float *all = rf__weights_all(model->weights, &n), *read = rf__weights_all(back->weights, &m);
    assert_int_equal(n, m);
    assert_memory_equal(all, read, (size_t)n * sizeof *all);
    assert_int_equal(strlen(back->sha256), 64);
    assert_string_equal(back->path, path);
    json_t *metadata = json_loads(back->metadata_json, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(metadata, "format")), "strait");
    assert_string_equal(json_string_value(json_object_get(metadata, "note")), "hello");
    assert_string_equal(json_string_value(json_object_get(metadata, "strait.training")), "{\"steps\":7}");
    json_decref(metadata);
    rf__model_free(&back);

    /* the file has convolutions as everybody does: [out,in,kh,kw] */
    rf_safetensors *file;
    assert_int_equal(rf__safetensors_open(&file, path), RF_OK);
    const rf_tensor_entry *conv = rf__safetensors_find(file, "enc.4x4_block0.conv0.weight");
    assert_int_equal(conv->rank, 4);
    assert_int_equal(conv->dim[0] * 1000 + conv->dim[1] * 100 + conv->dim[2] * 10 + conv->dim[3], 16000 + 800 + 33);
    float *outside = malloc((size_t)conv->count * sizeof *outside);
    assert_int_equal(rf__tensor_read_f32(conv, outside, conv->count), RF_OK);
    const float *inside = rf__weights_data(model->weights, rf__weights_find(model->weights, "enc.4x4_block0.conv0.weight"));
    assert_true(outside[((5 * 8 + 6) * 3 + 1) * 3 + 2] == inside[((5 * 3 + 1) * 3 + 2) * 8 + 6]);
    free(outside);
    rf__safetensors_close(&file);

    assert_int_equal(rf__model_save(model, all, path, RF_F32, "[1]"), RF_EINVAL); /* and the file above stays */
    assert_int_equal(rf__model_open(&back, path), RF_OK);
    rf__model_free(&back);
    rf__model_free(&model);
    unlink(path);
}

static void checkpoint_in_bf16(void **state) {
    (void)state;
    rf_model *model = small_unet(3), *back;
    int bias = rf__weights_find(model->weights, "map_layer0.bias"), weight = rf__weights_find(model->weights, "map_layer0.weight");
    rf__weights_data(model->weights, bias)[0] = 1.0009765625f; /* more digits than bf16 has */
    save(model, RF_BF16, NULL);
    if (rf__model_open(&back, path) != RF_OK) fail_msg("%s", rf_last_error());
    assert_true(rf__weights_data(back->weights, bias)[0] == 1.0009765625f);
    for (int i = 0; i < 32 * 8; i++)
        assert_true(rf__weights_data(back->weights, weight)[i] ==
                    rf__bf16_to_f32(rf__f32_to_bf16(rf__weights_data(model->weights, weight)[i])));
    rf__model_free(&back);
    rf__model_free(&model);
    unlink(path);
}

/* Write the tensors of a good file again with one thing wrong. */
typedef enum damage { DROP, ADD, RENAME, RESHAPE, NOT_FINITE, NO_MODEL, WRONG_CONVENTION, UNKNOWN_KIND, LYING_SIZE, WRONG_KEY } damage;

static rf_status open_damaged(const rf_model *model, damage what) {
    save(model, RF_F32, NULL);
    uint8_t *bytes;
    size_t size;
    assert_int_equal(rf__file_read(path, 1 << 24, &bytes, &size), RF_OK);
    rf_safetensors *file;
    assert_int_equal(rf__safetensors_parse(&file, bytes, size, path), RF_OK);
    int n = rf__safetensors_count(file), victim = 0;
    rf_tensor_entry *entries = calloc((size_t)n + 1, sizeof *entries);
    for (int i = 0; i < n; i++) {
        entries[i] = *rf__safetensors_entry(file, i);
        if (!strcmp(entries[i].name, "map_layer1.weight")) victim = i;
    }
    float *copy = malloc((size_t)entries[victim].count * sizeof *copy);
    memcpy(copy, entries[victim].data, (size_t)entries[victim].count * sizeof *copy);
    entries[victim].data = copy;
    json_t *metadata = json_deep_copy(rf__safetensors_metadata_all(file));
    switch (what) {
    case DROP: entries[victim] = entries[--n]; break;
    case ADD:
        entries[n] = entries[victim];
        entries[n++].name = "surplus.weight";
        break;
    case RENAME: entries[victim].name = "map_layer9.weight"; break;
    case RESHAPE: entries[victim].dim[0] = 16, entries[victim].dim[1] = 64; break;
    case NOT_FINITE: copy[5] = NAN; break;
    case NO_MODEL: json_object_del(metadata, "strait.model"); break;
    case WRONG_CONVENTION: json_object_set_new(metadata, "strait.convention", json_string("t=0 data")); break;
    case UNKNOWN_KIND: json_object_set_new(metadata, "strait.model", json_string("{\"kind\":\"gan\",\"settings\":{}}")); break;
    case LYING_SIZE:
        json_object_set_new(metadata, "strait.model",
                            json_string("{\"kind\":\"dit\",\"settings\":{\"hidden\":16384,\"depth\":256,\"heads\":1}}"));
        break;
    case WRONG_KEY: json_object_set_new(metadata, "strait.model", json_string("{\"kind\":\"unet\",\"settings\":{\"basis\":8}}")); break;
    }
    assert_int_equal(rf__safetensors_save(path, entries, n, metadata), RF_OK);
    rf_model *back;
    rf_status status = rf__model_open(&back, path);
    assert_null(back);
    json_decref(metadata);
    free(copy);
    free(entries);
    rf__safetensors_close(&file);
    rf__free(bytes);
    unlink(path);
    return status;
}

static void damaged_checkpoints_are_refused(void **state) {
    (void)state;
    static const struct { damage what; rf_status status; const char *sentence; } cases[] = {
        {DROP, RF_EMISMATCH, "map_layer1.weight: is missing from the file"},
        {ADD, RF_EMISMATCH, "surplus.weight: the model has no such parameter"},
        {RENAME, RF_EMISMATCH, "map_layer1.weight: is missing from the file"},
        {RESHAPE, RF_EMISMATCH, "map_layer1.weight: file has 16x64, model wants 32x32"},
        {NOT_FINITE, RF_ENUMERIC, "map_layer1.weight: number 5 is not finite"},
        {NO_MODEL, RF_EFORMAT, "no strait.model"},
        {WRONG_CONVENTION, RF_EFORMAT, "its convention is \"t=0 data\", expected \"t=0 noise"},
        {UNKNOWN_KIND, RF_EFORMAT, "model kind is \"gan\", expected one of mlp, unet, dit"},
        {LYING_SIZE, RF_EMISMATCH, "x_embedder.proj.weight: is missing"}, /* and not 800 GB of memory first */
        {WRONG_KEY, RF_EFORMAT, "unknown key basis, did you mean base?"},
    };
    rf_model *model = small_unet(3), *back;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rf_status status = open_damaged(model, cases[i].what);
        if (status != cases[i].status || !strstr(rf_last_error(), cases[i].sentence) || strncmp(rf_last_error(), path, strlen(path)))
            fail_msg("case %zu: %s \"%s\", expected %s \"%s\"", i, rf_status_name(status), rf_last_error(),
                     rf_status_name(cases[i].status), cases[i].sentence);
    }
    rf__model_free(&model);
    assert_true(rf__model_open(&back, "/nonexistent/model.safetensors") != RF_OK);
    assert_null(back);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(unet_parameters),
                                       cmocka_unit_test(dit_parameters),
                                       cmocka_unit_test(mlp_parameters),
                                       cmocka_unit_test(fresh_weights_follow_the_seed),
                                       cmocka_unit_test(settings_that_do_not_fit),
                                       cmocka_unit_test(checkpoint_round_trip),
                                       cmocka_unit_test(checkpoint_in_bf16),
                                       cmocka_unit_test(damaged_checkpoints_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
