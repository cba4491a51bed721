/* bench.h - the benchmarks behind `strait bench NAME`; a new one is a file and a line in RF_BENCHES. */
#ifndef RF_CLI_BENCH_H
#define RF_CLI_BENCH_H

#include "../base/threads.h"
#include "../models/model.h"
#include "args.h"

typedef struct rf_bench {
    const char *name, *help;
    int (*run)(int argc, char **argv); /* argv[0] is the benchmark's name; returns an exit code */
} rf_bench;

#define RF_BENCHES(X) X(limits) X(kernels) X(products) X(model) X(growth) X(stream) X(train) X(end2end) X(turns)

#define X(name) extern const rf_bench rf__bench_##name;
RF_BENCHES(X)
#undef X

/* Before the work: that the report can be written, and where tables and other lines go, which is stderr while the report takes stdout. */
rf_status rf__bench_begin(const rf_common *common, FILE **tables);

extern const char *const rf__bench_networks[]; /* NULL-terminated */
rf_status rf__bench_network(const char *name, rf_model **out);
/* The checkpoint at `path`, or when that is NULL the network of that name. */
rf_status rf__bench_open(const char *path, const char *network, rf_model **out);

/* What the benchmarks of one network's calls are told; the first member of their settings. */
typedef struct rf_bench_subject {
    const char *model, *network, *dtype;
    int64_t threads;
    double budget;
} rf_bench_subject;
/* Parse into `settings`, which begin with an rf_bench_subject; open network and threads; measure, with lines for people on `tables`; write the
 * report that was made. An exit code. */
int rf__bench_subject_run(const rf_args *spec, void *settings, int argc, char **argv,
                          rf_status (*measure)(const void *settings, rf_model *model, rf_pool *pool, FILE *tables, json_t **report));

#endif
