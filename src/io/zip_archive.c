/* zip_archive.c - see zip_archive.h. libzip does the reading. */
#include "zip_archive.h"

#include <zip.h>

#include "../base/memory.h"

enum { DEFLATE_MOST = 1032 /* bytes that one deflated byte can become, at most */ };

struct rf_zip {
    zip_t *file;
    size_t packed; /* bytes of the whole file */
};

rf_status rf__zip_open(rf_zip **out, const void *bytes, size_t size) {
    zip_error_t error;
    *out = NULL;
    rf_zip *zip = rf__alloc(sizeof *zip);
    if (!zip) return rf__fail(RF_ENOMEM, "no memory");
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    zip->file = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    zip->packed = size;
    rf_status status = zip->file ? RF_OK : rf__fail(RF_EFORMAT, "is a damaged zip archive: %s", zip_error_strerror(&error));
    if (!zip->file && source) zip_source_free(source);
    zip_error_fini(&error);
    if (status != RF_OK) rf__free(zip);
    else *out = zip;
    return status;
}

void rf__zip_close(rf_zip **zip) {
    if (!*zip) return;
    zip_discard((*zip)->file);
    rf__free(*zip);
    *zip = NULL;
}

int64_t rf__zip_count(const rf_zip *zip) { return zip_get_num_entries(zip->file, 0); }
const char *rf__zip_name(const rf_zip *zip, int64_t index) { return zip_get_name(zip->file, (zip_uint64_t)index, 0); }
int64_t rf__zip_find(const rf_zip *zip, const char *name) { return zip_name_locate(zip->file, name, 0); }

rf_status rf__zip_size(const rf_zip *zip, int64_t index, size_t *size) {
    zip_stat_t stat;
    const char *name = rf__zip_name(zip, index);
    zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (!name || zip_stat_index(zip->file, (zip_uint64_t)index, 0, &stat) != 0 || (stat.valid & wanted) != wanted)
        return rf__fail(RF_EFORMAT, "zip entry %lld has no size", (long long)index);
    uint64_t most = stat.comp_method == ZIP_CM_STORE ? stat.comp_size : stat.comp_size * DEFLATE_MOST;
    if (stat.comp_size > zip->packed || stat.size > most)
        return rf__fail(RF_EFORMAT, "zip entry %.100s claims %llu bytes from %llu, of a file of %zu", name, (unsigned long long)stat.size,
                        (unsigned long long)stat.comp_size, zip->packed);
    *size = (size_t)stat.size;
    return RF_OK;
}

struct rf_zip_stream {
    zip_file_t *file;
    const char *name;
    uint64_t left; /* bytes to the end of the entry */
};

rf_status rf__zip_stream_open(rf_zip_stream **out, const rf_zip *zip, int64_t index) {
    size_t size;
    *out = NULL;
    RF_TRY(rf__zip_size(zip, index, &size));
    rf_zip_stream *stream = rf__alloc(sizeof *stream);
    if (!stream) return rf__fail(RF_ENOMEM, "no memory");
    stream->name = rf__zip_name(zip, index);
    stream->left = size;
    stream->file = zip_fopen_index(zip->file, (zip_uint64_t)index, 0);
    if (stream->file) {
        *out = stream;
        return RF_OK;
    }
    rf__free(stream);
    return rf__fail(RF_EFORMAT, "zip entry %.100s cannot be unpacked: %s", rf__zip_name(zip, index), zip_strerror(zip->file));
}

rf_status rf__zip_stream_read(rf_zip_stream *stream, void *out, uint64_t size) {
    uint8_t more, *at = out;
    bool whole = size <= stream->left;
    for (zip_int64_t got; whole && size > 0; at += got, size -= (uint64_t)got, stream->left -= (uint64_t)got)
        whole = (got = zip_fread(stream->file, at, size < 1u << 30 ? size : 1u << 30)) > 0;
    /* Reading past the end is what makes libzip compare the checksum. */
    if (whole && !stream->left) whole = zip_fread(stream->file, &more, 1) == 0;
    return whole ? RF_OK : rf__fail(RF_EFORMAT, "zip entry %.100s is damaged", stream->name);
}

void rf__zip_stream_close(rf_zip_stream **stream) {
    if (!*stream) return;
    zip_fclose((*stream)->file);
    rf__free(*stream);
    *stream = NULL;
}

rf_status rf__zip_read(const rf_zip *zip, int64_t index, void *out, size_t size) {
    rf_zip_stream *stream = NULL;
    RF_TRY(rf__zip_stream_open(&stream, zip, index));
    rf_status status = stream->left == size ? rf__zip_stream_read(stream, out, size) : rf__fail(RF_EINVAL, "%s: is read in part", stream->name);
    rf__zip_stream_close(&stream);
    return status;
}
