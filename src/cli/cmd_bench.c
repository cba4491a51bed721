/* cmd_bench.c - strait bench: finds the benchmark named by the first argument and runs it. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "command.h"

static const rf_bench *const benches[] = {
#define X(name) &rf__bench_##name,
    RF_BENCHES(X)
#undef X
        NULL};

static void list(FILE *stream) {
    fputs("Usage: strait bench NAME [OPTION...]\nMeasure this machine.\n\n", stream);
    for (int i = 0; benches[i]; i++) fprintf(stream, "  %-10s %s\n", benches[i]->name, benches[i]->help);
    fputs("\n`strait bench NAME --help` lists the options.\n", stream);
}

static int run(int argc, char **argv) {
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        list(stdout);
        return RF_EXIT_DONE;
    }
    for (int i = 0; argc > 1 && benches[i]; i++)
        if (strcmp(benches[i]->name, argv[1]) == 0) return benches[i]->run(argc - 1, argv + 1);
    char names[256] = "";
    for (int i = 0; benches[i]; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", benches[i]->name);
    }
    return rf__cli_usage("bench", "%s%s%s, expected one of: %s", argc > 1 ? "no benchmark '" : "no benchmark named", argc > 1 ? argv[1] : "",
                         argc > 1 ? "'" : "", names);
}

const rf_command rf__cmd_bench = {"bench", "measure this machine: its limits, kernels, models, training", run, "  strait bench train recipes/cifar-rf.yaml --batch 128 -t 2\n"};
