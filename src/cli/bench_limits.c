/* bench_limits.c - strait bench limits: what the units of this processor and its memory can do, with one thread and with all. */
#include <stdio.h>
#include <stdlib.h>

#include "../base/cpu.h"
#include "../base/file.h"
#include "../kernels/limits.h"
#include "args.h"
#include "bench.h"
#include "command.h"
#include "report.h"

typedef struct settings {
    int64_t threads;
    double budget;
} settings;

#define AT(member) offsetof(settings, member)
static const rf_arg table[] = {
    {"threads", 't', NULL, RF_ARG_INT, AT(threads), "0", 0, 64, NULL, "N", "of the second figure (0: one a CPU)"},
    {"budget", 0, NULL, RF_ARG_FLOAT, AT(budget), "0.5", 0.01, 100, NULL, "SECONDS", "for each figure"},
    {NULL}};

static rf_status measure(const settings *s, rf_pool *alone, rf_pool *all, FILE *tables, json_t **report) {
    json_t *rows = json_array();
    fprintf(tables, "%s, %d threads\n%-12s %10s %10s\n", rf__cpu_name(rf__cpu_flags()), rf__pool_size(all), "", "1 thread", "all");
    for (const rf_limit *limit = rf__limits; limit->name && !rf__interrupted; limit++) {
        double one = rf__limit_measure(limit, alone, s->budget), many = rf__limit_measure(limit, all, s->budget);
        if (rf__interrupted) break;
        if (one <= 0 || many <= 0) {
            fprintf(tables, "%-12s %10s %10s          %s\n", limit->name, "absent", "", limit->help);
            continue;
        }
        fprintf(tables, "%-12s %10.1f %10.1f %-8s %s\n", limit->name, one, many, limit->unit, limit->help);
        fflush(tables);
        json_array_append_new(rows, json_pack("{ss ss sf sf}", "name", limit->name, "unit", limit->unit, "one_thread", one, "all_threads", many));
    }
    *report = json_pack("{ss si so}", "isa", rf__cpu_name(rf__cpu_flags()), "threads", rf__pool_size(all), "limits", rows);
    return rf__interrupted ? rf__fail(RF_EINTERRUPTED, "interrupted") : RF_OK;
}

static int run(int argc, char **argv) {
    static const rf_args spec = {"bench limits", "Measure the limits of this machine.", NULL, 0, 0, table, "  strait bench limits\n"};
    settings s;
    rf_common common;
    FILE *tables;
    json_t *report = NULL;
    rf__args_parse(&spec, argc, argv, &s, &common, NULL);
    rf_pool *alone = rf__pool_create(1), *all = rf__pool_create((int)s.threads);
    rf_status status = alone && all ? RF_OK : rf__fail(RF_ENOMEM, "bench limits: no memory for threads");
    if (status == RF_OK) status = rf__bench_begin(&common, &tables);
    if (status == RF_OK) status = measure(&s, alone, all, tables, &report);
    if (status == RF_OK) status = rf__report_write(common.json, report);
    else json_decref(report);
    rf__pool_free(&alone);
    rf__pool_free(&all);
    return rf__cli_failed("bench limits", status);
}

const rf_bench rf__bench_limits = {"limits", "arithmetic and memory of this machine at their best", run};
