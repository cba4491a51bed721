/* gallery.c - pictures to files. */
#include "gallery.h"

#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../io/png_text.h"
#include "claims.h"
#include "outpath.h"

/* Every picture has a file of its own, which nothing else here reads or writes. total: of the orders without an output of theirs. */
static rf_status claim_files(const rf_gallery *gallery, rf_claims *claims, int order_count, int64_t total) {
    RF_TRY(rf__claims_read(claims, gallery->model_path, "--model"));
    RF_TRY(rf__claims_read(claims, gallery->refiner_path, "--refiner"));
    RF_TRY(rf__claims_read(claims, gallery->requests_path, "--requests"));
    RF_TRY(rf__claims_write(claims, gallery->report_path, 1, "--json"));
    for (int i = 0; i < order_count; i++) RF_TRY(rf__claims_read(claims, gallery->orders[i].target_path, "--guidance-target"));
    if (total) RF_TRY(rf__claims_write(claims, gallery->pattern, gallery->columns ? 1 : total, "--output"));
    for (int i = 0; i < order_count; i++) {
        const rf_order *order = &gallery->orders[i];
        char who[32];
        snprintf(who, sizeof who, "request %d", i + 1);
        if (!order->output) continue;
        rf_status status = rf__outpath_check(order->output, order->count > 1, NULL);
        if (status == RF_OK) status = rf__outpath_prepare(order->output);
        if (status != RF_OK) return rf__fail_in(status, "%s: ", who);
        RF_TRY(rf__claims_write(claims, order->output, order->count, who));
    }
    return RF_OK;
}

static rf_frame frame_of(const rf_gallery *gallery) {
    return (rf_frame){&rf__sampler_model(gallery->sampler)->shape, gallery->columns, gallery->zoom};
}

rf_status rf__gallery_open(rf_gallery *gallery, int order_count, int64_t total) {
    rf_frame frame = frame_of(gallery);
    int64_t shared = 0; /* names of the pattern: numbered through the run, those of orders with an output of their own stay free */
    for (int i = 0; i < order_count; i++)
        if (!gallery->orders[i].output) shared = total;
    if (shared) {
        RF_TRY(rf__outpath_check(gallery->pattern, total > 1 && !gallery->columns, "--grid"));
        RF_TRY(rf__outpath_prepare(gallery->pattern));
    }
    rf_claims claims = {0};
    rf_status status = claim_files(gallery, &claims, order_count, shared);
    rf__claims_fini(&claims);
    RF_TRY(status);
    if (gallery->columns) return rf__picture_create(&gallery->grid, &frame, total);
    /* Says now, not after the sampling, that a model makes no pictures. */
    rf_image probe;
    RF_TRY(rf__picture_create(&probe, &frame, 1));
    rf__image_free(&probe);
    return RF_OK;
}

static rf_status put_bytes(const char *path, const uint8_t *bytes, size_t size) {
    if (strcmp(path, "-") != 0) return rf__file_write(path, bytes, size);
    if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout) != 0)
        return rf__fail(RF_EIO, "writing the picture to stdout failed");
    return RF_OK;
}

static rf_status save(const rf_gallery *gallery, const rf_image *picture, const rf_stamp *stamp,
                      const char *path) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    RF_TRY(rf__gallery_encode(picture, gallery->plain ? NULL : stamp, &bytes, &size));
    rf_status status = put_bytes(path, bytes, size);
    free(bytes);
    return status;
}

static rf_stamp stamp_of(const rf_gallery *gallery, int order, int64_t k) {
    return (rf_stamp){.order = &gallery->orders[order],
                      .k = k,
                      .columns = gallery->columns,
                      .zoom = gallery->zoom,
                      .sampler = gallery->sampler,
                      .model_path = gallery->model_path,
                      .refiner_path = gallery->refiner_path};
}

static rf_status take_single(const rf_gallery *gallery, const rf_shot *shot, const char *path) {
    rf_frame frame = frame_of(gallery);
    rf_stamp stamp = stamp_of(gallery, shot->order, shot->k);
    rf_image picture;
    RF_TRY(rf__picture_create(&picture, &frame, 1));
    rf__picture_put(&picture, &frame, shot->x, 0);
    rf_status status = save(gallery, &picture, &stamp, path);
    rf__image_free(&picture);
    return status;
}

rf_status rf__gallery_take(void *user, const rf_shot *shot) {
    rf_gallery *gallery = user;
    rf_frame frame = frame_of(gallery);
    const char *own = gallery->orders[shot->order].output;
    char *path = own ? rf__outpath_name(own, shot->k) : rf__outpath_name(gallery->pattern, shot->index);
    if (!path) return rf__fail(RF_ENOMEM, "no memory for a file name");
    rf_status status = RF_OK;
    if (gallery->columns)
        rf__picture_put(&gallery->grid, &frame, shot->x, shot->k);
    else
        status = take_single(gallery, shot, path);
    if (status == RF_OK && gallery->images) {
        json_t *json = rf__shot_json(shot);
        json_object_set_new(json, "output", json_string(path));
        json_array_append_new(gallery->images, json);
    }
    rf__debug("%s: seed %llu, class %d, %lld network answers, %.3f s", path, (unsigned long long)shot->seed,
              shot->label, (long long)(shot->counters.nfe_full + shot->counters.nfe_refine), shot->seconds);
    free(path);
    return status;
}

rf_status rf__gallery_finish(rf_gallery *gallery) {
    if (!gallery->columns) return RF_OK;
    rf_stamp stamp = stamp_of(gallery, 0, 0);
    const char *pattern = gallery->orders[0].output ? gallery->orders[0].output : gallery->pattern;
    char *path = rf__outpath_name(pattern, 0);
    if (!path) return rf__fail(RF_ENOMEM, "no memory for a file name");
    rf_status status = save(gallery, &gallery->grid, &stamp, path);
    free(path);
    return status;
}

void rf__gallery_close(rf_gallery *gallery) {
    rf__image_free(&gallery->grid);
}

rf_status rf__gallery_encode(const rf_image *picture, const rf_stamp *stamp, uint8_t **bytes, size_t *size) {
    if (!stamp) return rf__png_encode(picture, NULL, 0, bytes, size);
    json_t *stamped = rf__stamp_json(stamp);
    char *json = stamped ? json_dumps(stamped, JSON_COMPACT) : NULL,
         *parameters = rf__stamp_parameters(stamp);
    json_decref(stamped);
    const rf_png_text texts[] = {{RF_PNG_PARAMETERS_KEY, parameters}, {RF_PNG_JSON_KEY, json}};
    rf_status status = json && parameters ? rf__png_encode(picture, texts, 2, bytes, size)
                                          : rf__fail(RF_ENOMEM, "no memory for the texts of a picture");
    free(json);
    free(parameters);
    return status;
}
