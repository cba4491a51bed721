/* perceptual.h - running LPIPS and its like on many pairs of pictures. */
#ifndef RF_EVAL_PERCEPTUAL_H
#define RF_EVAL_PERCEPTUAL_H
#include "../models/features/lpips.h"

typedef struct rf_perceptual rf_perceptual;

/* One of rf__lpips_all with its two files. dtype: of activations; pool: borrowed, may be NULL. any_file: see rf__feature_open. */
rf_status rf__perceptual_open(rf_perceptual **out, const char *name, const char *backbone_path, const char *heads_path, bool any_file, rf_dtype dtype,
                              rf_pool *pool);
void rf__perceptual_close(rf_perceptual **perceptual);
/* Name, and checksums of the two files, for reports. Borrowed. */
const rf_lpips *rf__perceptual_entry(const rf_perceptual *perceptual);
const char *rf__perceptual_sha256(const rf_perceptual *perceptual, bool heads);

/* distance [n] of pictures a and b, [n,height,width,channels] f32 in [-1,1], as they are; one channel is read as gray. */
rf_status rf__perceptual_run(rf_perceptual *perceptual, int64_t n, int height, int width, int channels, const float *a, const float *b, float *distance);

#endif
