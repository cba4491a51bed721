/* png_text.c - walks the chunks itself: lengths and checksums are verified, compressed texts inflate up to a limit, and the
 * pixels are never decoded. */
#include "png_text.h"

#include <string.h>
#include <zlib.h>

#include "../base/file.h"
#include "../base/memory.h"

#define FILE_LIMIT ((uint64_t)512 << 20)
#define TEXT_LIMIT ((size_t)8 << 20)  /* one text, inflated */
#define TOTAL_LIMIT ((size_t)64 << 20) /* all texts of a file */
#define COUNT_LIMIT 10000

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* What has been gathered so far, and from which file. */
typedef struct gathering {
    json_t *texts;
    const char *name;
    size_t total; /* bytes of text */
    int count;
} gathering;

/* Latin-1, as tEXt is by the standard, to UTF-8: every byte above 127 becomes two. */
static json_t *from_latin1(const char *text, size_t length) {
    char *utf8 = rf__alloc(2 * length + 1);
    size_t n = 0;
    for (size_t i = 0; utf8 && i < length; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c < 0x80) utf8[n++] = (char)c;
        else utf8[n++] = (char)(0xc0 | c >> 6), utf8[n++] = (char)(0x80 | (c & 0x3f));
    }
    json_t *value = utf8 ? json_stringn(utf8, n) : NULL;
    rf__free(utf8);
    return value;
}

static rf_status keep(gathering *g, const char *key, const char *text, size_t length) {
    if (json_object_get(g->texts, key)) return RF_OK;
    g->total += length;
    if (++g->count > COUNT_LIMIT || g->total > TOTAL_LIMIT)
        return rf__fail(RF_EFORMAT, "%s: has more than %d texts or more than %zu bytes of them", g->name, COUNT_LIMIT, TOTAL_LIMIT);
    json_t *value = json_stringn(text, length);
    if (!value) value = from_latin1(text, length);
    if (!value || json_object_set_new(g->texts, key, value)) /* takes value even when it fails */
        return rf__fail(RF_EFORMAT, "%s: a text has a key that is not UTF-8, or no memory", g->name);
    return RF_OK;
}

static rf_status keep_compressed(gathering *g, const char *key, const uint8_t *bytes, size_t size) {
    if (json_object_get(g->texts, key)) return RF_OK;
    /* deflate makes at most 1032 bytes of one */
    size_t most = size > TEXT_LIMIT / 1032 ? TEXT_LIMIT : 1032 * size + 64;
    uLongf length = most;
    char *text = rf__alloc(most);
    if (!text) return rf__fail(RF_ENOMEM, "%s: no memory", g->name);
    rf_status status = uncompress((Bytef *)text, &length, bytes, (uLong)size) == Z_OK
                           ? keep(g, key, text, length)
                           : rf__fail(RF_EFORMAT, "%s: text %.60s does not inflate within %zu bytes", g->name, key, most);
    rf__free(text);
    return status;
}

/* Position after the NUL that ends a string at `at`, or 0. */
static size_t after_nul(const uint8_t *bytes, size_t size, size_t at) {
    const uint8_t *end = at < size ? memchr(bytes + at, 0, size - at) : NULL;
    return end ? (size_t)(end - bytes) + 1 : 0;
}

static rf_status read_chunk(gathering *g, const uint8_t *type, const uint8_t *bytes, size_t size) {
    const char *key = (const char *)bytes;
    size_t at = after_nul(bytes, size, 0);
    bool plain = !memcmp(type, "tEXt", 4), packed = !memcmp(type, "zTXt", 4), international = !memcmp(type, "iTXt", 4);
    if (!plain && !packed && !international) return RF_OK;
    if (at < 2 || at > 80) return rf__fail(RF_EFORMAT, "%s: a text chunk has no key of 1 to 79 bytes", g->name);
    if (plain) return keep(g, key, (const char *)bytes + at, size - at);
    if (packed) return at < size ? keep_compressed(g, key, bytes + at + 1, size - at - 1) : RF_OK;
    if (size - at < 2) return RF_OK;
    bool compressed = bytes[at] != 0;
    at = after_nul(bytes, size, at + 2);          /* language */
    if (at) at = after_nul(bytes, size, at);      /* translated key */
    if (!at) return rf__fail(RF_EFORMAT, "%s: iTXt chunk %.60s is cut short", g->name, key);
    return compressed ? keep_compressed(g, key, bytes + at, size - at)
                      : keep(g, key, (const char *)bytes + at, size - at);
}

rf_status rf__png_texts_parse(const void *data, size_t size, const char *name, json_t **out) {
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    const uint8_t *bytes = data;
    *out = NULL;
    if (size < 8 || memcmp(bytes, signature, 8)) return rf__fail(RF_EFORMAT, "%s: is not a PNG", name);
    gathering g = {.texts = json_object(), .name = name};
    rf_status status = g.texts ? RF_OK : rf__fail(RF_ENOMEM, "%s: no memory", name);
    for (size_t at = 8; status == RF_OK && at < size;) {
        uint32_t length = size - at >= 12 ? be32(bytes + at) : 0xffffffffu;
        if (length > size - at - 12 || size - at < 12) {
            status = rf__fail(RF_EFORMAT, "%s: a chunk at byte %zu runs past the end of the file", name, at);
            break;
        }
        const uint8_t *type = bytes + at + 4;
        if (crc32(0, type, length + 4) != be32(type + 4 + length))
            status = rf__fail(RF_EFORMAT, "%s: the chunk at byte %zu has a wrong checksum", name, at);
        else status = read_chunk(&g, type, type + 4, length);
        if (!memcmp(type, "IEND", 4)) break;
        at += 12 + (size_t)length;
    }
    if (status != RF_OK) json_decref(g.texts), g.texts = NULL;
    *out = g.texts;
    return status;
}

rf_status rf__png_texts(const char *path, json_t **out) {
    uint8_t *bytes;
    size_t size;
    *out = NULL;
    RF_TRY(rf__file_read(path, FILE_LIMIT, &bytes, &size));
    rf_status status = rf__png_texts_parse(bytes, size, path, out);
    rf__free(bytes);
    return status;
}

rf_status rf__png_json(const char *path, json_t **out) {
    json_t *texts;
    json_error_t error;
    *out = NULL;
    RF_TRY(rf__png_texts(path, &texts));
    const char *text = json_string_value(json_object_get(texts, RF_PNG_JSON_KEY));
    rf_status status = RF_OK;
    if (!text) status = rf__fail(RF_ENOTFOUND, "%s: has no \"" RF_PNG_JSON_KEY "\" text, so it was not made by strait", path);
    else if (*out = json_loads(text, JSON_REJECT_DUPLICATES, &error), !json_is_object(*out)) { /* a macro: names its argument twice */
        status = rf__fail(RF_EFORMAT, "%s: its \"" RF_PNG_JSON_KEY "\" text is not a JSON object (%s)", path,
                          *out ? "another value" : error.text);
        json_decref(*out);
        *out = NULL;
    }
    json_decref(texts);
    return status;
}
