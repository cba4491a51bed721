/* stages.c - see stages.h: the tables of upsamplers and of noise, what makes a list of stages whole, and the step from one to the next. */
#include "stages.h"

#include <math.h>
#include <string.h>

#include "../base/rng.h"
#include "../base/table.h"
#include "schedule.h"

/* ---- upsamplers: separable, pixel centres, edges repeated ---- */

static int clamp(int i, int n) { return i < 0 ? 0 : i < n ? i : n - 1; }

typedef double (*weight_at)(double distance);

/* out at (y, x) is the sum over the 2r x 2r input pixels around it. */
static void resample(const float *in, rf_extent from, float *out, rf_extent to, int radius, weight_at weight) {
    double sy = (double)from.height / to.height, sx = (double)from.width / to.width;
    int c = from.channels;
    for (int y = 0; y < to.height; y++)
        for (int x = 0; x < to.width; x++) {
            double fy = (y + 0.5) * sy - 0.5, fx = (x + 0.5) * sx - 0.5, sums[64] = {0};
            int y0 = (int)floor(fy) - radius + 1, x0 = (int)floor(fx) - radius + 1;
            for (int j = y0; j < y0 + 2 * radius; j++)
                for (int i = x0; i < x0 + 2 * radius; i++) {
                    double w = weight(fy - j) * weight(fx - i);
                    const float *pixel = in + ((int64_t)clamp(j, from.height) * from.width + clamp(i, from.width)) * c;
                    for (int k = 0; k < c; k++) sums[k] += w * (double)pixel[k];
                }
            for (int k = 0; k < c; k++) out[((int64_t)y * to.width + x) * c + k] = (float)sums[k];
        }
}

static double tent(double d) {
    d = fabs(d);
    return d < 1 ? 1 - d : 0;
}

/* a = -0.5: Catmull-Rom, which is what image libraries call bicubic (torch has -0.75). */
static double cubic(double d) {
    const double a = -0.5;
    d = fabs(d);
    if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static void copy(const float *in, rf_extent from, float *out) {
    memcpy(out, in, (size_t)from.height * (size_t)from.width * (size_t)from.channels * sizeof *in);
}

static bool same_size(rf_extent a, rf_extent b) { return a.height == b.height && a.width == b.width; }

static void bicubic(const float *in, rf_extent from, float *out, rf_extent to) {
    if (same_size(from, to)) copy(in, from, out);
    else resample(in, from, out, to, 2, cubic);
}

static void bilinear(const float *in, rf_extent from, float *out, rf_extent to) {
    if (same_size(from, to)) copy(in, from, out);
    else resample(in, from, out, to, 1, tent);
}

static void nearest(const float *in, rf_extent from, float *out, rf_extent to) {
    int c = from.channels;
    for (int y = 0; y < to.height; y++)
        for (int x = 0; x < to.width; x++) {
            const float *pixel = in + ((int64_t)(y * from.height / to.height) * from.width + x * from.width / to.width) * c;
            memcpy(out + ((int64_t)y * to.width + x) * c, pixel, (size_t)c * sizeof *out);
        }
}

static const rf_upsampler by_cubic = {"bicubic", "Keys 1981", "piecewise cubic, sharp edges overshoot a little", bicubic},
                          by_line = {"bilinear", "", "straight between pixels", bilinear}, by_copy = {"nearest", "", "each pixel a square", nearest};
static const rf_upsampler *const upsamplers[] = {&by_cubic, &by_line, &by_copy, NULL};

static const rf_renoise fresh = {"fresh", "", "new noise of the same seed", true},
                        estimated = {"estimated", "", "the noise as seen from where the stage before was left; for stages of one size", false};
static const rf_renoise *const renoises[] = {&fresh, &estimated, NULL};

const rf_upsampler *const *rf__upsamplers(void) { return upsamplers; }
const rf_upsampler *rf__upsampler_find(const char *name) { RF_TABLE_FIND(upsamplers, "upsampler", name); }
const rf_renoise *rf__renoise_find(const char *name) { RF_TABLE_FIND(renoises, "noise", name); }

/* ---- a list of stages ---- */

static int64_t count_of(rf_extent e) { return (int64_t)e.height * e.width * e.channels; }

static rf_status check_one(const rf_stage *s, int number, double end, int64_t scalars) {
    if (!s->field || !s->blocks || !s->times || !s->upsampler || !s->renoise)
        return rf__fail(RF_EINVAL, "stage %d has no field, blocks, grid, upsampler or noise, expected all of them", number);
    RF_TRY(rf__grid_check(s->times, s->steps));
    double begin = s->times[0];
    if (!(begin > 0 && begin < 1)) return rf__fail(RF_EINVAL, "stage %d re-noises to t = %g, expected inside (0, 1)", number, begin);
    if (begin > end + 1e-12)
        return rf__fail(RF_EINVAL, "stage %d begins at t = %g and the one before ends at %g: nobody walks between", number, begin, end);
    if (count_of(s->from) != scalars || count_of(s->to) != s->field->scalars || s->from.channels != s->to.channels || s->to.channels > 64)
        return rf__fail(RF_EMISMATCH, "stage %d goes from %dx%dx%d to %dx%dx%d, its network takes %lld scalars and the one before %lld", number,
                        s->from.height, s->from.width, s->from.channels, s->to.height, s->to.width, s->to.channels, (long long)s->field->scalars,
                        (long long)scalars);
    if (s->refiner && s->refiner->scalars != s->field->scalars)
        return rf__fail(RF_EMISMATCH, "stage %d: refiner has %lld scalars a row, the network %lld", number, (long long)s->refiner->scalars,
                        (long long)s->field->scalars);
    if (s->field->windows) return rf__fail(RF_EINVAL, "stage %d: its model is straight in windows only, expected one that is everywhere", number);
    const rf_field *r = s->refiner;
    rf_status status = rf__blocks_check(s->blocks, s->times, s->steps, r != NULL, r ? r->gap_least : 0, r ? r->gap_most : 0);
    return status == RF_OK ? RF_OK : rf__fail_in(status, "stage %d: ", number);
}

rf_status rf__stages_check(const rf_stage *stages, int count, double end, int64_t scalars) {
    if (count > RF_MAX_STAGES_OF_A_WALK) return rf__fail(RF_EINVAL, "%d stages, expected at most %d", count + 1, RF_MAX_STAGES_OF_A_WALK);
    for (int i = 0; i < count; i++) {
        RF_TRY(check_one(&stages[i], i + 2, end, scalars));
        end = stages[i].times[stages[i].steps];
        scalars = stages[i].field->scalars;
    }
    if (end != 1) return rf__fail(RF_EINVAL, "the last stage ends at t = %g, expected 1 (data)", end);
    return RF_OK;
}

int64_t rf__stages_calls(const rf_stage *stages, int first, int count) {
    int64_t sum = 0;
    for (int i = first; i < count; i++) {
        rf_block_calls calls = rf__blocks_calls(stages[i].blocks, 0, stages[i].steps, false);
        sum += calls.network + calls.refiner + (i + 1 < count && stages[i].times[stages[i].steps] < 1);
    }
    return sum;
}

void rf__stage_enter(const rf_stage *stage, int index, uint64_t seed, double t, float *x, float *velocity, float *room, float *out) {
    int64_t n = count_of(stage->from), m = count_of(stage->to);
    float left = (float)(1 - t), a = (float)stage->times[0], b = (float)(1 - stage->times[0]);
    for (int64_t i = 0; i < n && velocity; i++) {
        float v = velocity[i];
        velocity[i] = x[i] - (float)t * v; /* noise as seen from here */
        x[i] += left * v;                  /* data */
    }
    if (stage->renoise->fresh || !velocity)
        rf__rng_normal_sample(seed, (uint32_t)(RF_STREAM_STAGE + index), 0, m, room);
    else
        stage->upsampler->apply(velocity, stage->from, room, stage->to);
    stage->upsampler->apply(x, stage->from, out, stage->to);
    for (int64_t i = 0; i < m; i++) out[i] = b * room[i] + a * out[i];
}
