/* compare_waterfall.c - rows in which each adds one thing to the row before: what every lever is worth, and what it costs in quality. */
#include <math.h>
#include <string.h>

#include "compare.h"

#define MEMBER(name) offsetof(rf_compare_result, name)

static rf_spread of(const rf_compare *compare, int row, size_t member) { return rf__compare_spread(compare, &compare->row[row], member); }

/* Two rows are told apart when their means differ by more than twice the deviation of the difference of two seed groups' means. */
static bool alike(rf_spread a, rf_spread b, int64_t seeds) {
    return fabs(a.mean - b.mean) <= 2 * sqrt((a.deviation * a.deviation + b.deviation * b.deviation) / (double)seeds);
}

static const char *verdict(const rf_compare *compare, int row) {
    rf_spread first = of(compare, 0, MEMBER(frechet)), now = of(compare, row, MEMBER(frechet));
    if (isnan(now.mean) || isnan(now.deviation) || row == 0) return ""; /* one group of seeds tells nothing apart */
    if (alike(first, now, compare->settings.seeds)) return "as the first row, within the spread";
    return now.mean < first.mean ? "better than the first row" : "worse than the first row";
}

void rf__compare_waterfall_print(const rf_compare *compare, FILE *stream) {
    fprintf(stream, "%-44s %6s %7s %10s %8s %8s %19s\n", "each row adds", "NFE", "refine", "ms/image", "x before", "x first", "Fréchet distance");
    double first = of(compare, 0, MEMBER(seconds)).mean, before = first;
    for (int i = 0; i < compare->rows; i++) {
        double seconds = of(compare, i, MEMBER(seconds)).mean;
        rf_spread distance = of(compare, i, MEMBER(frechet));
        double refined = of(compare, i, MEMBER(refined)).mean;
        fprintf(stream, "%-44.60s %6.1f %7.1f %10.3f %8.2f %8.2f", compare->row[i].label, of(compare, i, MEMBER(nfe)).mean - refined, refined, 1000 * seconds,
                before / seconds, first / seconds);
        if (!isnan(distance.mean)) fprintf(stream, " %9.3f", distance.mean);
        if (!isnan(distance.deviation)) fprintf(stream, " +-%-7.3f %s", distance.deviation, verdict(compare, i));
        fputc('\n', stream);
        before = seconds;
    }
}

/* Name, ms, distance, its deviation. */
static void write_rows(const rf_compare *compare, FILE *stream) {
    for (int i = 0; i < compare->rows; i++) {
        rf_spread distance = of(compare, i, MEMBER(frechet));
        fprintf(stream, "%d \"%s\" %g %g %g\n", i, compare->row[i].label, 1000 * of(compare, i, MEMBER(seconds)).mean, distance.mean,
                rf__compare_bar(distance));
    }
}

static const char script[] =
    "set terminal pngcairo size WIDTH,800 font 'sans,10'\nset output 'waterfall.png.part'\nset datafile missing 'nan'\n"
    "set multiplot layout 2,1\nset style fill solid 0.6\nset boxwidth 0.6\nunset key\nset grid y\nset lmargin 10\nset rmargin RIGHT\n"
    "set logscale y\nset ylabel 'milliseconds an image'\nset xtics format ''\nset bmargin 1\nset xrange [-0.6:LAST+0.6]\n"
    "set yrange [*:3*FIRST]\n"
    "plot 'waterfall.dat' using 1:3 with boxes lc rgb '#4477aa', '' using 1:3:(sprintf(\"%.3g ms\\nx%.3g\", $3, FIRST/$3)) with labels offset 0,1.8\n"
    "unset logscale y\nset yrange [0:*]\nset ylabel 'Fréchet distance to data'\nset xtics rotate by -25 format '%s'\nset bmargin 9\n"
    "plot 'waterfall.dat' using 1:4:xtic(2) with boxes lc rgb '#ccbb44', '' using 1:4:5 with yerrorbars lc black pt 7 ps 0.6\n"
    "unset multiplot\nset output\n";

/* Pixels: room for "81.2 ms" over each bar. */
static int width(const rf_compare *compare) {
    int wanted = 160 + 72 * (int)compare->rows;
    return wanted > 1100 ? wanted : 1100;
}

/* Room on the right, in gnuplot's character widths of 8 pixels: a name begins under its bar and hangs to the lower right, at 25 degrees
 * 6.4 pixels a letter. */
static int right_margin(const rf_compare *compare) {
    double need = 8 * 8, bar = (width(compare) - 10 * 8 - need) / (compare->rows + 0.2);
    for (int i = 0; i < compare->rows; i++)
        need = fmax(need, 6.4 * (double)strlen(compare->row[i].label) + 8 - (compare->rows - 1 - i + 0.6) * bar);
    return (int)ceil(fmin(need, 400) / 8);
}

bool rf__compare_waterfall_draw(const rf_compare *compare, const char *folder) {
    char text[sizeof script + 96];
    snprintf(text, sizeof text, "WIDTH = %d\nLAST = %d\nFIRST = %g\nRIGHT = %d\n%s", width(compare), compare->rows - 1, 1000 * of(compare, 0, MEMBER(seconds)).mean,
             right_margin(compare), script);
    return rf__compare_figure(compare, folder, "waterfall", write_rows, text);
}
