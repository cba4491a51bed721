/* zip_archive.h - entries of a zip file in memory, with limits against files that promise more than they hold. */
#ifndef RF_IO_ZIP_ARCHIVE_H
#define RF_IO_ZIP_ARCHIVE_H
#include "../base/status.h"

typedef struct rf_zip rf_zip;

/* bytes: borrowed until close. */
rf_status rf__zip_open(rf_zip **out, const void *bytes, size_t size);
void rf__zip_close(rf_zip **zip);
int64_t rf__zip_count(const rf_zip *zip);
const char *rf__zip_name(const rf_zip *zip, int64_t index); /* borrowed */
int64_t rf__zip_find(const rf_zip *zip, const char *name);  /* -1 when absent */
/* Unpacked size, checked: no larger than what deflate can make of the packed bytes, which lie in the file. */
rf_status rf__zip_size(const rf_zip *zip, int64_t index, size_t *size);
/* All of an entry into out [size from rf__zip_size]; the checksum is verified. */
rf_status rf__zip_read(const rf_zip *zip, int64_t index, void *out, size_t size);

/* An entry piece by piece. */
typedef struct rf_zip_stream rf_zip_stream;
rf_status rf__zip_stream_open(rf_zip_stream **out, const rf_zip *zip, int64_t index);
rf_status rf__zip_stream_read(rf_zip_stream *stream, void *out, uint64_t size); /* exactly so many bytes; at the end the checksum too */
void rf__zip_stream_close(rf_zip_stream **stream);                              /* NULL-safe; before the archive */

#endif
