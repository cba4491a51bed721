/* png_file.c - pictures to PNG bytes with our two texts, and the texts of any PNG back. The only file of the
 * program that knows libpng. */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "gallery.h"
#include "png_chunks.h"

#define MOST_TEXT (64u << 20) /* bytes of one text chunk, inflated */
#define MOST_CHUNKS 1000

/* libpng reports through setjmp; the sentence is kept until we are back. */
typedef struct png_trouble {
    jmp_buf back;
    char text[200];
} png_trouble;

static void on_error(png_structp png, png_const_charp text) {
    png_trouble *trouble = png_get_error_ptr(png);
    snprintf(trouble->text, sizeof trouble->text, "%s", text);
    longjmp(trouble->back, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png, (void)text;
}

/* ---- write ---- */
static void put_texts(png_structp png, png_infop info, char *parameters, char *json) {
    /* tEXt is what A1111 and its readers know; ours is UTF-8 and may be long. */
    png_text texts[2] = {
        {.compression = PNG_TEXT_COMPRESSION_NONE,
         .key = (char[]){RF_PARAMETERS_KEYWORD},
         .text = parameters,
         .text_length = strlen(parameters)},
        {.compression = PNG_ITXT_COMPRESSION_NONE,
         .key = (char[]){RF_STAMP_KEYWORD},
         .text = json,
         .itxt_length = strlen(json),
         .lang = (char[]){""},
         .lang_key = (char[]){""}},
    };
    png_set_text(png, info, texts, 2);
}

static rf_status write_png(FILE *stream, const rf_picture *picture, char *parameters, char *json) {
    png_trouble trouble;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &trouble, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return rf__fail(RF_ENOMEM, "no memory for a PNG");
    }
    if (setjmp(trouble.back)) {
        png_destroy_write_struct(&png, &info);
        return rf__fail(RF_EIO, "PNG could not be encoded (%s)", trouble.text);
    }
    png_init_io(png, stream);
    png_set_IHDR(png, info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8,
                 picture->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (json) put_texts(png, info, parameters, json);
    png_write_info(png, info);
    size_t row = (size_t)picture->width * (size_t)picture->channels;
    for (int y = 0; y < picture->height; y++) png_write_row(png, picture->pixels + (size_t)y * row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return RF_OK;
}

rf_status rf__gallery_encode(const rf_picture *picture, const rf_stamp *stamp, char **bytes, size_t *size) {
    json_t *stamped = stamp ? rf__stamp_json(stamp) : NULL;
    char *json = stamped ? json_dumps(stamped, JSON_COMPACT) : NULL,
         *parameters = stamp ? rf__stamp_parameters(stamp) : NULL;
    json_decref(stamped);
    rf_status status = RF_OK;
    *bytes = NULL;
    FILE *stream = open_memstream(bytes, size);
    if (!stream || (stamp && (!json || !parameters))) status = rf__fail(RF_ENOMEM, "no memory for a PNG");
    if (status == RF_OK) status = write_png(stream, picture, parameters, json);
    if (stream && fclose(stream) != 0 && status == RF_OK) status = rf__fail(RF_ENOMEM, "no memory for a PNG");
    free(json);
    free(parameters);
    if (status == RF_OK) return RF_OK;
    free(*bytes);
    *bytes = NULL;
    return status;
}

/* ---- read ---- */
static json_t *collect(png_structp png, png_infop info) {
    png_textp texts = NULL;
    int count = 0;
    json_t *json = json_object();
    png_get_text(png, info, &texts, &count);
    for (int i = 0; i < count; i++) {
        size_t length = texts[i].text_length ? texts[i].text_length : texts[i].itxt_length;
        json_t *text = json_stringn(texts[i].text, length); /* NULL when the bytes are not UTF-8: left out */
        if (text) json_object_set_new(json, texts[i].key, text);
    }
    return json;
}

static rf_status read_texts(FILE *file, const char *path, json_t **out) {
    png_trouble trouble;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &trouble, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return rf__fail(RF_ENOMEM, "%s: no memory for a PNG", path);
    }
    if (setjmp(trouble.back)) {
        png_destroy_read_struct(&png, &info, NULL);
        return rf__fail(RF_EFORMAT, "%s: is not a sound PNG (%s)", path, trouble.text);
    }
    png_init_io(png, file);
    png_set_chunk_malloc_max(png, MOST_TEXT);
    png_set_chunk_cache_max(png, MOST_CHUNKS);
    png_read_info(png, info); /* up to the pixels: texts stand before them */
    *out = collect(png, info);
    png_destroy_read_struct(&png, &info, NULL);
    return RF_OK;
}

rf_status rf__png_texts(const char *path, json_t **out) {
    *out = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) return rf__fail(RF_EIO, "%s: cannot be read", path);
    rf_status status = read_texts(file, path, out);
    fclose(file);
    return status;
}

rf_status rf__png_json(const char *path, json_t **out) {
    json_t *texts = NULL;
    json_error_t error;
    *out = NULL;
    RF_TRY(rf__png_texts(path, &texts));
    const char *text = json_string_value(json_object_get(texts, RF_STAMP_KEYWORD));
    rf_status status = RF_OK;
    if (text) {
        *out = json_loads(text, JSON_REJECT_DUPLICATES, &error);
        if (!json_is_object(*out)) {
            json_decref(*out);
            *out = NULL;
            status = rf__fail(RF_EFORMAT, "%s: the '%s' chunk is not a JSON object (%s)", path,
                              RF_STAMP_KEYWORD, error.text);
        }
    }
    json_decref(texts);
    return status;
}
