/* dataset_folder.c - a folder of PNG and JPEG pictures of one size; sub-folders, in alphabetic order, are the classes. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "dataset.h"
#include "image.h"

#define FILES_LIMIT 10000000

typedef struct found {
    char **paths;
    int32_t *labels;
    int64_t count, room;
} found;

static bool is_picture(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

static rf_status add(found *list, const char *directory, const char *name, int32_t label) {
    if (list->count == list->room) {
        int64_t wanted = list->room ? 2 * list->room : 256;
        char **paths = realloc(list->paths, (size_t)wanted * sizeof *paths);
        if (paths) list->paths = paths;
        int32_t *labels = realloc(list->labels, (size_t)wanted * sizeof *labels);
        if (labels) list->labels = labels;
        if (!paths || !labels || wanted > FILES_LIMIT) return rf__fail(RF_ENOMEM, "%s: too many pictures", directory);
        list->room = wanted;
    }
    size_t room = strlen(directory) + strlen(name) + 2;
    char *path = malloc(room);
    if (!path) return rf__fail(RF_ENOMEM, "%s: no memory", directory);
    snprintf(path, room, "%s/%s", directory, name);
    list->paths[list->count] = path;
    list->labels[list->count++] = label;
    return RF_OK;
}

static bool is_directory(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* Pictures of one directory, by name. */
static rf_status scan(found *list, const char *directory, int32_t label) {
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, alphasort);
    if (count < 0) return rf__fail(RF_ENOTFOUND, "%s: cannot be read as a folder", directory);
    rf_status status = RF_OK;
    for (int i = 0; i < count; i++) {
        if (status == RF_OK && is_picture(entries[i]->d_name)) status = add(list, directory, entries[i]->d_name, label);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* Sub-folders are classes; without any, the folder itself is one unlabelled set. */
static rf_status scan_classes(found *list, const char *directory, char ***names, int *classes) {
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, alphasort);
    if (count < 0) return rf__fail(RF_ENOTFOUND, "%s: cannot be read as a folder", directory);
    rf_status status = RF_OK;
    *names = calloc((size_t)count + 1, sizeof **names);
    if (!*names) status = rf__fail(RF_ENOMEM, "%s: no memory for its %d entries", directory, count);
    for (int i = 0; i < count; i++) {
        char path[4400];
        snprintf(path, sizeof path, "%.4000s/%s", directory, entries[i]->d_name);
        if (status == RF_OK && entries[i]->d_name[0] != '.' && is_directory(path)) {
            status = scan(list, path, *classes);
            if (!((*names)[*classes] = strdup(entries[i]->d_name))) status = rf__fail(RF_ENOMEM, "%s: no memory", directory);
            ++*classes;
        }
        free(entries[i]);
    }
    free(entries);
    return status == RF_OK && *classes == 0 ? scan(list, directory, 0) : status;
}

static rf_status load(rf_dataset *out, const found *list, int classes) {
    for (int64_t i = 0; i < list->count; i++) {
        rf_image image;
        RF_TRY(rf__image_read(&image, list->paths[i], i ? out->channels : 0));
        rf_status status = RF_OK;
        if (i == 0) {
            int channels = image.channels == 1 ? 1 : 3;
            status = rf__dataset_alloc(out, list->count, image.height, image.width, channels, classes);
            rf__image_free(&image);
            RF_TRY(status);
            RF_TRY(rf__image_read(&image, list->paths[i], channels));
        }
        size_t size = (size_t)out->height * (size_t)out->width * (size_t)out->channels;
        if (image.width != out->width || image.height != out->height)
            status = rf__fail(RF_EMISMATCH, "%s: has %dx%d pixels, the first picture has %dx%d", list->paths[i], image.width,
                              image.height, out->width, out->height);
        else memcpy(out->pixels + (size_t)i * size, image.pixels, size);
        if (out->labels) out->labels[i] = list->labels[i];
        rf__image_free(&image);
        RF_TRY(status);
    }
    return RF_OK;
}

static rf_status read_folder(rf_dataset *out, const char *directory, const rf_dataset_spec *spec) {
    found list = {0};
    char **names = NULL;
    int classes = 0;
    if (!spec->path || !*spec->path) return rf__fail(RF_ENOTFOUND, "%s: a folder has no usual place", directory);
    if (!is_directory(directory)) return rf__fail(RF_EIO, "%s: is not a folder", directory);
    rf_status status = scan_classes(&list, directory, &names, &classes);
    if (status == RF_OK && list.count == 0) status = rf__fail(RF_EFORMAT, "%s: has no PNG or JPEG pictures", directory);
    if (status == RF_OK && spec->limit > 0 && spec->limit < list.count) {
        for (int64_t i = spec->limit; i < list.count; i++) free(list.paths[i]);
        list.count = spec->limit;
    }
    if (status == RF_OK) status = load(out, &list, classes);
    if (status == RF_OK && classes) status = rf__dataset_names(out, (const char *const *)names);
    for (int i = 0; names && i < classes; i++) free(names[i]);
    for (int64_t i = 0; i < list.count; i++) free(list.paths[i]);
    free(names);
    free(list.paths);
    free(list.labels);
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
