/* bench_network.c - networks by name with random weights: those that others publish figures of, and one body at three numbers of tokens. */
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/rng.h"
#include "../io/fields.h"
#include "bench.h"
#include "command.h"
#include "outpath.h"
#include "report.h"

typedef struct network {
    const char *name, *kind, *config;
} network;

static const network networks[] = {
    {"dit-s2", "dit", "{\"channels\":4,\"depth\":12,\"hidden\":384,\"heads\":6,\"classes\":1000}"},
    {"dit-b2", "dit", "{\"channels\":4,\"depth\":12,\"hidden\":768,\"heads\":12,\"classes\":1000}"},
    {"sit-xl2", "dit", "{\"channels\":4,\"depth\":28,\"hidden\":1152,\"heads\":16,\"classes\":1000}"},
    {"unet-7m", "unet", "{\"base\":64,\"multipliers\":[1,2,2],\"blocks\":2,\"attention\":[16],\"classes\":10}"},
    {"unet-16m", "unet", "{\"base\":96,\"multipliers\":[1,2,2],\"blocks\":2,\"attention\":[16],\"classes\":10}"},
    {"tokens-16", "dit", "{\"height\":16,\"width\":16,\"channels\":1,\"patch\":4,\"depth\":4,\"hidden\":384,\"heads\":6,\"classes\":10}"},
    {"tokens-64", "dit", "{\"height\":32,\"width\":32,\"channels\":1,\"patch\":4,\"depth\":4,\"hidden\":384,\"heads\":6,\"classes\":10}"},
    {"tokens-256", "dit", "{\"height\":64,\"width\":64,\"channels\":1,\"patch\":4,\"depth\":4,\"hidden\":384,\"heads\":6,\"classes\":10}"},
};
const char *const rf__bench_networks[] = {"dit-s2", "dit-b2", "sit-xl2", "unet-7m", "unet-16m", "tokens-16", "tokens-64", "tokens-256", NULL};

/* A fresh network answers 0 (its last layer is zero), and a comparison of pictures would then see nothing. */
static void stir(rf_model *model) {
    float *all = rf__weights_all(model->weights, NULL), random[256];
    int64_t count = rf__weights_trained(model->weights);
    for (int64_t i = 0; i < count; i += 256) {
        int64_t piece = count - i < 256 ? count - i : 256;
        rf__rng_normal(7, RF_STREAM_INIT, (uint64_t)i, piece, random);
        for (int64_t k = 0; k < piece; k++) all[i + k] += 0.02f * random[k];
    }
}

static rf_status create(const network *n, rf_model **out) {
    const rf_model_kind *kind = rf__model_kind_find(n->kind);
    if (!kind) return RF_ENOTFOUND;
    void *config = rf__alloc(kind->config_size);
    json_t *settings = json_loads(n->config, 0, NULL);
    rf_status status = config && settings ? RF_OK : rf__fail(RF_ENOMEM, "no memory for %s", n->name);
    if (status == RF_OK) status = rf__fields_read(kind->fields, config, settings, n->name);
    if (status == RF_OK) status = rf__model_create(out, kind, config, 1);
    if (status == RF_OK) stir(*out);
    json_decref(settings);
    rf__free(config);
    return status;
}

rf_status rf__bench_network(const char *name, rf_model **out) {
    *out = NULL;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if (!strcmp(networks[i].name, name)) return create(&networks[i], out);
    return rf__fail(RF_ENOTFOUND, "no network '%.60s' among those of strait bench", name);
}

rf_status rf__bench_open(const char *path, const char *network, rf_model **out) {
    return path ? rf__model_open(out, path) : rf__bench_network(network, out);
}

rf_status rf__bench_begin(const rf_common *common, FILE **tables) {
    *tables = rf__report_on_stdout(common->json) ? stderr : stdout;
    return common->json ? rf__outpath_prepare(common->json) : RF_OK;
}

int rf__bench_subject_run(const rf_args *spec, void *settings, int argc, char **argv,
                          rf_status (*measure)(const void *settings, rf_model *model, rf_pool *pool, FILE *tables, json_t **report)) {
    const rf_bench_subject *subject = settings;
    rf_common common;
    FILE *tables;
    rf__args_parse(spec, argc, argv, settings, &common, NULL);
    rf_model *model = NULL;
    json_t *report = NULL;
    rf_pool *pool = rf__pool_create((int)subject->threads);
    rf_status status = pool ? rf__bench_open(subject->model, subject->network, &model) : rf__fail(RF_ENOMEM, "%s: no memory for threads", spec->command);
    if (status == RF_OK) status = rf__bench_begin(&common, &tables);
    if (status == RF_OK) status = measure(settings, model, pool, tables, &report);
    if (status == RF_OK && rf__interrupted) status = rf__fail(RF_EINTERRUPTED, "interrupted");
    if (status == RF_OK) status = rf__report_write(common.json, report);
    else json_decref(report);
    rf__model_free(&model);
    rf__pool_free(&pool);
    rf__args_fini(spec->table, settings);
    return rf__cli_failed(spec->command, status);
}
