/* dataset_folder.c - a folder of PNG and JPEG pictures of one size; sub-folders, in alphabetic order, are the classes;
 * two of them called train and test are splits, with folders of classes inside or none. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/log.h"
#include "dataset.h"
#include "image.h"
#include "picture_list.h"

static rf_status load(rf_dataset *out, const rf_picture_list *list, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        rf_image image;
        RF_TRY(rf__image_read(&image, list->path[i], i ? out->channels : 0));
        rf_status status = RF_OK;
        if (i == 0) {
            int channels = image.channels == 1 ? 1 : 3;
            status = rf__dataset_alloc(out, count, image.height, image.width, channels, list->classes);
            rf__image_free(&image);
            RF_TRY(status);
            RF_TRY(rf__image_read(&image, list->path[i], channels));
        }
        size_t size = (size_t)out->height * (size_t)out->width * (size_t)out->channels;
        if (image.width != out->width || image.height != out->height)
            status = rf__fail(RF_EMISMATCH, "%s: has %dx%d pixels, the first picture has %dx%d", list->path[i], image.width,
                              image.height, out->width, out->height);
        else memcpy(out->pixels + (size_t)i * size, image.pixels, size);
        if (out->labels) out->labels[i] = list->label[i];
        rf__image_free(&image);
        RF_TRY(status);
    }
    return RF_OK;
}

static bool has_folder(const char *directory, const char *name) {
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* DIRECTORY/train and DIRECTORY/test where there are such folders; else all of it is both. */
static rf_status choose_split(char path[4096], const char *directory, const char *split) {
    bool parts = has_folder(directory, "train") && has_folder(directory, "test");
    if (!parts && !strcmp(split, "test")) rf__warn("%s: has no folders train and test, so its test split is all of it", directory);
    int size = snprintf(path, 4096, parts ? "%s/%s" : "%s", directory, split);
    return size < 4096 ? RF_OK : rf__fail(RF_EINVAL, "%s: the path is too long", directory);
}

static rf_status read_folder(rf_dataset *out, const char *directory, const rf_dataset_spec *spec) {
    rf_picture_list list = {0};
    char path[4096];
    if (!spec->path || !*spec->path) return rf__fail(RF_ENOTFOUND, "%s: a folder has no usual place", directory);
    RF_TRY(choose_split(path, directory, spec->split));
    RF_TRY(rf__picture_list_read(&list, path));
    int64_t count = spec->limit > 0 && spec->limit < list.count ? spec->limit : list.count;
    rf_status status = load(out, &list, count);
    if (status == RF_OK && list.classes) status = rf__dataset_names(out, (const char *const *)list.names);
    rf__picture_list_fini(&list);
    return status;
}

const rf_dataset_kind rf__dataset_folder = {
    .name = "folder",
    .source = "yours",
    .help = "a folder of PNG or JPEG pictures of one size; sub-folders are classes",
    .how_to_get = "Give a folder of pictures with data.path",
    .places = NULL,
    .read = read_folder,
};
