/* dataset.c - the table of sets, and what all formats share. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "image.h"

#define PIXELS_LIMIT ((uint64_t)16 << 30)

extern const rf_dataset_kind rf__dataset_fashion, rf__dataset_mnist, rf__dataset_cifar10, rf__dataset_emoji, rf__dataset_folder;

const rf_dataset_kind *const *rf__dataset_kinds(void) {
    static const rf_dataset_kind *const kinds[] = {&rf__dataset_fashion, &rf__dataset_mnist, &rf__dataset_cifar10, &rf__dataset_emoji,
                                                   &rf__dataset_folder, NULL};
    return kinds;
}

rf_status rf__dataset_alloc(rf_dataset *dataset, int64_t count, int height, int width, int channels, int classes) {
    uint64_t each = (uint64_t)height * (uint64_t)width * (uint64_t)channels;
    if (count < 1 || height < 1 || width < 1 || height > 4096 || width > 4096 || channels < 1 || channels > 4 ||
        (uint64_t)count > PIXELS_LIMIT / each)
        return rf__fail(RF_EFORMAT, "a set of %lld pictures of %dx%dx%d, expected at least one and at most 16 GiB", (long long)count,
                        height, width, channels);
    dataset->count = count;
    dataset->height = height;
    dataset->width = width;
    dataset->channels = channels;
    dataset->classes = classes;
    dataset->pixels = rf__alloc_array((size_t)count, (size_t)each);
    dataset->labels = classes ? rf__alloc_array((size_t)count, sizeof *dataset->labels) : NULL;
    if (!dataset->pixels || (classes && !dataset->labels))
        return rf__fail(RF_ENOMEM, "no memory for %lld pictures of %dx%dx%d", (long long)count, height, width, channels);
    return RF_OK;
}

rf_status rf__dataset_names(rf_dataset *dataset, const char *const *names) {
    dataset->class_names = calloc((size_t)dataset->classes + 1, sizeof *dataset->class_names);
    for (int i = 0; dataset->class_names && i < dataset->classes; i++)
        if (!(dataset->class_names[i] = strdup(names[i]))) return rf__fail(RF_ENOMEM, "no memory for class names");
    return dataset->class_names ? RF_OK : rf__fail(RF_ENOMEM, "no memory for class names");
}

void rf__dataset_free(rf_dataset **dataset_pointer) {
    rf_dataset *dataset = dataset_pointer ? *dataset_pointer : NULL;
    if (!dataset) return;
    for (int i = 0; dataset->class_names && i < dataset->classes; i++) free(dataset->class_names[i]);
    free(dataset->class_names);
    rf__free(dataset->pixels);
    rf__free(dataset->labels);
    free(dataset);
    *dataset_pointer = NULL;
}

static const rf_dataset_kind *find_kind(const char *name) {
    char list[256] = "";
    for (const rf_dataset_kind *const *kind = rf__dataset_kinds(); *kind; kind++) {
        if (!strcmp((*kind)->name, name)) return *kind;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", (*kind)->name);
    }
    rf__fail(RF_ENOTFOUND, "data set is \"%.60s\", expected one of %s", name, list);
    return NULL;
}

/* Try the named directory, or the usual ones in turn. */
static rf_status read_somewhere(rf_dataset *dataset, const rf_dataset_kind *kind, const rf_dataset_spec *spec) {
    char place[4096];
    const char *home = getenv("STRAIT_DATA");
    if (spec->path && *spec->path) {
        rf_status status = kind->read(dataset, spec->path, spec);
        return status == RF_ENOTFOUND ? rf__fail(RF_ENOTFOUND, "%s: does not hold %s. %s", spec->path, kind->name, kind->how_to_get)
                                      : status;
    }
    for (int i = -2; i < 0 || (kind->places && kind->places[i]); i++) {
        if (i == -2 && !home) continue;
        if (i == -2) snprintf(place, sizeof place, "%s/%s", home, kind->name);
        else snprintf(place, sizeof place, "%s%s", i == -1 ? "data/" : "", i == -1 ? kind->name : kind->places[i]);
        rf_status status = kind->read(dataset, place, spec);
        if (status != RF_ENOTFOUND) return status;
    }
    return rf__fail(RF_ENOTFOUND, "data set %s was not found in $STRAIT_DATA/%s, data/%s or the system's directory. %s", kind->name,
                    kind->name, kind->name, kind->how_to_get);
}

/* Only the pictures of the classes in "5,7,9"; the numbers of classes stay as they are. */
static rf_status keep_classes(rf_dataset *set, const char *list) {
    bool wanted[256] = {false};
    for (const char *at = list;; at++) {
        char *end;
        long class = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || class < 0 || class >= set->classes || class >= 256)
            return rf__fail(RF_EINVAL, "classes are \"%.40s\", expected numbers 0 .. %d with commas", list, set->classes - 1);
        wanted[class] = true;
        if (!*end) break;
        at = end;
    }
    int64_t kept = 0, bytes = (int64_t)set->height * set->width * set->channels;
    for (int64_t i = 0; i < set->count; i++) {
        if (set->labels[i] < 0 || set->labels[i] > 255 || !wanted[set->labels[i]]) continue;
        memmove(set->pixels + kept * bytes, set->pixels + i * bytes, (size_t)bytes);
        set->labels[kept++] = set->labels[i];
    }
    set->count = kept;
    return kept ? RF_OK : rf__fail(RF_EINVAL, "classes are \"%.40s\", and the set has no picture of them", list);
}

rf_status rf__dataset_open(rf_dataset **out, const rf_dataset_spec *asked) {
    *out = NULL;
    char split[16] = "train";
    const char *classes = asked->split ? strchr(asked->split, ':') : NULL;
    if (asked->split) snprintf(split, sizeof split, "%.*s", (int)strcspn(asked->split, ":"), asked->split);
    const rf_dataset_spec own = {asked->name, asked->path, split, asked->limit}, *spec = &own;
    const rf_dataset_kind *kind = find_kind(spec->name);
    if (!kind) return RF_ENOTFOUND;
    if (strcmp(split, "train") && strcmp(split, "test"))
        return rf__fail(RF_EINVAL, "split is \"%.40s\", expected train or test", asked->split);
    rf_dataset *dataset = calloc(1, sizeof *dataset);
    if (!dataset) return rf__fail(RF_ENOMEM, "no memory for a data set");
    snprintf(dataset->name, sizeof dataset->name, "%s", kind->name);
    rf_status status = read_somewhere(dataset, kind, spec);
    if (status != RF_OK) {
        rf__dataset_free(&dataset);
        return status;
    }
    if (spec->limit > 0 && spec->limit < dataset->count) dataset->count = spec->limit;
    if (classes && !dataset->labels) status = rf__fail(RF_EINVAL, "split is \"%.40s\", and %s has no classes", asked->split, kind->name);
    else if (classes) status = keep_classes(dataset, classes + 1);
    if (status != RF_OK) rf__dataset_free(&dataset);
    *out = dataset;
    return status;
}

void rf__dataset_image(const rf_dataset *dataset, int64_t index, bool flip, float *out) {
    int w = dataset->width, ch = dataset->channels;
    const uint8_t *from = dataset->pixels + index * dataset->height * w * ch;
    for (int y = 0; y < dataset->height; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < ch; c++) *out++ = rf__pixel_to_f32(from[(y * w + (flip ? w - 1 - x : x)) * ch + c]);
}

/* Pixel (y, x) of a smaller picture: the mean of dy x dx pixels, in whole numbers so that it is the same everywhere. */
static void average(const rf_dataset *from, const uint8_t *picture, int dy, int dx, int y, int x, uint8_t *to) {
    int channels = from->channels, half = dy * dx / 2;
    for (int c = 0; c < channels; c++) {
        int sum = 0;
        for (int i = 0; i < dy; i++)
            for (int k = 0; k < dx; k++) sum += picture[((y * dy + i) * from->width + x * dx + k) * channels + c];
        to[c] = (uint8_t)((sum + half) / (dy * dx));
    }
}

rf_status rf__dataset_smaller(rf_dataset **out, const rf_dataset *dataset, int height, int width) {
    *out = NULL;
    if (height < 1 || width < 1 || dataset->height % height || dataset->width % width)
        return rf__fail(RF_EINVAL, "%s has pictures of %dx%d, expected a divisor instead of %dx%d", dataset->name, dataset->width, dataset->height, width, height);
    rf_dataset *small = calloc(1, sizeof *small);
    if (!small) return rf__fail(RF_ENOMEM, "no memory for a data set");
    snprintf(small->name, sizeof small->name, "%s", dataset->name);
    rf_status status = rf__dataset_alloc(small, dataset->count, height, width, dataset->channels, dataset->labels ? dataset->classes : 0);
    if (status != RF_OK) {
        rf__dataset_free(&small);
        return status;
    }
    int dy = dataset->height / height, dx = dataset->width / width;
    int64_t bytes = (int64_t)dataset->height * dataset->width * dataset->channels;
    uint8_t *to = small->pixels;
    for (int64_t n = 0; n < dataset->count; n++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++, to += dataset->channels) average(dataset, dataset->pixels + n * bytes, dy, dx, y, x, to);
    if (small->labels) memcpy(small->labels, dataset->labels, (size_t)dataset->count * sizeof *small->labels);
    *out = small;
    return RF_OK;
}
