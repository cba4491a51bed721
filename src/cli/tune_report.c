/* tune_report.c - the cost and quality of skipping as a table, as JSON and as a picture. */
#include <math.h>
#include <string.h>

#include "../base/file.h"
#include "../base/gnuplot.h"
#include "tune.h"
#include "report.h"

static void cell(FILE *stream, const char *format, double value) {
    char text[32];
    if (isnan(value)) snprintf(text, sizeof text, "-");
    else snprintf(text, sizeof text, format, value);
    fprintf(stream, " %9s", text);
}

/* How many requests column i of six has seen; of fewer than six, some columns have the same. */
static int64_t seen_by(int64_t requests, int i) {
    const int64_t seen = requests * i / 6;
    return seen > 0 ? seen : 1;
}

static void print_curves(const rf_tune *tune, FILE *stream) {
    if (tune->curves == 0) return;
    fprintf(stream, "\nRegret so far at e_tol %g, and network calls of the last requests (a tenth of all):\n%-24s", tune->tolerance, "");
    for (int i = 1; i <= 6; i++) fprintf(stream, " %9lld", (long long)seen_by(tune->requests, i));
    fprintf(stream, "%11s\n", "calls");
    for (int c = 0; c < tune->curves; c++) {
        const rf_tune_curve *curve = &tune->curve[c];
        char name[64];
        snprintf(name, sizeof name, "%s, %s", curve->policy, curve->start);
        fprintf(stream, "%-24s", name);
        for (int i = 1; i <= 6; i++) cell(stream, "%.1f", curve->regret[seen_by(curve->requests, i) - 1]);
        int64_t tail = curve->requests / 10 ? curve->requests / 10 : 1;
        double sum = 0;
        for (int64_t i = curve->requests - tail; i < curve->requests; i++) sum += curve->calls[i];
        fprintf(stream, "%11.1f\n", sum / (double)tail);
    }
}

void rf__tune_print(const rf_tune *tune, FILE *stream) {
    const rf_profile *p = tune->profile;
    fprintf(stream, "%-22s %9s %9s %9s | %9s %9s %9s | %9s %9s %9s\n", "", "calls", "fewer", "predicted", "rel", "bound", "held out", "psnr", "bound",
            "held out");
    for (int i = 0; i < p->rungs; i++) {
        const rf_profile_rung *r = &p->rung[i];
        const rf_tune_held *h = &tune->held[i];
        char name[64];
        snprintf(name, sizeof name, "%s %.3g", r->policy, r->value);
        fprintf(stream, "%-22s", name);
        cell(stream, "%.2f", r->calls);
        cell(stream, "%.2fx", p->steps / r->calls);
        cell(stream, "%.4f", r->predicted);
        for (int m = RF_BUDGET_REL; m <= RF_BUDGET_PSNR; m++) {
            fputs(" |", stream);
            cell(stream, m ? "%.2f" : "%.4f", r->mean[m]);
            cell(stream, m ? "%.2f" : "%.4f", r->bound[m]);
            cell(stream, "%.1f%%", 100 * h->broke[m]);
        }
        fputc('\n', stream);
    }
    fprintf(stream,
            "rel, psnr: mean distance to heun in %lld steps of %lld images; bound: what at most a tenth of all images break, at 95 %% confidence;\n"
            "held out: share of %lld other images that broke it. predicted: sum of the jumps' expected errors, from %lld full walks.\n",
            (long long)tune->reference_steps, (long long)tune->images, (long long)tune->held_images, (long long)p->walks);
    print_curves(tune, stream);
}

static json_t *by_name(const double values[RF_BUDGETS]) {
    json_t *json = json_object();
    for (int m = 0; m < RF_BUDGETS; m++) json_object_set_new(json, rf__budget_names[m], rf__report_number(values[m]));
    return json;
}

static json_t *curve_json(const rf_tune_curve *curve) {
    json_t *regret = json_array(), *calls = json_array();
    for (int64_t i = 0; i < curve->requests; i++) {
        json_array_append_new(regret, rf__report_number(curve->regret[i]));
        json_array_append_new(calls, rf__report_number(curve->calls[i]));
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "policy", curve->policy, "start", curve->start, "regret", regret, "calls", calls);
}

json_t *rf__tune_json(const rf_tune *tune) {
    json_t *rungs = json_array(), *curves = json_array();
    for (int i = 0; i < tune->profile->rungs; i++) {
        const rf_profile_rung *r = &tune->profile->rung[i];
        const rf_tune_held *h = &tune->held[i];
        json_array_append_new(rungs, json_pack("{s:s, s:f, s:f, s:o, s:o, s:o, s:f, s:o, s:o}", "policy", r->policy, "value", r->value, "calls", r->calls,
                                               "predicted", rf__report_number(r->predicted), "mean", by_name(r->mean), "bound", by_name(r->bound), "held_calls",
                                               h->calls, "held_mean", by_name(h->mean), "held_broke", by_name(h->broke)));
    }
    for (int i = 0; i < tune->curves; i++) json_array_append_new(curves, curve_json(&tune->curve[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:f, s:o, s:o}", "version", RF_VERSION, "model_sha256", tune->profile->key.model,
                     "solver", tune->profile->key.solver, "guidance", tune->profile->key.guidance, "steps", tune->profile->steps, "walks",
                     (json_int_t)tune->profile->walks, "images", (json_int_t)tune->images, "held_images", (json_int_t)tune->held_images,
                     "reference_steps", (json_int_t)tune->reference_steps, "e_tol", tune->tolerance, "settings", rungs, "learning", curves);
}

/* ---- picture ---- */

static void write_settings(const rf_tune *tune, FILE *stream) {
    for (int p = 0; p < tune->policies; p++) {
        fprintf(stream, "\"%s\"\n", tune->policy[p]->name);
        for (int i = 0; i < tune->profile->rungs; i++) {
            const rf_profile_rung *r = &tune->profile->rung[i];
            if (strcmp(r->policy, tune->policy[p]->name) == 0)
                fprintf(stream, "%g %g %g %g %g\n", r->calls, r->mean[0], r->bound[0], tune->held[i].mean[0], r->predicted);
        }
        fputs("\n\n", stream);
    }
}

static void write_curves(const rf_tune *tune, FILE *stream) {
    for (int c = 0; c < tune->curves; c++) {
        fprintf(stream, "\"%s, %s\"\n", tune->curve[c].policy, tune->curve[c].start);
        for (int64_t i = 0; i < tune->curve[c].requests; i++) fprintf(stream, "%lld %g\n", (long long)i + 1, tune->curve[c].regret[i]);
        fputs("\n\n", stream);
    }
}

static bool write_data(const rf_tune *tune, const char *folder, const char *name, void (*fill)(const rf_tune *, FILE *)) {
    char path[4096];
    rf_writer *writer;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (rf__writer_open(&writer, path) != RF_OK) return false;
    fill(tune, rf__writer_stream(writer));
    return rf__writer_commit(&writer) == RF_OK;
}

bool rf__tune_draw(const rf_tune *tune, const char *folder) {
    char script[2000];
    int fewest = rf__profile_fewest(tune->profile);
    if (!write_data(tune, folder, "tune.dat", write_settings) || !write_data(tune, folder, "regret.dat", write_curves)) return false;
    int used = snprintf(script, sizeof script,
                        "set terminal pngcairo size %d,500 font 'sans,10'\nset output 'tune.png.part'\nset grid\nset datafile missing 'nan'\n"
                        "set multiplot layout 1,%d\nset logscale xy\nset xrange [%d:%d]\nset xlabel 'network calls'\nset ylabel 'relative distance to the fine solve'\n"
                        "plot for [i=0:%d] 'tune.dat' index i using 1:2 with linespoints lc i+1 title columnheader(1), "
                        "for [i=0:%d] '' index i using 1:4 with points pt 6 lc i+1 title (i ? '' : 'held out'), '' index 0 using 1:5 with lines dt 2 title 'predicted'\n",
                        tune->curves ? 1200 : 640, tune->curves ? 2 : 1, fewest - 1, tune->profile->steps + 5, tune->policies - 1, tune->policies - 1);
    if (tune->curves)
        snprintf(script + used, sizeof script - (size_t)used,
                 "unset logscale\nset autoscale x\nset xlabel 'requests'\nset ylabel 'regret so far'\nset key left top\n"
                 "plot for [i=0:%d] 'regret.dat' index i using 1:2 with lines title columnheader(1)\n",
                 tune->curves - 1);
    const char *const pictures[] = {"tune.png", NULL};
    return rf__gnuplot(folder, script, pictures);
}
