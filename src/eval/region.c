/* region.c - see region.h. */
#include "region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/table.h"

/* ---- object: what is brighter than the background ---- */

enum { AROUND = 2 };               /* pixels */
static const float ABOVE = 0.2f;   /* of the darkest value; a tenth of the range */

static bool is_object(const rf_region_case *of, const float *darkest, int y, int x) {
    const rf_picture_shape *s = &of->shape;
    if (y < 0 || x < 0 || y >= s->height || x >= s->width) return false;
    for (int k = 0; k < s->channels; k++)
        if (of->x[((int64_t)y * s->width + x) * s->channels + k] > darkest[k] + ABOVE) return true;
    return false;
}

static bool near_object(const rf_region_case *of, const float *darkest, int y, int x) {
    for (int i = -AROUND; i <= AROUND; i++)
        for (int j = -AROUND; j <= AROUND; j++)
            if (is_object(of, darkest, y + i, x + j)) return true;
    return false;
}

static rf_status object_make(const rf_region_case *of, float *inside) {
    const rf_picture_shape *s = &of->shape;
    const int64_t pixels = (int64_t)s->height * s->width;
    float *darkest = rf__alloc_array((size_t)s->channels, sizeof *darkest);
    if (!darkest) return rf__fail(RF_ENOMEM, "no memory for a region");
    memcpy(darkest, of->x, (size_t)s->channels * sizeof *darkest);
    for (int64_t i = 0; i < pixels * s->channels; i++) darkest[i % s->channels] = fminf(darkest[i % s->channels], of->x[i]);
    for (int64_t i = 0; i < pixels; i++) inside[i] = near_object(of, darkest, (int)(i / s->width), (int)(i % s->width)) ? 1 : 0;
    rf__free(darkest);
    return RF_OK;
}

/* ---- occlusion: what the judge needs to see the class ---- */

/* Squares of a quarter of the picture, half a square apart, the last at the end. */
typedef struct squares {
    int side, step, across, down;
} squares;

static int places(int length, const squares *q) { return (length - q->side + q->step - 1) / q->step + 1; }

static squares squares_of(const rf_picture_shape *s) {
    int shorter = s->height < s->width ? s->height : s->width;
    squares q = {.side = shorter / 4 > 1 ? shorter / 4 : 1};
    q.step = q.side / 2 > 1 ? q.side / 2 : 1;
    q.down = places(s->height, &q), q.across = places(s->width, &q);
    return q;
}

static int begin(int place, int length, const squares *q) {
    int at = place * q->step;
    return at < length - q->side ? at : length - q->side;
}

/* Copies of the picture, each with one square in the picture's mean colour. */
static void hide(const rf_region_case *of, const squares *q, const double *mean, float *copies) {
    const rf_picture_shape *s = &of->shape;
    const int64_t scalars = (int64_t)s->height * s->width * s->channels;
    for (int p = 0; p < q->down * q->across; p++) {
        float *copy = copies + p * scalars;
        int top = begin(p / q->across, s->height, q), left = begin(p % q->across, s->width, q);
        memcpy(copy, of->x, (size_t)scalars * sizeof *copy);
        for (int i = 0; i < q->side * q->side * s->channels; i++) {
            int k = i % s->channels, x = left + i / s->channels % q->side, y = top + i / s->channels / q->side;
            copy[((int64_t)y * s->width + x) * s->channels + k] = (float)mean[k];
        }
    }
}

static double log_chance(const float *logits, int classes, int label) {
    double most = (double)logits[0], sum = 0;
    for (int i = 1; i < classes; i++) most = fmax(most, (double)logits[i]);
    for (int i = 0; i < classes; i++) sum += exp((double)logits[i] - most);
    return (double)logits[label] - most - log(sum);
}

typedef struct loss {
    double value;
    int64_t pixel;
} loss;

/* Greatest first; equal ones in the order of their pixels. */
static int by_loss(const void *a, const void *b) {
    const loss *x = a, *y = b;
    if (x->value > y->value) return -1;
    if (x->value < y->value) return 1;
    return (x->pixel > y->pixel) - (x->pixel < y->pixel);
}

/* The half of the pixels that cost the class most. logits of the copies; a pixel has the mean of the squares over it. */
static void take_half(const rf_region_case *of, const squares *q, const float *logits, int classes, loss *losses, float *inside) {
    const rf_picture_shape *s = &of->shape;
    const int64_t pixels = (int64_t)s->height * s->width;
    for (int64_t i = 0; i < pixels; i++) {
        int covering = 0;
        losses[i] = (loss){0, i};
        for (int p = 0; p < q->down * q->across; p++) {
            int y = (int)(i / s->width) - begin(p / q->across, s->height, q), x = (int)(i % s->width) - begin(p % q->across, s->width, q);
            if (y < 0 || x < 0 || y >= q->side || x >= q->side) continue;
            losses[i].value -= log_chance(logits + p * classes, classes, of->label);
            covering++;
        }
        losses[i].value /= covering;
    }
    qsort(losses, (size_t)pixels, sizeof *losses, by_loss);
    for (int64_t i = 0; i < pixels; i++) inside[losses[i].pixel] = i < pixels / 2 ? 1 : 0;
}

static rf_status occlusion_make(const rf_region_case *of, float *inside) {
    const rf_picture_shape *s = &of->shape;
    const rf_features_info judge = rf__features_describe(of->judge);
    const int64_t pixels = (int64_t)s->height * s->width;
    const squares q = squares_of(s);
    const size_t n = (size_t)(q.down * q.across);
    float *copies = rf__alloc_array(n * (size_t)(pixels * s->channels), sizeof *copies), *logits = rf__alloc_array(n * (size_t)judge.classes, sizeof *logits);
    float *features = rf__alloc_array(n * (size_t)judge.feature_width, sizeof *features);
    double *mean = rf__alloc_array((size_t)s->channels, sizeof *mean);
    loss *losses = rf__alloc_array((size_t)pixels, sizeof *losses);
    rf_status status = copies && logits && features && mean && losses ? RF_OK : rf__fail(RF_ENOMEM, "no memory for a region");
    if (status == RF_OK) {
        for (int64_t i = 0; i < pixels * s->channels; i++) mean[i % s->channels] += (double)of->x[i] / (double)pixels;
        hide(of, &q, mean, copies);
        status = rf__features_run(of->judge, *s, copies, (int64_t)n, features, logits);
    }
    if (status == RF_OK) take_half(of, &q, logits, judge.classes, losses, inside);
    rf__free(copies);
    rf__free(logits);
    rf__free(features);
    rf__free(mean);
    rf__free(losses);
    return status;
}

/* ---- the table ---- */

static const rf_region object = {"object", "strait", "what is brighter than the darkest value, and 2 pixels around it: objects on black", false, object_make};
static const rf_region occlusion = {"occlusion", "Zeiler and Fergus 2014, arXiv 1311.2901, section 4.2",
                                    "the half of the pixels that the judge needs most to see the source's class: it loses most when they are hidden",
                                    true, occlusion_make};

static const rf_region *const all[] = {&object, &occlusion, NULL};

const rf_region *const *rf__regions(void) { return all; }

const rf_region *rf__region_find(const char *name) { RF_TABLE_FIND(all, "region", name); }

rf_status rf__region_make(const rf_region *region, const rf_region_case *of, float *inside) {
    if (!region->judged) return region->make(of, inside);
    if (!of->judge) return rf__fail(RF_EINVAL, "region %s asks a judge and there is none, expected a classifier", region->name);
    RF_TRY(rf__features_check(of->judge, of->shape));
    int classes = rf__features_describe(of->judge).classes;
    if (of->label < 0 || of->label >= classes)
        return rf__fail(RF_EINVAL, "region %s: the picture's class is %d, expected one of the judge's %d", region->name, of->label, classes);
    return region->make(of, inside);
}

void rf__region_paste(const float *inside, const float *x, const float *y, rf_picture_shape shape, float *out) {
    for (int64_t i = 0; i < (int64_t)shape.height * shape.width * shape.channels; i++) {
        float share = inside[i / shape.channels];
        out[i] = share * x[i] + (1 - share) * y[i];
    }
}
