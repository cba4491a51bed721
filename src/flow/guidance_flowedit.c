/* guidance_flowedit.c - editing without inversion: the state is the edited picture itself, and it moves by what the target's velocity has
 * over the source's at two points of equal noise (Kulikov et al. 2024, FlowEdit, arXiv 2412.08629, algorithm 1 with n_avg = 1):
 *
 *   z_src = (1-t) e + t y;   z_tar = x + z_src - y;   dx/dt = v(z_tar, target) - v(z_src, source)
 *
 * Two rows an answer, or three and four when a scale is not 1. The noise e is a function of (seed, t), so that asking again asks the same. */
#include <math.h>

#include "../base/rng.h"
#include "guidance.h"

enum { STREAM_EDIT = 112 }; /* base/rng.h: method-specific streams start at 64 */

static int rows(const rf_guidance_opts *opts, const rf_guide *guide, double t, rf_row out[RF_MAX_GUIDANCE_ROWS]) {
    (void)guide, (void)t;
    int count = 0;
    out[count++] = RF_ROW_COND;
    if (opts->scale != 1) out[count++] = RF_ROW_NULL;
    out[count++] = RF_ROW_SOURCE;
    if (opts->source_scale != 1) out[count++] = RF_ROW_SOURCE_NULL;
    return count;
}

static void place(const rf_guidance_opts *opts, rf_row row, int64_t n, const float *x, double t, float *out) {
    const float *y = opts->target, noise = (float)(1 - t), data = (float)t;
    bool source = row == RF_ROW_SOURCE || row == RF_ROW_SOURCE_NULL;
    rf__rng_normal_sample(opts->seed, STREAM_EDIT, (uint64_t)llround(t * 1048576), n, out);
    for (int64_t i = 0; i < n; i++) {
        float z = noise * out[i] + data * y[i];
        out[i] = source ? z : z + (x[i] - y[i]); /* z itself when nothing has changed yet */
    }
}

static void combine(const rf_guidance_opts *opts, rf_guide *guide, int64_t n, const float *x, double t, int count, const float *const *answers,
                    float *v) {
    (void)guide, (void)x, (void)t;
    bool two = opts->scale != 1;
    const float *c = answers[0], *cu = answers[two], *s = answers[1 + two], *su = answers[count - 1];
    float scale = (float)opts->scale, source_scale = (float)opts->source_scale;
    for (int64_t i = 0; i < n; i++) {
        float target = two ? cu[i] + scale * (c[i] - cu[i]) : c[i];
        float source = opts->source_scale != 1 ? su[i] + source_scale * (s[i] - su[i]) : s[i];
        v[i] = target - source;
    }
}

static rf_status check(const rf_guidance_opts *opts) {
    if (!isfinite(opts->scale) || !isfinite(opts->source_scale))
        return rf__fail(RF_EINVAL, "guidance scales are %g and %g, expected finite numbers", opts->scale, opts->source_scale);
    if (!opts->target) return rf__fail(RF_EINVAL, "guidance 'flowedit' has no target, expected the picture to edit");
    return RF_OK;
}

const rf_guidance rf__guidance_flowedit = {
    .name = "flowedit",
    .source = "FlowEdit, Kulikov et al. 2024, arXiv 2412.08629",
    .help = "target's velocity less the source's at points of equal noise, two to four rows; used by strait edit",
    .steers = true,
    .edits = true,
    .rows = rows,
    .place = place,
    .combine = combine,
    .check = check,
};
