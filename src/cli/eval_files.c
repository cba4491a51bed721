/* eval_files.c - sources of `strait eval` that lie on disk: a folder of pictures, an npz of pictures or of statistics. */
#include <string.h>
#include <sys/stat.h>

#include "../base/memory.h"
#include "../io/image.h"
#include "../io/picture_list.h"
#include "../io/sha256.h"
#include "../io/tensors.h"
#include "eval_source.h"

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* ---- a folder: read one picture at a time ---- */

static bool is_folder(const char *text) {
    struct stat info;
    return !stat(text, &info) && S_ISDIR(info.st_mode);
}

static rf_status folder_open(rf_eval_source *source, const char *text) {
    rf_picture_list *list = rf__alloc(sizeof *list);
    rf_image first;
    if (!list) return rf__fail(RF_ENOMEM, "no memory for a list of pictures");
    source->self = list;
    RF_TRY(rf__picture_list_read(list, text));
    RF_TRY(rf__image_read(&first, list->path[0], 0));
    source->shape = (rf_model_shape){.height = first.height, .width = first.width, .channels = first.channels == 1 ? 1 : 3, .classes = list->classes};
    rf__image_free(&first);
    source->count = list->count;
    source->protocol = json_pack("{s:s, s:s}", "source", "folder", "file", base_name(text));
    return RF_OK;
}

static rf_status folder_read(rf_eval_source *source, int64_t first, int64_t count, float *x, int32_t *labels) {
    const rf_picture_list *list = source->self;
    const rf_model_shape *s = &source->shape;
    int64_t scalars = rf__eval_source_scalars(source);
    for (int64_t r = 0; r < count; r++) {
        const char *path = list->path[first + r];
        rf_image image;
        RF_TRY(rf__image_read(&image, path, s->channels));
        bool fits = image.width == s->width && image.height == s->height;
        for (int64_t i = 0; fits && i < scalars; i++) x[r * scalars + i] = rf__pixel_to_f32(image.pixels[i]);
        int width = image.width, height = image.height;
        rf__image_free(&image);
        if (!fits)
            return rf__fail(RF_EMISMATCH, "%s: has %dx%d pixels, the first picture of the folder has %dx%d", path, width, height, s->width, s->height);
        if (list->classes) labels[r] = list->label[first + r];
    }
    return RF_OK;
}

static void folder_close(rf_eval_source *source) {
    if (source->self) rf__picture_list_fini(source->self);
    rf__free(source->self);
}

const rf_eval_source_kind rf__eval_folder = {.name = "folder", .source = "PNG and JPEG", .help = "a folder of pictures (sub-folders are classes)",
                                             .takes = is_folder, .open = folder_open, .read = folder_read, .close = folder_close};

/* ---- npz ---- */

typedef struct npz {
    rf_tensors *file;
    const rf_tensor_entry *pictures;
    double *mean, *covariance;
} npz;

static bool is_npz(const char *text) {
    size_t length = strlen(text);
    return length > 4 && !strcmp(text + length - 4, ".npz");
}

/* Arrays of f32 or f64, which large ones give in pieces. */
static rf_status read_doubles(rf_tensors *file, const rf_tensor_entry *entry, const char *path, int64_t count, double *out) {
    if (entry->count != count || (entry->type != RF_TENSOR_F32 && entry->type != RF_TENSOR_F64))
        return rf__fail(RF_EMISMATCH, "%s: %s has %lld numbers of type %s, expected %lld of f32 or f64", path, entry->name, (long long)entry->count,
                        rf__tensor_type_name(entry->type), (long long)count);
    if (entry->type == RF_TENSOR_F64) return rf__tensors_read(file, entry, 0, count, out);
    float *narrow = (float *)out + count; /* the last half of it, so that widening overtakes nothing */
    RF_TRY(rf__tensors_read(file, entry, 0, count, narrow));
    for (int64_t i = 0; i < count; i++) out[i] = (double)narrow[i];
    return RF_OK;
}

static rf_status open_statistics(rf_eval_source *source, npz *self, const rf_tensor_entry *mu, const rf_tensor_entry *sigma, const char *path) {
    int64_t n = mu->count;
    if (mu->rank != 1 || sigma->rank != 2 || sigma->dim[0] != n || sigma->dim[1] != n)
        return rf__fail(RF_EMISMATCH, "%s: mu and sigma are not a vector and a square matrix of its size", path);
    self->mean = rf__alloc_array((size_t)n, sizeof(double));
    self->covariance = rf__alloc_array((size_t)n, (size_t)n * sizeof(double));
    if (!self->mean || !self->covariance) return rf__fail(RF_ENOMEM, "no memory for statistics of %lld features", (long long)n);
    RF_TRY(read_doubles(self->file, mu, path, n, self->mean));
    RF_TRY(read_doubles(self->file, sigma, path, n * n, self->covariance));
    source->mean = self->mean;
    source->covariance = self->covariance;
    source->features = n;
    /* What --save-stats wrote beside them. */
    const rf_tensor_entry *made = rf__tensors_find(self->file, "protocol");
    json_t *protocol = made && made->type == RF_TENSOR_U8 ? json_loadb((const char *)made->data, (size_t)made->count, 0, NULL) : NULL;
    if (protocol) json_object_set_new(source->protocol, "of", protocol);
    return RF_OK;
}

static rf_status open_pictures(rf_eval_source *source, const npz *self, const char *path) {
    const rf_tensor_entry *p = self->pictures;
    if (!p || p->type != RF_TENSOR_U8 || p->rank != 4 || p->dim[0] < 1 || (p->dim[3] != 1 && p->dim[3] != 3))
        return rf__fail(RF_EFORMAT, "%s: expected pictures as the first array, u8 [N, height, width, 1 or 3], or statistics mu and sigma", path);
    if (p->dim[1] < 1 || p->dim[2] < 1)
        return rf__fail(RF_EFORMAT, "%s: has pictures of %lldx%lld pixels, expected at least one", path, (long long)p->dim[2], (long long)p->dim[1]);
    source->shape = (rf_model_shape){.height = (int)p->dim[1], .width = (int)p->dim[2], .channels = (int)p->dim[3]};
    source->count = p->dim[0];
    return RF_OK;
}

static rf_status npz_open(rf_eval_source *source, const char *text) {
    char sha256[65];
    npz *self = rf__alloc(sizeof *self);
    if (!self) return rf__fail(RF_ENOMEM, "no memory for %s", text);
    source->self = self;
    RF_TRY(rf__tensors_open(&self->file, text));
    RF_TRY(rf__sha256_file(text, sha256));
    const rf_tensor_entry *mu = rf__tensors_find(self->file, "mu"), *sigma = rf__tensors_find(self->file, "sigma");
    self->pictures = rf__tensors_count(self->file) ? rf__tensors_entry(self->file, 0) : NULL;
    source->protocol = json_pack("{s:s, s:s, s:s}", "source", mu && sigma ? "statistics" : "npz", "file", base_name(text), "sha256", sha256);
    return mu && sigma ? open_statistics(source, self, mu, sigma, text) : open_pictures(source, self, text);
}

static rf_status npz_read(rf_eval_source *source, int64_t first, int64_t count, float *x, int32_t *labels) {
    (void)labels;
    const npz *self = source->self;
    int64_t scalars = rf__eval_source_scalars(source), numbers = count * scalars;
    uint8_t *pixels = (uint8_t *)x + 3 * numbers; /* the last quarter of x, so that widening overtakes nothing */
    RF_TRY(rf__tensors_read(self->file, self->pictures, first * scalars, numbers, pixels));
    for (int64_t i = 0; i < numbers; i++) x[i] = rf__pixel_to_f32(pixels[i]);
    return RF_OK;
}

static void npz_close(rf_eval_source *source) {
    npz *self = source->self;
    if (!self) return;
    rf__tensors_close(&self->file);
    rf__free(self->mean);
    rf__free(self->covariance);
    rf__free(self);
}

const rf_eval_source_kind rf__eval_npz = {.name = "npz", .source = "numpy.savez", .help = "FILE.npz of pictures (u8 NHWC) or statistics (mu, sigma)",
                                          .takes = is_npz, .open = npz_open, .read = npz_read, .close = npz_close};
