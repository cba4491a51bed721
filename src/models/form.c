/* form.c - see form.h. */
#include "form.h"

#include <math.h>

const char *const rf__form_names[] = {"velocity", "edm", "vp", NULL};

rf_edm_fold rf__edm_fold(double t, double sigma_data, double sigma_least, double sigma_most) {
    double left = 1 - t, den = left * left + t * t * sigma_data * sigma_data, root = sqrt(den);
    double sigma = t > 0 ? left / t : INFINITY, known = fmin(fmax(sigma, sigma_least), sigma_most);
    return (rf_edm_fold){.skip = (t * sigma_data * sigma_data - left) / den, .out = sigma_data / root, .in = 1 / root, .noise = log(known) / 4};
}

rf_vp_place rf__vp_place(double t) {
    const double least = 0.1, slope = 19.9; /* beta(tau) = 0.1 + 19.9 tau */
    double left = 1 - t;
    /* sqrt(b^2 + 2 s L) - b over s with L = ln(1 + sigma^2), as a quotient that keeps its digits when L is small. */
    double l = t > 0 ? log1p(left * left / (t * t)) : INFINITY, root = sqrt(least * least + 2 * slope * l);
    return (rf_vp_place){.tau = t > 0 ? 2 * l / (root + least) : INFINITY, .scale = 1 / sqrt(t * t + left * left)};
}

/* ---- the same as functions of a row's time; with: sigma_data, least, most ---- */

static rf_edm_fold fold(double t, const float *with) { return rf__edm_fold(t, (double)with[0], (double)with[1], (double)with[2]); }
static double edm_skip(double t, const float *with) { return fold(t, with).skip; }
static double edm_out(double t, const float *with) { return fold(t, with).out; }
static double edm_in(double t, const float *with) { return fold(t, with).in; }
static double edm_noise(double t, const float *with) { return fold(t, with).noise; }

static double vp_in(double t, const float *with) {
    (void)with;
    return rf__vp_place(t).scale;
}

static double vp_tau(double t, const float *with) {
    (void)with;
    return fmin(rf__vp_place(t).tau, 1);
}

static double vp_skip(double t, const float *with) {
    (void)with;
    return 1 / fmax(t, RF_VP_LEAST);
}

static double vp_out(double t, const float *with) { return -vp_skip(t, with); }

/* v = skip x + out F(in x; noise), each of them a function of t; NULL: v = F(x; t). */
static const struct form_maps { rf_time_map in, noise, skip, out; } forms[] = {
    [RF_FORM_VELOCITY] = {NULL, NULL, NULL, NULL},
    [RF_FORM_EDM] = {edm_in, edm_noise, edm_skip, edm_out},
    [RF_FORM_VP] = {vp_in, vp_tau, vp_skip, vp_out},
};

static rf_node *mapped(rf_graph *graph, const rf_form_config *form, rf_node *t, rf_time_map of) {
    return rf__time_map(graph, t, of, (float[5]){(float)form->sigma_data, (float)form->sigma_least, (float)form->sigma_most});
}

void rf__form_ask(rf_graph *graph, const rf_form_config *form, rf_node **x, rf_node **t) {
    const struct form_maps *maps = &forms[form->form];
    if (!maps->in) return;
    *x = rf__scale_rows(graph, *x, mapped(graph, form, *t, maps->in));
    *t = mapped(graph, form, *t, maps->noise);
}

rf_node *rf__form_velocity(rf_graph *graph, const rf_form_config *form, rf_node *answer, rf_node *x, rf_node *t) {
    const struct form_maps *maps = &forms[form->form];
    if (!maps->skip) return answer;
    rf_node *known = rf__scale_rows(graph, x, mapped(graph, form, t, maps->skip));
    return rf__add(graph, known, rf__scale_rows(graph, rf__to_f32(graph, answer), mapped(graph, form, t, maps->out)));
}
