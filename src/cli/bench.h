/* bench.h - the benchmarks behind `strait bench NAME`; a new one is a file and a line in RF_BENCHES. */
#ifndef RF_CLI_BENCH_H
#define RF_CLI_BENCH_H

typedef struct rf_bench {
    const char *name, *help;
    int (*run)(int argc, char **argv); /* argv[0] is the benchmark's name; returns an exit code */
} rf_bench;

#define RF_BENCHES(X) X(limits) X(kernels) X(model) X(train)

#define X(name) extern const rf_bench rf__bench_##name;
RF_BENCHES(X)
#undef X

#endif
