/* image.c - libpng and libturbojpeg behind limits: the size is checked before anything is allocated, and every failure of the
 * libraries comes back as a sentence. */
#include "image.h"

#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "../base/file.h"
#include "../base/memory.h"

#define FILE_LIMIT ((uint64_t)512 << 20)
#define PIXELS_LIMIT ((uint64_t)64 << 20)
#define CHUNK_LIMIT ((size_t)16 << 20)

rf_status rf__image_create(rf_image *out, int width, int height, int channels) {
    *out = (rf_image){width, height, channels, NULL};
    if (width < 1 || height < 1 || channels < 1 || channels > 4 || (uint64_t)width * (uint64_t)height > PIXELS_LIMIT)
        return rf__fail(RF_EFORMAT, "a picture of %dx%d with %d channels, expected at most %llu pixels", width, height, channels,
                        (unsigned long long)PIXELS_LIMIT);
    out->pixels = rf__alloc((size_t)width * (size_t)height * (size_t)channels);
    return out->pixels ? RF_OK : rf__fail(RF_ENOMEM, "no memory for %dx%d pixels", width, height);
}

void rf__image_free(rf_image *image) {
    rf__free(image->pixels);
    image->pixels = NULL;
}

/* ---- PNG in ---- */

/* libpng leaves a failure by a jump; reading and writing come back the same way. */
typedef struct trouble {
    char message[128];
    jmp_buf jump;
} trouble;

static void png_failed(png_structp png, png_const_charp message) {
    trouble *t = png_get_error_ptr(png);
    snprintf(t->message, sizeof t->message, "%s", message);
    longjmp(t->jump, 1);
}
static void png_warned(png_structp png, png_const_charp message) {
    (void)png, (void)message; /* odd ancillary chunks are not our business */
}

typedef struct reader {
    const uint8_t *bytes;
    size_t size, at;
} reader;

static void png_more(png_structp png, png_bytep out, png_size_t wanted) {
    reader *r = png_get_io_ptr(png);
    if (wanted > r->size - r->at) png_error(png, "the file ends early");
    memcpy(out, r->bytes + r->at, wanted);
    r->at += wanted;
}

/* Texts and profiles are not the pixels' business, and each may inflate to CHUNK_LIMIT: left out unread. */
static void png_leave_out(png_structp png) {
    static const png_byte chunks[] = "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0eXIf";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, chunks, sizeof chunks / 5);
}

/* To 8 bits and gray, RGB or RGBA; tells how many channels come. */
static int png_transform(png_structp png, png_infop info) {
    int type = png_get_color_type(png, info);
    bool transparent = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    png_set_strip_16(png);
    png_set_packing(png);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, info) < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (transparent) png_set_tRNS_to_alpha(png);
    if (type == PNG_COLOR_TYPE_GRAY_ALPHA || (type == PNG_COLOR_TYPE_GRAY && transparent)) png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    int channels = png_get_channels(png, info);
    if (channels == 2) png_error(png, "unexpected gray with alpha");
    return channels;
}

static rf_status png_parse(rf_image *out, const uint8_t *bytes, size_t size, const char *name) {
    reader r = {.bytes = bytes, .size = size};
    trouble trouble = {0};
    rf_image *volatile image = out;
    png_bytep *volatile rows = NULL;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &trouble, png_failed, png_warned);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return rf__fail(RF_ENOMEM, "%s: no memory", name);
    }
    volatile rf_status status = RF_OK;
    if (setjmp(trouble.jump)) {
        status = rf__fail(RF_EFORMAT, "%s: is not a sound PNG (%s)", name, trouble.message);
    } else {
        png_set_read_fn(png, &r, png_more);
        png_set_user_limits(png, 1u << 20, 1u << 20);
        png_set_chunk_malloc_max(png, CHUNK_LIMIT);
        png_leave_out(png);
        png_read_info(png, info);
        uint64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
        if (width * height > PIXELS_LIMIT) {
            status = rf__fail(RF_EFORMAT, "%s: has %llux%llu pixels, expected at most %llu in all", name, (unsigned long long)width,
                              (unsigned long long)height, (unsigned long long)PIXELS_LIMIT);
        } else {
            int channels = png_transform(png, info);
            status = rf__image_create(image, (int)width, (int)height, channels);
            rows = status == RF_OK ? calloc(height, sizeof *rows) : NULL;
            if (status == RF_OK && !rows) status = rf__fail(RF_ENOMEM, "%s: no memory", name);
            for (uint64_t y = 0; rows && y < height; y++) rows[y] = image->pixels + y * width * (uint64_t)channels;
            if (rows) png_read_image(png, rows), png_read_end(png, NULL); /* to its end: a cut file is damaged */
        }
    }
    free(rows);
    png_destroy_read_struct(&png, &info, NULL);
    if (status != RF_OK) rf__image_free(image);
    return status;
}

/* ---- JPEG in ---- */

static rf_status jpeg_parse(rf_image *out, const uint8_t *bytes, size_t size, const char *name) {
    int width, height, subsampling, colours;
    tjhandle jpeg = tjInitDecompress();
    if (!jpeg) return rf__fail(RF_ENOMEM, "%s: no memory", name);
    rf_status status = RF_OK;
    if (tjDecompressHeader3(jpeg, bytes, (unsigned long)size, &width, &height, &subsampling, &colours))
        status = rf__fail(RF_EFORMAT, "%s: is not a sound JPEG (%s)", name, tjGetErrorStr2(jpeg));
    int channels = colours == TJCS_GRAY ? 1 : 3;
    if (status == RF_OK && rf__image_create(out, width, height, channels) != RF_OK) status = rf__fail_in(RF_EFORMAT, "%s: ", name);
    if (status == RF_OK &&
        tjDecompress2(jpeg, bytes, (unsigned long)size, out->pixels, width, 0, height, channels == 1 ? TJPF_GRAY : TJPF_RGB,
                      TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS)) /* a progressive file may hold endless scans */
        status = rf__fail(RF_EFORMAT, "%s: is not a sound JPEG (%s)", name, tjGetErrorStr2(jpeg));
    tjDestroy(jpeg);
    if (status != RF_OK) rf__image_free(out);
    return status;
}

/* ---- channels ---- */

static void convert_pixel(const uint8_t *from, int have, uint8_t *to, int want) {
    int rgb[3];
    for (int c = 0; c < 3; c++) {
        int value = have == 1 ? from[0] : from[c];
        if (have == 4) value = (value * from[3] + 255 * (255 - from[3]) + 127) / 255; /* over white */
        rgb[c] = value;
    }
    if (want == 1) to[0] = (uint8_t)((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000); /* Rec. 601 */
    for (int c = 0; want == 3 && c < 3; c++) to[c] = (uint8_t)rgb[c];
}

static rf_status convert(rf_image *image, int channels) {
    if (!channels || channels == image->channels) return RF_OK;
    rf_image other;
    RF_TRY(rf__image_create(&other, image->width, image->height, channels));
    for (int64_t i = 0; i < (int64_t)image->width * image->height; i++)
        convert_pixel(image->pixels + i * image->channels, image->channels, other.pixels + i * channels, channels);
    rf__image_free(image);
    *image = other;
    return RF_OK;
}

rf_status rf__image_parse(rf_image *out, const void *bytes, size_t size, const char *name, int channels) {
    const uint8_t *b = bytes;
    *out = (rf_image){0};
    rf_status status;
    if (size >= 8 && !png_sig_cmp(b, 0, 8)) status = png_parse(out, b, size, name);
    else if (size >= 3 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff) status = jpeg_parse(out, b, size, name);
    else return rf__fail(RF_EFORMAT, "%s: is neither PNG nor JPEG", name);
    if (status == RF_OK) status = convert(out, channels);
    if (status != RF_OK) rf__image_free(out);
    return status;
}

rf_status rf__image_read(rf_image *out, const char *path, int channels) {
    uint8_t *bytes;
    size_t size;
    *out = (rf_image){0};
    RF_TRY(rf__file_read(path, FILE_LIMIT, &bytes, &size));
    rf_status status = rf__image_parse(out, bytes, size, path, channels);
    rf__free(bytes);
    return status;
}

/* ---- PNG out ---- */

typedef struct sink {
    uint8_t *bytes;
    size_t size, room;
} sink;

static void sink_write(png_structp png, png_bytep bytes, png_size_t count) {
    sink *s = png_get_io_ptr(png);
    if (s->size + count > s->room) {
        size_t wanted = 2 * (s->size + count) + 4096;
        uint8_t *bigger = realloc(s->bytes, wanted);
        if (!bigger) png_error(png, "no memory");
        s->bytes = bigger;
        s->room = wanted;
    }
    memcpy(s->bytes + s->size, bytes, count);
    s->size += count;
}
static void sink_flush(png_structp png) { (void)png; }

static bool plain_ascii(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80) return false;
    return true;
}

static void set_texts(png_structp png, png_infop info, const rf_png_text *texts, int count) {
    for (int i = 0; i < count; i++) {
        png_text text = {.compression = plain_ascii(texts[i].text) ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE,
                         .key = (char *)texts[i].key, .text = (char *)texts[i].text, .text_length = strlen(texts[i].text)};
        png_set_text(png, info, &text, 1);
    }
}

rf_status rf__png_encode(const rf_image *image, const rf_png_text *texts, int text_count, uint8_t **out, size_t *size) {
    static const int types[] = {0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGBA};
    sink s = {0};
    trouble trouble = {0};
    *out = NULL;
    if (image->channels != 1 && image->channels != 3 && image->channels != 4)
        return rf__fail(RF_EUNSUPPORTED, "a picture of %d channels, expected 1, 3 or 4", image->channels);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &trouble, png_failed, png_warned);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info || setjmp(trouble.jump)) {
        png_destroy_write_struct(&png, &info);
        free(s.bytes);
        return rf__fail(RF_ENOMEM, "the PNG could not be made (%s)", trouble.message[0] ? trouble.message : "no memory");
    }
    png_set_write_fn(png, &s, sink_write, sink_flush);
    png_set_IHDR(png, info, (png_uint_32)image->width, (png_uint_32)image->height, 8, types[image->channels], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_texts(png, info, texts, text_count);
    png_write_info(png, info);
    for (int y = 0; y < image->height; y++)
        png_write_row(png, image->pixels + (size_t)y * (size_t)image->width * (size_t)image->channels);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    *out = s.bytes;
    *size = s.size;
    return RF_OK;
}

rf_status rf__png_write(const char *path, const rf_image *image, const rf_png_text *texts, int text_count) {
    uint8_t *bytes;
    size_t size;
    RF_TRY(rf__png_encode(image, texts, text_count, &bytes, &size));
    rf_status status = rf__file_write(path, bytes, size);
    free(bytes);
    return status;
}

/* ---- floats ---- */

uint8_t rf__pixel_from_f32(float value) {
    float scaled = (value + 1.0f) * 127.5f;
    if (!(scaled > 0.0f)) return 0; /* also not-a-number */
    return scaled >= 255.0f ? 255 : (uint8_t)lrintf(scaled);
}

#define SHEET_GAP 2
#define SHEET_SIDE_MAX (1 << 20)

rf_status rf__image_sheet(rf_image *out, const float *images, int count, int height, int width, int channels, int columns, int scale) {
    *out = (rf_image){0};
    if (count < 1 || height < 1 || width < 1 || scale < 1 || scale > 64)
        return rf__fail(RF_EINVAL, "a sheet of %d pictures of %dx%d at scale %d", count, width, height, scale);
    if (columns < 1) columns = 1;
    if (columns > count) columns = count;
    int rows = (count - 1) / columns + 1;
    int64_t cell_w = (int64_t)width * scale + SHEET_GAP, cell_h = (int64_t)height * scale + SHEET_GAP;
    int64_t sheet_w = columns * cell_w + SHEET_GAP, sheet_h = rows * cell_h + SHEET_GAP;
    if (sheet_w > SHEET_SIDE_MAX || sheet_h > SHEET_SIDE_MAX)
        return rf__fail(RF_EINVAL, "a sheet of %lldx%lld pixels, expected at most %d a side", (long long)sheet_w, (long long)sheet_h,
                        SHEET_SIDE_MAX);
    RF_TRY(rf__image_create(out, (int)sheet_w, (int)sheet_h, channels));
    memset(out->pixels, 255, (size_t)out->width * (size_t)out->height * (size_t)channels);
    for (int i = 0; i < count; i++)
        for (int y = 0; y < height * scale; y++)
            for (int x = 0; x < width * scale; x++) {
                const float *from = images + (((int64_t)i * height + y / scale) * width + x / scale) * channels;
                int64_t row = (int64_t)(i / columns) * cell_h + SHEET_GAP + y, column = (int64_t)(i % columns) * cell_w + SHEET_GAP + x;
                for (int c = 0; c < channels; c++) out->pixels[(row * out->width + column) * channels + c] = rf__pixel_from_f32(from[c]);
            }
    return RF_OK;
}
