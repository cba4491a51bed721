/* file.h - whole-file reads with a limit, and writes that either complete or leave nothing. */
#ifndef RF_BASE_FILE_H
#define RF_BASE_FILE_H
#include <stdint.h>
#include <stdio.h>

#include "status.h"

/* Read a whole file; refuses more than `limit` bytes. *out: free with rf__free, one NUL past the end. */
rf_status rf__file_read(const char *path, uint64_t limit, uint8_t **out, size_t *size);

/* A whole regular file as memory, read when touched. It must not shrink meanwhile. Refuses an empty one. */
rf_status rf__file_map(const char *path, const uint8_t **out, size_t *size);
void rf__file_unmap(const uint8_t **bytes, size_t size); /* NULL-safe, clears */

/* Write beside `path`, then fsync and rename over it: readers see the old file or the new one. */
typedef struct rf_writer rf_writer;
rf_status rf__writer_open(rf_writer **out, const char *path);
FILE *rf__writer_stream(rf_writer *writer);           /* borrowed */
rf_status rf__writer_commit(rf_writer **writer);      /* frees; on failure the target is untouched */
void rf__writer_abort(rf_writer **writer);            /* frees and removes the temporary; NULL-safe */
rf_status rf__file_write(const char *path, const void *bytes, size_t size); /* all of the above in one call */
rf_status rf__make_dirs(const char *path);            /* mkdir -p */
bool rf__file_exists(const char *path);
/* The first bytes of a file; at most 64. False also when it cannot be read. */
bool rf__file_begins(const char *path, const char *signature, size_t size);
/* Keep others away from a file or folder that is there, as long as they ask: nothing is written, and the system gives it back when the process ends,
 * however it does. errors: RF_EIO when another process (or this one) holds it and `wait` is not set; RF_EINTERRUPTED while waiting. */
rf_status rf__path_lock(int *lock, const char *path, bool wait);
void rf__path_unlock(int *lock); /* -1 stays -1 */

/* Set by the program's SIGINT handler; long loops poll it and return RF_EINTERRUPTED. */
extern volatile int rf__interrupted;

#endif
