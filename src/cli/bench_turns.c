/* bench_turns.c - strait bench turns: times calls of a network when told to, so that another engine can take its turn between them. The
 * network is opened and packed once, as the other engine's is; bench/rivals/run.py is at the other end. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/progress.h"
#include "../io/safetensors.h"
#include "args.h"
#include "bench.h"
#include "bench_bed.h"
#include "command.h"
#include "outpath.h"
#include "report.h"

typedef struct settings {
    const char *model, *network, *dtype, *save;
    int64_t threads;
} settings;

typedef struct turns {
    const rf_model *model;
    rf_dtype dtype;
    rf_pool *pool;
    rf_bench_bed bed;
    int64_t rows; /* of the bed; 0: none yet */
    json_t *timed; /* for the report */
} turns;

/* One plan at a time: the largest network's packed weights fill gigabytes. */
static rf_status set_rows(turns *t, int64_t rows) {
    if (rows == t->rows) return RF_OK;
    rf__bench_bed_fini(&t->bed);
    t->rows = 0;
    RF_TRY(rf__bench_bed_init(&t->bed, t->model, t->dtype, rows, t->pool));
    t->rows = rows;
    return RF_OK;
}

static rf_status calls(turns *t, int64_t count) {
    double start = rf__now();
    for (int64_t i = 0; i < count && !rf__interrupted; i++) rf__bench_bed_run(&t->bed);
    RF_TRY(t->bed.status);
    if (rf__interrupted) return rf__fail(RF_EINTERRUPTED, "interrupted");
    double seconds = rf__now() - start;
    printf("%.9f\n", seconds);
    json_array_append_new(t->timed, json_pack("{sI sI sf}", "rows", (json_int_t)t->rows, "calls", (json_int_t)count, "seconds", seconds));
    return RF_OK;
}

/* x [rows, H, W, C], t [rows], label [rows] if any, and the answer v to them. */
static rf_status values(turns *t, const char *path) {
    rf__bench_bed_run(&t->bed);
    RF_TRY(t->bed.status);
    const rf_model_shape *s = &t->model->shape;
    rf_tensor_entry entries[4] = {{.name = "x"}, {.name = "t"}, {.name = "v"}, {.name = "label"}};
    int count = s->classes ? 4 : 3;
    for (int i = 0; i < count; i++) {
        rf_tensor_entry *e = &entries[i];
        bool picture = i == 0 || i == 2;
        e->type = i == 3 ? RF_TENSOR_I32 : RF_TENSOR_F32;
        e->rank = picture ? 4 : 1;
        e->dim[0] = t->rows, e->dim[1] = s->height, e->dim[2] = s->width, e->dim[3] = s->channels;
        e->count = picture ? t->rows * rf__model_scalars(t->model) : t->rows;
        e->data = rf__exec_buffer(t->bed.exec, e->name);
    }
    RF_TRY(rf__safetensors_save(path, entries, count, NULL));
    printf("written\n");
    return RF_OK;
}

static rf_status take_turn(turns *t, const char *line) {
    char path[4096];
    int64_t rows, count = 0;
    bool time = sscanf(line, "time %" SCNd64 " %" SCNd64, &rows, &count) == 2;
    if (!time && sscanf(line, "values %" SCNd64 " %4095[^\n]", &rows, path) != 2)
        return rf__fail(RF_EINVAL, "a turn is '%.40s', expected 'time ROWS CALLS' or 'values ROWS FILE'", line);
    if (rows < 1 || rows > 4096 || count < 0) return rf__fail(RF_EINVAL, "a turn of %" PRId64 " rows, expected 1 to 4096 and no negative calls", rows);
    RF_TRY(set_rows(t, rows));
    return time ? calls(t, count) : values(t, path);
}

static rf_status serve(turns *t) {
    char line[4200];
    rf_status status = RF_OK;
    printf("ready\n");
    while (status == RF_OK && fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        status = take_turn(t, line);
    }
    rf__bench_bed_fini(&t->bed);
    return status == RF_OK && rf__interrupted ? rf__fail(RF_EINTERRUPTED, "interrupted") : status;
}

static rf_status report(const settings *s, const turns *t, const char *path) {
    return rf__report_write(path, json_pack("{ss ss ss si sO}", "model", s->model ? s->model : s->network, "dtype", s->dtype, "isa", rf__kernels()->isa, "threads",
                                            rf__pool_size(t->pool), "turns", t->timed));
}

#define AT(member) offsetof(settings, member)
static const rf_arg table[] = {
    {"model", 'm', "model-path", RF_ARG_STRING, AT(model), NULL, 0, 0, NULL, "FILE", "this checkpoint, instead of a network by name"},
    {"network", 0, NULL, RF_ARG_CHOICE, AT(network), "dit-s2", 0, 0, rf__bench_networks, "NAME", "a network of `bench model`, with random weights"},
    {"save", 0, NULL, RF_ARG_STRING, AT(save), NULL, 0, 0, NULL, "FILE", "write the network as a checkpoint with weights in bf16, and end"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(dtype), "bf16", 0, 0, rf__dtype_names, "TYPE", "of the numbers inside"},
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), "0", 0, 64, NULL, "N", "0: one a CPU"},
    {NULL}};

static int run(int argc, char **argv) {
    static const rf_args spec = {"bench turns", "Time calls of a network for each line on standard input: 'time ROWS CALLS' or 'values ROWS FILE'.", NULL, 0, 0, table,
                                 "  strait bench turns --network dit-b2 --save dit-b2.safetensors\n  echo time 4 10 | strait bench turns -m dit-b2.safetensors\n"};
    settings s;
    rf_common common;
    rf__args_parse(&spec, argc, argv, &s, &common, NULL);
    if (rf__report_on_stdout(common.json)) return rf__cli_usage("bench turns", "--json is -, expected a file: standard output is where the turns are answered");
    if (common.json && s.save) return rf__cli_usage("bench turns", "--save and --json are given, expected one of them: there are no turns to report");
    rf_model *model = NULL;
    rf_pool *pool = rf__pool_create((int)s.threads);
    rf_status status = pool ? rf__bench_open(s.model, s.network, &model) : rf__fail(RF_ENOMEM, "bench turns: no memory for threads");
    if (status == RF_OK && s.save) status = rf__model_save(model, rf__weights_all(model->weights, NULL), s.save, RF_BF16, NULL);
    else if (status == RF_OK) {
        turns t = {.model = model, .dtype = rf__dtype_of(s.dtype), .pool = pool, .timed = json_array()};
        if (common.json) status = rf__outpath_prepare(common.json);
        if (status == RF_OK) status = serve(&t);
        if (status == RF_OK && common.json) status = report(&s, &t, common.json);
        json_decref(t.timed);
    }
    rf__model_free(&model);
    rf__pool_free(&pool);
    rf__args_fini(table, &s);
    return rf__cli_failed("bench turns", status);
}

const rf_bench rf__bench_turns = {"turns", "times calls as another program says, for paired comparisons", run};
