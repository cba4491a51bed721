/* latent.h - what `strait invert` leaves and `strait generate --init-latent` begins from: a safetensors file with `latent` [n, H, W, C] f32,
 * `carry` of the same shape when the solver undoes itself with it, and how they were made as JSON under "strait.latent". */
#ifndef RF_CLI_LATENT_H
#define RF_CLI_LATENT_H
#include <jansson.h>

#include "../models/model.h"

#define RF_LATENT_KEY "strait.latent"

typedef struct rf_latents {
    int64_t count;
    float *x, *carry; /* [count, height, width, channels]; carry NULL: none */
    json_t *facts;    /* owned: model_sha256, sampling_method, times, cfg_scale, class_labels [count] */
} rf_latents;

/* errors: RF_EFORMAT when it is no such file, RF_EMISMATCH when the latents are not of this shape. */
rf_status rf__latents_read(rf_latents *out, const char *path, const rf_model_shape *shape);
/* Atomic. */
rf_status rf__latents_write(const rf_latents *latents, const char *path, const rf_model_shape *shape);
void rf__latents_fini(rf_latents *latents);
/* Class of latent k, -1: none. */
int32_t rf__latents_label(const rf_latents *latents, int64_t k);

#endif
