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

rf_status rf__zip_read(const rf_zip *zip, int64_t index, void *out, size_t size) {
    zip_file_t *entry = zip_fopen_index(zip->file, (zip_uint64_t)index, 0);
    zip_int64_t got = entry ? zip_fread(entry, out, size) : -1;
    uint8_t more;
    /* Reading past the end is what makes libzip compare the checksum. */
    bool whole = got == (zip_int64_t)size && zip_fread(entry, &more, 1) == 0;
    if (entry) zip_fclose(entry);
    return whole ? RF_OK : rf__fail(RF_EFORMAT, "zip entry %.100s is damaged", rf__zip_name(zip, index));
}
