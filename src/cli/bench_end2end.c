/* bench_end2end.c - strait bench end2end: from the plain loop to every lever at once, on a shipped network: `strait compare` on one of two grids. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "command.h"

static const struct subject {
    const char *name, *model, *refiner, *grid;
} subjects[] = {
    {"fashion", "models/fashion-rf.safetensors", "models/fashion-refiner.safetensors", "recipes/compare/end2end-fashion.yaml"},
    {"cifar", "models/cifar-small.safetensors", "models/cifar-refiner.safetensors", "recipes/compare/end2end-cifar.yaml"},
};

static const char usage[] = "Usage: strait bench end2end fashion|cifar [OPTION of strait compare...]\n"
                            "Seconds an image and distance to data, each row adding one lever to the plain loop: a table and a waterfall.\n"
                            "Run it where models/ and recipes/ are; cifar wants CIFAR-10 and the ResNet file (docs/data.md).\n\n"
                            "  strait bench end2end fashion --out runs/end2end -n 200 --paired 24\n";

static int compare(const struct subject *s, int argc, char **argv) {
    const char *fixed[] = {"compare", "-m", s->model, "--refiner", s->refiner, "--grid", s->grid};
    enum { FIXED = sizeof fixed / sizeof *fixed };
    char **all = malloc((size_t)(FIXED + argc + 1) * sizeof *all);
    if (!all) return rf__cli_failed("bench end2end", rf__fail(RF_ENOMEM, "bench end2end: no memory for its arguments"));
    for (int i = 0; i < FIXED; i++) all[i] = (char *)(uintptr_t)fixed[i];
    for (int i = 0; i <= argc; i++) all[FIXED + i] = argv[i]; /* with the NULL behind the last */
    const int code = rf__cmd_compare.run(FIXED + argc, all);
    free(all);
    return code;
}

static int run(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
        fputs(usage, stdout);
        return RF_EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        if (!strcmp(subjects[i].name, name)) return compare(&subjects[i], argc - 2, argv + 2);
    return rf__cli_usage("bench end2end", "network is '%s', expected fashion or cifar", name);
}

const rf_bench rf__bench_end2end = {"end2end", "from the plain loop to every lever: ms an image and distance, a waterfall", run};
