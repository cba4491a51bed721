/* form.h - what a network's answer means. Everything outside src/models speaks velocity at (x, t) of the path x = (1-t) x0 + t x1; a network may be one
 * that other people trained to take the noise off pictures, and is then a velocity teacher by what stands here: sampled, straightened, started from
 * (rectified-flow.md section 5; rf++'s "the EDM model is the 1-RF").
 *
 *   velocity  v = F(x, t)
 *   edm       Karras et al. 2022, arXiv 2206.00364: D(y; s) = c_skip y + c_out F(c_in y; ln(s)/4) with y = x/t, s = (1-t)/t, v = (D - x)/(1-t). Written
 *             out, the divisions by t and by 1-t cancel: with den = (1-t)^2 + t^2 sd^2
 *               v = ((t sd^2 - (1-t)) / den) x + (sd / sqrt(den)) F(x / sqrt(den); ln(s)/4),
 *             finite on all of [0,1]; the first term is the exact velocity of data N(0, sd^2).
 *   vp        Song et al. 2021, arXiv 2011.13456: noise prediction F(scale x; tau), beta 0.1 to 20; v = (x - F)/t.
 * Past the least or greatest noise that a network was trained for, it is asked at that noise. */
#ifndef RF_FORM_H
#define RF_FORM_H
#include "../graph/graph.h"
#include "../io/fields.h"

typedef enum rf_form { RF_FORM_VELOCITY, RF_FORM_EDM, RF_FORM_VP } rf_form;
extern const char *const rf__form_names[]; /* in the order of the enum; NULL-terminated */

/* Settings of every kind of network that other people train too. */
typedef struct rf_form_config {
    int form; /* rf_form */
    double sigma_data, sigma_least, sigma_most;
} rf_form_config;

/* Their four lines of a field table; `at` is the offset of the rf_form_config. */
#define RF_FORM_FIELDS(at)                                                                                                              \
    {"form", RF_FIELD_CHOICE, (at) + offsetof(rf_form_config, form), "velocity", 0, 0, rf__form_names,                                  \
     "what the network answers: a velocity; as EDM's inner network; edm; the noise, at score_sde's times: vp"},                         \
    {"sigma_data", RF_FIELD_FLOAT, (at) + offsetof(rf_form_config, sigma_data), "0.5", 1e-3, 1e3, NULL, "edm: spread of its pictures"}, \
    {"sigma_least", RF_FIELD_FLOAT, (at) + offsetof(rf_form_config, sigma_least), "0.002", 1e-9, 1, NULL, "edm: least noise it knows"}, \
    {"sigma_most", RF_FIELD_FLOAT, (at) + offsetof(rf_form_config, sigma_most), "80", 1, 1e9, NULL, "edm: greatest noise it knows"}

/* What the network is asked in place of x (like x) and t [B]. */
void rf__form_ask(rf_graph *graph, const rf_form_config *form, rf_node **x, rf_node **t);
/* Its answer as a velocity, f32. x, t: those of the path. */
rf_node *rf__form_velocity(rf_graph *graph, const rf_form_config *form, rf_node *answer, rf_node *x, rf_node *t);

typedef struct rf_edm_fold {
    double skip, out, in; /* v = skip x + out F(in x) */
    double noise;         /* what F is told instead of t */
} rf_edm_fold;
rf_edm_fold rf__edm_fold(double t, double sigma_data, double sigma_least, double sigma_most);

/* Where a variance-preserving network stands at our t: its time tau in [0,1] (beyond 1 where t is below RF_VP_LEAST) and x_vp = scale x_t. */
typedef struct rf_vp_place {
    double tau, scale;
} rf_vp_place;
rf_vp_place rf__vp_place(double t);
#define RF_VP_LEAST 0.0065288 /* t of tau = 1 */

#endif
