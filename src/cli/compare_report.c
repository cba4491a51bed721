/* compare_report.c - the table, the JSON and the figure of `strait compare`. */
#include <math.h>
#include <string.h>

#include "../base/file.h"
#include "../base/gnuplot.h"
#include "compare.h"
#include "report.h"

#define MEMBER(name) offsetof(rf_compare_result, name)

static double member_of(const rf_compare_result *result, size_t member) {
    double value;
    memcpy(&value, (const char *)result + member, sizeof value);
    return value;
}

static rf_spread spread_of(const double *values, int n) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += values[i];
    for (int i = 0; i < n; i++) squares += pow(values[i] - sum / n, 2);
    return (rf_spread){sum / n, n > 1 ? sqrt(squares / (n - 1)) : (double)NAN};
}

double rf__compare_bar(rf_spread spread) { return isnan(spread.deviation) ? 0 : spread.deviation; }

rf_spread rf__compare_spread(const rf_compare *compare, const rf_compare_row *row, size_t member) {
    double values[RF_COMPARE_SEEDS];
    for (int i = 0; i < (int)compare->settings.seeds; i++) values[i] = member_of(&row->result[i], member);
    return spread_of(values, (int)compare->settings.seeds);
}

/* The distance less that of the first row, group by group: rows have the same seeds, so that what the groups share cancels. */
static rf_spread difference(const rf_compare *compare, const rf_compare_row *row, double values[RF_COMPARE_SEEDS]) {
    for (int i = 0; i < (int)compare->settings.seeds; i++) values[i] = row->result[i].frechet - compare->row[0].result[i].frechet;
    return spread_of(values, (int)compare->settings.seeds);
}

/* ---- table ---- */

static void cell(FILE *stream, rf_spread s, int width, int digits, bool spread) {
    if (isnan(s.mean)) fprintf(stream, " %*s", width + (spread ? 8 : 0), "-");
    else if (spread && isnan(s.deviation)) fprintf(stream, " %*.*f %7s", width, digits, s.mean, "");
    else if (spread) fprintf(stream, " %*.*f +-%-5.*f", width, digits, s.mean, digits, s.deviation);
    else fprintf(stream, " %*.*f", width, digits, s.mean);
}

/* Rows in the order of their network answers, so that equal budgets stand together. */
static void order_rows(const rf_compare *compare, int order[RF_COMPARE_ROWS]) {
    for (int i = 0; i < compare->rows; i++) {
        int at = i;
        for (; at > 0 && compare->row[order[at - 1]].result[0].nfe > compare->row[i].result[0].nfe; at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

void rf__compare_print(const rf_compare *compare, FILE *stream) {
    int order[RF_COMPARE_ROWS];
    order_rows(compare, order);
    fprintf(stream, "%-40s %7s %9s %19s %16s %15s %7s %17s\n", "", "NFE", "ms/image", "Fréchet distance", "PSNR to exact", "SSIM", "class %", "FD - first's");
    for (int i = 0; i < compare->rows; i++) {
        const rf_compare_row *row = &compare->row[order[i]];
        double values[RF_COMPARE_SEEDS];
        rf_spread ms = rf__compare_spread(compare, row, MEMBER(seconds)), share = rf__compare_spread(compare, row, MEMBER(accuracy));
        ms.mean *= 1000;
        share.mean *= 100;
        fprintf(stream, "%-40.60s", row->label);
        cell(stream, rf__compare_spread(compare, row, MEMBER(nfe)), 7, 1, false);
        cell(stream, ms, 9, 2, false);
        cell(stream, rf__compare_spread(compare, row, MEMBER(frechet)), 9, 3, true);
        cell(stream, rf__compare_spread(compare, row, MEMBER(psnr)), 7, 2, true);
        cell(stream, rf__compare_spread(compare, row, MEMBER(ssim)), 7, 4, true);
        cell(stream, share, 7, 1, false);
        cell(stream, difference(compare, row, values), 9, 3, true);
        fprintf(stream, "%s\n", row->control ? "  control" : "");
    }
    long long seeds = (long long)compare->settings.seeds, images = (long long)compare->settings.images;
    if (seeds > 1) fprintf(stream, "+-: standard deviation over %lld seed groups of %lld images", seeds, images);
    else fprintf(stream, "One seed group of %lld images, which says nothing about spread", images);
    fprintf(stream, "; PSNR and SSIM of %lld of them against %s in %lld steps, f32.\n", (long long)compare->settings.paired, compare->settings.reference_solver,
            (long long)compare->settings.reference_steps);
    if (compare->settings.data[0]) fprintf(stream, "FD - first's: the distance less that of \"%s\", group by group (the same seeds).\n", compare->row[0].label);
}

/* ---- JSON ---- */

static const struct { const char *key; size_t member; } members[] = {
    {"nfe", MEMBER(nfe)}, {"nfe_refine", MEMBER(refined)}, {"extrapolated", MEMBER(extrapolated)}, {"seconds_per_image", MEMBER(seconds)},
    {"frechet_distance", MEMBER(frechet)}, {"kernel_distance", MEMBER(kid)}, {"class_accuracy", MEMBER(accuracy)},
    {"mse", MEMBER(mse)}, {"psnr", MEMBER(psnr)}, {"ssim", MEMBER(ssim)},
};
#define MEMBERS (sizeof members / sizeof *members)

static json_t *spread_json(rf_spread spread, const double *values, int64_t n) {
    json_t *array = json_array();
    for (int64_t i = 0; i < n; i++) json_array_append_new(array, rf__report_number(values[i]));
    return json_pack("{s:o, s:o, s:o}", "mean", rf__report_number(spread.mean), "sd", rf__report_number(spread.deviation), "values", array);
}

static json_t *row_json(const rf_compare *compare, const rf_compare_row *row) {
    json_t *json = json_pack("{s:s, s:b, s:O}", "name", row->label, "control", row->control, "settings", row->wanted);
    const int64_t n = compare->settings.seeds;
    double values[RF_COMPARE_SEEDS];
    for (size_t k = 0; json && k < MEMBERS; k++) {
        for (int64_t i = 0; i < n; i++) values[i] = member_of(&row->result[i], members[k].member);
        json_object_set_new(json, members[k].key, spread_json(spread_of(values, (int)n), values, n));
    }
    rf_spread less = difference(compare, row, values);
    json_object_set_new(json, "frechet_distance_less_first", spread_json(less, values, n));
    return json;
}

json_t *rf__compare_json(const rf_compare *compare) {
    json_t *rows = json_array();
    for (int i = 0; i < compare->rows; i++) json_array_append_new(rows, row_json(compare, &compare->row[i]));
    return json_pack("{s:O, s:o}", "protocol", compare->protocol, "rows", rows);
}

/* ---- figure ---- */

static bool is_first_of_series(const rf_compare *compare, int index) {
    for (int i = 0; i < index; i++)
        if (!strcmp(compare->row[i].series, compare->row[index].series)) return false;
    return true;
}

/* One block a series, its points by network answers: NFE, ms, distance, its deviation, PSNR, its deviation. */
static void write_points(const rf_compare *compare, FILE *stream) {
    int order[RF_COMPARE_ROWS];
    order_rows(compare, order);
    for (int first = 0; first < compare->rows; first++) {
        if (!is_first_of_series(compare, first)) continue;
        fprintf(stream, "\"%s\"\n", compare->row[first].series);
        for (int i = 0; i < compare->rows; i++) {
            const rf_compare_row *row = &compare->row[order[i]];
            if (strcmp(row->series, compare->row[first].series)) continue;
            rf_spread distance = rf__compare_spread(compare, row, MEMBER(frechet)), psnr = rf__compare_spread(compare, row, MEMBER(psnr));
            fprintf(stream, "%g %g %g %g %g %g\n", rf__compare_spread(compare, row, MEMBER(nfe)).mean,
                    1000 * rf__compare_spread(compare, row, MEMBER(seconds)).mean, distance.mean, rf__compare_bar(distance), psnr.mean, rf__compare_bar(psnr));
        }
        fputs("\n\n", stream);
    }
}

/* The key lies above the panels: it may be long. Series are told apart by colour, then by form. */
static const char script[] =
    "set terminal pngcairo noenhanced size 1200,550+400*DISTANCE font 'sans,10'\nset output 'compare.png.part'\nset grid\nset datafile missing 'nan'\n"
    "if (DISTANCE) { stats 'compare.dat' using 3 name 'D' nooutput }\ntop = 1 - 16.0*((LAST+2)/2+2)/(550+400*DISTANCE)\n"
    "set multiplot layout 1+DISTANCE,2 margins 0.065,0.98,0.07,top spacing 0.08,0.11\nset logscale x 2\nset style data yerrorlines\n"
    "set autoscale xfix\nset autoscale yfix\nset offsets graph 0.06,graph 0.06,graph 0.08,graph 0.08\n"
    "set key at screen 0.5,screen 0.99 center top vertical maxrows (LAST+2)/2 samplen 1.5 spacing 0.9\nform(i) = i < 8 ? 7 : i < 16 ? 5 : 9\n"
    "if (DISTANCE) {\nset format y '%.3g'\nif (D_max > 8 * D_min) { set logscale y 2 }\nset ylabel 'Fréchet distance to data'\nset xlabel 'network answers an image'\n"
    "plot for [i=0:LAST] 'compare.dat' index i using 1:3:4 lw 1.5 pt form(i) ps 0.8 title columnheader(1)\n"
    "unset key\nset xlabel 'milliseconds an image'\n"
    "plot for [i=0:LAST] 'compare.dat' index i using 2:3:4 lw 1.5 pt form(i) ps 0.8\nunset logscale y\n}\n"
    "set ylabel 'PSNR to the exact solve, dB'\nset xlabel 'network answers an image'\n"
    "plot for [i=0:LAST] 'compare.dat' index i using 1:5:6 lw 1.5 pt form(i) ps 0.8 title columnheader(1)\n"
    "unset key\nset xlabel 'milliseconds an image'\n"
    "plot for [i=0:LAST] 'compare.dat' index i using 2:5:6 lw 1.5 pt form(i) ps 0.8\nunset multiplot\nset output\n";

bool rf__compare_figure(const rf_compare *compare, const char *folder, const char *name, void (*write)(const rf_compare *, FILE *),
                        const char *script) {
    char path[4096], picture[64];
    rf_writer *writer = NULL;
    snprintf(path, sizeof path, "%s/%s.dat", folder, name);
    snprintf(picture, sizeof picture, "%s.png", name);
    if (rf__writer_open(&writer, path) != RF_OK) return false;
    write(compare, rf__writer_stream(writer));
    return rf__writer_commit(&writer) == RF_OK && rf__gnuplot(folder, script, (const char *const[]){picture, NULL});
}

bool rf__compare_draw(const rf_compare *compare, const char *folder) {
    char text[sizeof script + 64];
    int series = 0;
    for (int i = 0; i < compare->rows; i++) series += is_first_of_series(compare, i);
    snprintf(text, sizeof text, "LAST = %d\nDISTANCE = %d\n%s", series - 1, compare->settings.data[0] != 0, script);
    return rf__compare_figure(compare, folder, "compare", write_points, text);
}
