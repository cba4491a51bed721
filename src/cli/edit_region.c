/* edit_region.c - see edit_region.h. */
#include "edit_region.h"

#include "../base/file.h"
#include "../base/memory.h"

static int64_t pixels_of(const rf_edit_run *run) { return run->scalars / rf__sampler_model(run->sampler)->shape.channels; }

static rf_picture_shape shape_of(const rf_edit_run *run) {
    const rf_model_shape *s = &rf__sampler_model(run->sampler)->shape;
    return (rf_picture_shape){s->height, s->width, s->channels};
}

/* White is 1; colours are averaged. One picture serves all. */
static rf_status read_picture(rf_edit_region *region, const rf_edit_run *run) {
    const rf_model_shape *s = &rf__sampler_model(run->sampler)->shape;
    float *x = NULL;
    RF_TRY(rf__picture_read(&x, s, region->how));
    for (int64_t i = 0; i < run->count * run->scalars; i++)
        region->inside[i / s->channels] += (x[i % run->scalars] + 1) / 2 / (float)s->channels;
    rf__free(x);
    return RF_OK;
}

static rf_status make_all(rf_edit_region *region, const rf_edit_run *run, rf_features *judge) {
    const rf_region *entry = rf__region_find(region->how);
    if (!entry) return rf__fail_in(RF_EINVAL, "--region: ");
    for (int64_t k = 0; k < run->count; k++) {
        const rf_region_case of = {shape_of(run), run->x + k * run->scalars, run->source[k], judge};
        rf_status status = rf__region_make(entry, &of, region->inside + k * pixels_of(run));
        if (status != RF_OK) return rf__fail_in(status, "--region: ");
    }
    return RF_OK;
}

rf_status rf__edit_region_open(rf_edit_region *region, const rf_edit_run *run, const char *how, rf_features *judge) {
    const int64_t n = run->count * pixels_of(run);
    *region = (rf_edit_region){.how = how, .inside = rf__alloc_array((size_t)n, sizeof *region->inside)};
    if (!region->inside) return rf__fail(RF_ENOMEM, "no memory for %lld regions", (long long)run->count);
    RF_TRY(rf__file_exists(how) ? read_picture(region, run) : make_all(region, run, judge));
    for (int64_t i = 0; i < n; i++) region->share += (double)region->inside[i] / (double)n;
    return RF_OK;
}

void rf__edit_region_close(rf_edit_region *region) {
    rf__free(region->inside);
    *region = (rf_edit_region){0};
}

/* One part of one picture. part [pixels], room [scalars]: scratch. */
static rf_status add(rf_paired *marks, const rf_edit_run *run, int64_t k, const float *part, rf_perceptual *perceptual, float *room) {
    const rf_picture_shape s = shape_of(run);
    const float *edit = rf__edit_result(run->edits[k], RF_EDIT_SAMPLE), *source = run->x + k * run->scalars;
    const int64_t before = marks->count;
    float distance;
    RF_TRY(rf__paired_add_inside(marks, edit, source, part, s.height, s.width, s.channels));
    if (!perceptual || marks->count == before) return RF_OK;
    rf__region_paste(part, edit, source, s, room);
    RF_TRY(rf__perceptual_run(perceptual, 1, s.height, s.width, s.channels, room, source, &distance));
    marks->perceptual += (double)distance;
    marks->perceived++;
    return RF_OK;
}

rf_status rf__edit_region_compare(rf_edit_region *region, const rf_edit_run *run, rf_perceptual *perceptual) {
    const int64_t pixels = pixels_of(run);
    float *part = rf__alloc_array((size_t)pixels, sizeof *part), *room = rf__alloc_array((size_t)run->scalars, sizeof *room);
    rf_status status = part && room ? RF_OK : rf__fail(RF_ENOMEM, "no memory for a region");
    for (int64_t k = 0; status == RF_OK && k < 2 * run->count; k++) {
        const float *inside = region->inside + k / 2 * pixels;
        for (int64_t i = 0; i < pixels; i++) part[i] = k % 2 ? inside[i] : 1 - inside[i];
        status = add(&region->marks[k % 2], run, k / 2, part, perceptual, room);
    }
    rf__free(part);
    rf__free(room);
    return status;
}

json_t *rf__edit_region_json(const rf_edit_region *region, const char *lpips) {
    return json_pack("{s:s, s:f, s:o, s:o}", "how", region->how, "share", region->share, "inside", rf__paired_json(&region->marks[1], lpips), "outside",
                     rf__paired_json(&region->marks[0], lpips));
}

void rf__edit_region_show(const rf_edit_region *region, const rf_edit_run *run, int64_t k, float *x) {
    const int channels = rf__sampler_model(run->sampler)->shape.channels;
    const float faded = 0.3f; /* outside, towards grey: that shows on black too */
    for (int64_t i = 0; i < run->scalars; i++)
        x[i] = run->x[k * run->scalars + i] * (faded + (1 - faded) * region->inside[k * pixels_of(run) + i / channels]);
}
