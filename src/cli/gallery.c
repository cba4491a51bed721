/* gallery.c - pictures to files. */
#include "gallery.h"

#include <string.h>

#include "../base/file.h"
#include "../base/log.h"
#include "outpath.h"

static rf_status prepare_order(const rf_order *order) {
    RF_TRY(rf__outpath_check(order->output, order->count > 1));
    return rf__outpath_prepare(order->output);
}

rf_status rf__gallery_open(rf_gallery *gallery, int order_count, int64_t total) {
    const rf_model_shape *shape = &rf__sampler_model(gallery->sampler)->shape;
    bool shared = false;
    for (int i = 0; i < order_count; i++) {
        if (gallery->orders[i].output)
            RF_TRY(prepare_order(&gallery->orders[i]));
        else
            shared = true;
    }
    if (shared) {
        RF_TRY(rf__outpath_check(gallery->pattern, total > 1 && !gallery->columns));
        RF_TRY(rf__outpath_prepare(gallery->pattern));
    }
    if (gallery->columns)
        return rf__picture_create_grid(&gallery->grid, shape->width, shape->height, shape->channels, total,
                                       gallery->columns);
    /* Says now, not after the sampling, that a model makes no pictures. */
    rf_picture probe;
    RF_TRY(rf__picture_create(&probe, shape->width, shape->height, shape->channels));
    rf__picture_fini(&probe);
    return RF_OK;
}

static rf_status put_bytes(const char *path, const char *bytes, size_t size) {
    if (strcmp(path, "-") != 0) return rf__file_write(path, bytes, size);
    if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout) != 0)
        return rf__fail(RF_EIO, "writing the picture to stdout failed");
    return RF_OK;
}

static rf_status save(const rf_gallery *gallery, const rf_picture *picture, const rf_stamp *stamp,
                      const char *path) {
    char *bytes = NULL;
    size_t size = 0;
    RF_TRY(rf__gallery_encode(picture, gallery->plain ? NULL : stamp, &bytes, &size));
    rf_status status = put_bytes(path, bytes, size);
    free(bytes);
    return status;
}

static rf_status take_single(rf_gallery *gallery, const rf_shot *shot, const char *path) {
    const rf_model_shape *shape = &rf__sampler_model(gallery->sampler)->shape;
    rf_stamp stamp = {.order = &gallery->orders[shot->order],
                      .k = shot->k,
                      .sampler = gallery->sampler,
                      .model_path = gallery->model_path};
    rf_picture picture;
    RF_TRY(rf__picture_create(&picture, shape->width, shape->height, shape->channels));
    rf__picture_put(&picture, shot->x, shape->width, shape->height, 0, 0);
    rf_status status = save(gallery, &picture, &stamp, path);
    rf__picture_fini(&picture);
    return status;
}

rf_status rf__gallery_take(void *user, const rf_shot *shot) {
    rf_gallery *gallery = user;
    const rf_model_shape *shape = &rf__sampler_model(gallery->sampler)->shape;
    const char *own = gallery->orders[shot->order].output;
    char *path = own ? rf__outpath_name(own, shot->k) : rf__outpath_name(gallery->pattern, shot->index);
    if (!path) return rf__fail(RF_ENOMEM, "no memory for a file name");
    rf_status status = RF_OK;
    if (gallery->columns)
        rf__picture_put(&gallery->grid, shot->x, shape->width, shape->height, gallery->columns, shot->k);
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
    rf_stamp stamp = {.order = &gallery->orders[0],
                      .columns = gallery->columns,
                      .sampler = gallery->sampler,
                      .model_path = gallery->model_path};
    const char *pattern = gallery->orders[0].output ? gallery->orders[0].output : gallery->pattern;
    char *path = rf__outpath_name(pattern, 0);
    if (!path) return rf__fail(RF_ENOMEM, "no memory for a file name");
    rf_status status = save(gallery, &gallery->grid, &stamp, path);
    free(path);
    return status;
}

void rf__gallery_close(rf_gallery *gallery) {
    rf__picture_fini(&gallery->grid);
}
