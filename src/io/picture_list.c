/* picture_list.c - see picture_list.h. */
#include "picture_list.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define FILES_LIMIT 10000000

static bool is_picture(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

static rf_status add(rf_picture_list *list, const char *directory, const char *name, int32_t label) {
    if (list->count == list->room) {
        int64_t wanted = list->room ? 2 * list->room : 256;
        char **paths = realloc(list->path, (size_t)wanted * sizeof *paths);
        if (paths) list->path = paths;
        int32_t *labels = realloc(list->label, (size_t)wanted * sizeof *labels);
        if (labels) list->label = labels;
        if (!paths || !labels || wanted > FILES_LIMIT) return rf__fail(RF_ENOMEM, "%s: too many pictures", directory);
        list->room = wanted;
    }
    size_t room = strlen(directory) + strlen(name) + 2;
    char *path = malloc(room);
    if (!path) return rf__fail(RF_ENOMEM, "%s: no memory", directory);
    snprintf(path, room, "%s/%s", directory, name);
    list->path[list->count] = path;
    list->label[list->count++] = label;
    return RF_OK;
}

static bool is_directory(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* Pictures of one directory, by name. */
static rf_status scan(rf_picture_list *list, const char *directory, int32_t label) {
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
static rf_status scan_classes(rf_picture_list *list, const char *directory) {
    struct dirent **entries;
    int count = scandir(directory, &entries, NULL, alphasort);
    if (count < 0) return rf__fail(RF_ENOTFOUND, "%s: cannot be read as a folder", directory);
    rf_status status = RF_OK;
    list->names = calloc((size_t)count + 1, sizeof *list->names);
    if (!list->names) status = rf__fail(RF_ENOMEM, "%s: no memory for its %d entries", directory, count);
    for (int i = 0; i < count; i++) {
        char path[4400];
        snprintf(path, sizeof path, "%.4000s/%s", directory, entries[i]->d_name);
        if (status == RF_OK && entries[i]->d_name[0] != '.' && is_directory(path)) {
            status = scan(list, path, list->classes);
            if (!(list->names[list->classes] = strdup(entries[i]->d_name))) status = rf__fail(RF_ENOMEM, "%s: no memory", directory);
            list->classes++;
        }
        free(entries[i]);
    }
    free(entries);
    return status == RF_OK && list->classes == 0 ? scan(list, directory, 0) : status;
}

rf_status rf__picture_list_read(rf_picture_list *list, const char *directory) {
    if (!is_directory(directory)) return rf__fail(RF_EIO, "%s: is not a folder", directory);
    rf_status status = scan_classes(list, directory);
    if (status == RF_OK && list->count == 0) status = rf__fail(RF_EFORMAT, "%s: has no PNG or JPEG pictures", directory);
    if (status != RF_OK) rf__picture_list_fini(list);
    return status;
}

void rf__picture_list_fini(rf_picture_list *list) {
    for (int i = 0; list->names && i < list->classes; i++) free(list->names[i]);
    for (int64_t i = 0; i < list->count; i++) free(list->path[i]);
    free(list->names);
    free(list->path);
    free(list->label);
    *list = (rf_picture_list){0};
}
