/* edm.h - diffusion teachers as velocity fields, for reflow from other people's models (Karras et al. 2022, arXiv 2206.00364; Song et al.
 * 2021, arXiv 2011.13456).
 *
 * EDM's denoiser is D(y; sigma) = c_skip y + c_out F(c_in y; c_noise) with y = x_t / t and sigma = (1-t)/t, and the velocity is (D - x_t)/(1-t).
 * Written out, divisions by t and by 1-t cancel: with den = (1-t)^2 + t^2 sd^2
 *   v = ((t sd^2 - (1-t)) / den) x + (sd / sqrt(den)) F(x / sqrt(den); ln(sigma)/4)
 * which is finite on all of [0,1]; the first term is the exact velocity of data N(0, sd^2). */
#ifndef RF_EDM_H
#define RF_EDM_H
#include "../flow/field.h"

typedef struct rf_edm_fold {
    double skip, out, in; /* v = skip x + out F(in x) */
    double noise;         /* what F is told instead of t */
} rf_edm_fold;

/* sigma_data: of the teacher's training (0.5). noise is clamped to ln(sigma)/4 for sigma in [sigma_least, sigma_most], where the teacher was trained
 * (0.002 and 80): outside it is asked at the nearest level it knows. */
rf_edm_fold rf__edm_fold(double t, double sigma_data, double sigma_least, double sigma_most);

/* A network F [rows, scalars] asked at (in x, noise) as a velocity field; borrowed and must outlive it. */
typedef struct rf_edm_teacher {
    rf_field network;
    double sigma_data, sigma_least, sigma_most;
} rf_edm_teacher;
rf_field rf__edm_field(rf_edm_teacher *teacher);

/* Where a variance-preserving teacher (score_sde, beta 0.1 to 20) stands at our t: its time tau in [0,1] and x_vp = scale x_t; v = (x_t - eps)/t
 * from its noise prediction, or from its data prediction where t is small. */
typedef struct rf_vp_place {
    double tau, scale;
} rf_vp_place;
rf_vp_place rf__vp_place(double t);

#endif
