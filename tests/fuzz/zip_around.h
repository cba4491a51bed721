/* zip_around.h - a stored zip archive in memory around the bytes of a fuzzer, whose checksums are right: mutations of a packed file
 * would stop at them. */
#ifndef ZIP_AROUND_H
#define ZIP_AROUND_H
#include <stdint.h>
#include <stdlib.h>
#include <zip.h>

typedef struct zip_part { const char *name; const uint8_t *bytes; size_t size; } zip_part;

/* free() the result; NULL when it could not be made. */
static inline uint8_t *zip_around(const zip_part *parts, int count, size_t *size) {
    zip_source_t *target = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *zip = target ? zip_open_from_source(target, ZIP_TRUNCATE, NULL) : NULL;
    if (!zip) return NULL;
    zip_source_keep(target);
    for (int i = 0; i < count; i++) {
        zip_int64_t at = zip_file_add(zip, parts[i].name, zip_source_buffer(zip, parts[i].bytes, parts[i].size, 0), 0);
        if (at >= 0) zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0);
    }
    zip_stat_t stat;
    uint8_t *out = NULL;
    if (zip_close(zip)) zip_discard(zip);
    else if (!zip_source_open(target)) {
        if (!zip_source_stat(target, &stat) && (out = malloc(stat.size + 1))) zip_source_read(target, out, stat.size);
        if (out) *size = (size_t)stat.size;
        zip_source_close(target);
    }
    zip_source_free(target);
    return out;
}

#endif
