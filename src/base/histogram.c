/* histogram.c - cells of equal width on the logarithm. */
#include "histogram.h"

#include <math.h>

#define LEAST 1e-6
#define GROWTH 0.0227 /* of the natural logarithm, a cell: 1024 of them reach 1e-6 * e^23.2 = 12 000 s */

static int cell_of(double seconds) {
    if (!(seconds > LEAST)) return 0;
    double cell = log(seconds / LEAST) / GROWTH;
    return cell < RF_HISTOGRAM_CELLS - 1 ? (int)cell : RF_HISTOGRAM_CELLS - 1;
}

void rf__histogram_add(rf_histogram *histogram, double seconds) {
    if (histogram->count == 0 || seconds < histogram->least) histogram->least = seconds;
    if (histogram->count == 0 || seconds > histogram->most) histogram->most = seconds;
    histogram->count++;
    histogram->sum += seconds;
    histogram->cell[cell_of(seconds)]++;
}

double rf__histogram_at(const rf_histogram *histogram, double fraction) {
    int64_t wanted = (int64_t)ceil(fraction * (double)histogram->count), seen = 0;
    if (histogram->count == 0) return 0;
    if (wanted < 1) wanted = 1;
    int cell = 0;
    while (cell < RF_HISTOGRAM_CELLS - 1 && (seen += histogram->cell[cell]) < wanted) cell++;
    double upper = LEAST * exp(GROWTH * (cell + 1));
    return upper < histogram->least ? histogram->least : upper > histogram->most ? histogram->most : upper;
}

double rf__histogram_mean(const rf_histogram *histogram) {
    return histogram->count ? histogram->sum / (double)histogram->count : 0;
}
