/* bench_growth.c - strait bench growth: how time and memory of one call grow with the number of tokens and with the number of rows, beside
 * the roofline of the same run: what the arithmetic takes at the register-only peak, or reading the packed weights from memory once,
 * whichever is longer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/dtype.h"
#include "../base/file.h"
#include "../base/gnuplot.h"
#include "../base/stopwatch.h"
#include "../kernels/limits.h"
#include "args.h"
#include "bench.h"
#include "bench_bed.h"
#include "outpath.h"
#include "report.h"

typedef struct settings {
    rf_bench_subject of; /* first */
    const char *out;
    rf_arg_list sides, rows;
} settings;

typedef struct point {
    int side;              /* of the picture */
    int64_t rows;
    double seconds, roof, gflop;
    size_t arena, packed;  /* bytes */
} point;

typedef struct limits {
    double gflops, gbytes;
} limits;

static rf_status measure_point(const settings *s, const rf_model *model, rf_pool *pool, const limits *most, point *p) {
    rf_bench_bed bed;
    rf_status status = rf__bench_bed_init(&bed, model, rf__dtype_of(s->of.dtype), p->rows, pool);
    if (status == RF_OK) {
        p->seconds = rf__stopwatch(rf__bench_bed_run, &bed, s->of.budget);
        status = bed.status;
        rf_plan_stats stats = rf__plan_stats(bed.plan);
        p->gflop = stats.gflop, p->arena = stats.arena_bytes, p->packed = stats.packed_bytes;
        if (most->gflops > 0 && most->gbytes > 0) p->roof = fmax(stats.gflop / most->gflops, 1e-9 * (double)stats.packed_bytes / most->gbytes);
    }
    rf__bench_bed_fini(&bed);
    return status;
}

/* The exponent between two points: 1 is growth in proportion. */
static double exponent(const point *a, const point *b, double growth) { return log(b->seconds / a->seconds) / log(growth); }

static json_t *show(const point *p, const point *before, FILE *tables) {
    const double growth = before ? (double)p->rows / (double)before->rows * p->side * p->side / ((double)before->side * before->side) : 1;
    const double power = growth != 1 ? exponent(before, p, growth) : (double)NAN; /* the same size again does not grow */
    fprintf(tables, "%4dx%-4d %5lld %10.3f %9.1f %8.0f %9.3f %8.0f %% %10.1f %10.1f", p->side, p->side, (long long)p->rows, 1e3 * p->seconds, p->gflop, p->gflop / p->seconds, 1e3 * p->roof,
            100 * p->roof / p->seconds, (double)p->arena / 1048576, (double)p->packed / 1048576);
    if (!isnan(power)) fprintf(tables, " %8.2f", power);
    fputc('\n', tables);
    fflush(tables);
    return json_pack("{si sI sf sf sf sI sI so}", "side", p->side, "rows", (json_int_t)p->rows, "seconds", p->seconds, "roof", p->roof, "gflop", p->gflop, "arena_bytes",
                     (json_int_t)p->arena, "packed_bytes", (json_int_t)p->packed, "exponent", rf__report_number(power));
}

/* One axis: pictures of every side at one row, or all numbers of rows at the network's own side. */
static rf_status measure_axis(const settings *s, const rf_model *model, rf_pool *pool, const limits *most, bool by_side, FILE *tables, FILE *data, json_t *out) {
    const rf_arg_list *list = by_side ? &s->sides : &s->rows;
    point before = {0};
    fprintf(data, "\"%s\"\n", by_side ? "1 row, pixels of a picture" : "pixels of all rows");
    for (int i = 0; i < list->count && !rf__interrupted; i++) {
        point p = {.side = by_side ? (int)list->at[i] : model->shape.height, .rows = by_side ? 1 : (int64_t)list->at[i]};
        rf_model sized = *model;
        if (by_side) RF_TRY(rf__model_at(&sized, model, p.side, p.side));
        rf_status status = measure_point(s, &sized, pool, most, &p);
        if (by_side) rf__model_at_fini(&sized);
        RF_TRY(status);
        if (rf__interrupted) continue;
        json_array_append_new(out, show(&p, i ? &before : NULL, tables));
        fprintf(data, "%lld %g %g %g\n", (long long)p.rows * p.side * p.side, 1e3 * p.seconds, 1e3 * p.roof, (double)p.arena / 1048576);
        before = p;
    }
    fputs("\n\n", data);
    return rf__interrupted ? rf__fail(RF_EINTERRUPTED, "interrupted") : RF_OK;
}

static const char script[] =
    "set terminal pngcairo size 1000,460 font 'sans,10'\nset output 'growth.png.part'\nset grid\nset logscale xy\nset key left top\n"
    "set multiplot layout 1,2\nset xlabel 'pixels'\nset ylabel 'milliseconds a call'\n"
    "plot for [i=0:1] 'growth.dat' index i using 1:2 with linespoints pt 7 lc i+1 title columnheader(1), "
    "for [i=0:1] '' index i using 1:3 with lines dt 2 lc i+1 title (i ? '' : 'roofline')\n"
    "set ylabel 'arena, MiB'\nplot for [i=0:1] 'growth.dat' index i using 1:4 with linespoints pt 7 lc i+1 title columnheader(1)\n"
    "unset multiplot\nset output\n";

static rf_status measure(const void *user, rf_model *model, rf_pool *pool, FILE *tables, json_t **report) {
    const settings *s = user;
    if (!rf__kernels()) return RF_ENOTFOUND;
    char path[4096];
    snprintf(path, sizeof path, "%s/growth.dat", s->out);
    RF_TRY(rf__outpath_prepare(path));
    limits most = {.gflops = rf__limit_dense(rf__dtype_of(s->of.dtype), pool, s->of.budget), .gbytes = rf__limit_measure(rf__limit_find("read-dram"), pool, s->of.budget)};
    rf_writer *writer = NULL;
    RF_TRY(rf__writer_open(&writer, path));
    json_t *rows = json_array();
    fprintf(tables, "%s: %.2f M parameters, %s, %s, %d threads; register-only peak %.0f GFLOP/s, memory %.1f GB/s\n", s->of.model ? s->of.model : s->of.network,
            (double)rf__model_parameters(model) / 1e6, s->of.dtype, rf__kernels()->isa, rf__pool_size(pool), most.gflops, most.gbytes);
    fprintf(tables, "%-9s %5s %10s %9s %8s %9s %10s %10s %10s %8s\n", "picture", "rows", "ms", "GFLOP", "GFLOP/s", "roof ms", "of roof", "arena MiB", "packed MiB", "exponent");
    rf_status status = measure_axis(s, model, pool, &most, true, tables, rf__writer_stream(writer), rows);
    if (status == RF_OK) status = measure_axis(s, model, pool, &most, false, tables, rf__writer_stream(writer), rows);
    *report = json_pack("{ss sI ss ss si sf sf so}", "model", s->of.model ? s->of.model : s->of.network, "parameters", (json_int_t)rf__model_parameters(model), "dtype", s->of.dtype, "isa",
                        rf__kernels()->isa, "threads", rf__pool_size(pool), "peak_gflops", most.gflops, "memory_gbytes", most.gbytes, "points", rows);
    if (status != RF_OK) {
        rf__writer_abort(&writer);
        return status;
    }
    RF_TRY(rf__writer_commit(&writer));
    if (rf__gnuplot(s->out, script, (const char *const[]){"growth.png", NULL})) fprintf(tables, "%s/growth.png\n", s->out);
    return RF_OK;
}

#define AT(member) offsetof(settings, member)
static const rf_arg table[] = {
    {"out", 'o', NULL, RF_ARG_STRING, AT(out), "growth", 0, 0, NULL, "FOLDER", "for growth.dat and growth.png"},
    {"model", 'm', "model-path", RF_ARG_STRING, AT(of.model), NULL, 0, 0, NULL, "FILE", "this checkpoint, instead of a network by name"},
    {"network", 0, NULL, RF_ARG_CHOICE, AT(of.network), "dit-s2", 0, 0, rf__bench_networks, "NAME", "one of `bench model` whose pictures may have any size"},
    {"dtype", 0, "type", RF_ARG_CHOICE, AT(of.dtype), "bf16", 0, 0, rf__dtype_names, "TYPE", "of the numbers inside"},
    {"sides", 0, NULL, RF_ARG_INTS, AT(sides), "16,24,32,48,64,96,128", 1, 4096, NULL, "N,..", "of pictures at one row; with patches of 2 these are 64 to 4096 tokens"},
    {"rows", 0, NULL, RF_ARG_INTS, AT(rows), "1,2,4,8,16,32,64", 1, 4096, NULL, "N,..", "of a call at the network's own size"},
    {"threads", 't', NULL, RF_ARG_INT, AT(of.threads), "0", 0, 64, NULL, "N", "0: one a CPU"},
    {"budget", 0, NULL, RF_ARG_FLOAT, AT(of.budget), "1", 0.01, 100, NULL, "SECONDS", "for each figure; at least eight calls"},
    {NULL}};

static int run(int argc, char **argv) {
    static const rf_args spec = {"bench growth", "Measure how a call's time and memory grow with tokens and rows.", NULL, 0, 0, table,
                                 "  strait bench growth -o runs/growth\n  strait bench growth --network dit-b2 --rows 1,4,16 --sides 32,64 --json -\n"};
    settings s;
    return rf__bench_subject_run(&spec, &s, argc, argv, measure);
}

const rf_bench rf__bench_growth = {"growth", "how time and memory grow with tokens and rows, with the roofline", run};
