/* file.c - whole reads, and writes that complete or leave nothing. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

volatile int rf__interrupted;

rf_status rf__file_read(const char *path, uint64_t limit, uint8_t **out, size_t *size) {
    *out = NULL;
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info)) {
        int error = errno;
        if (file) fclose(file);
        return rf__fail(error == ENOENT ? RF_ENOTFOUND : RF_EIO, "%s: %s", path, strerror(error));
    }
    rf_status status = RF_OK;
    if (!S_ISREG(info.st_mode)) status = rf__fail(RF_EIO, "%s: is not a regular file", path);
    else if ((uint64_t)info.st_size > limit)
        status = rf__fail(RF_EFORMAT, "%s: has %lld bytes, expected at most %llu", path, (long long)info.st_size,
                          (unsigned long long)limit);
    uint8_t *bytes = status == RF_OK ? rf__alloc((size_t)info.st_size + 1) : NULL;
    if (status == RF_OK && !bytes) status = rf__fail(RF_ENOMEM, "%s: no memory for %lld bytes", path, (long long)info.st_size);
    if (status == RF_OK && fread(bytes, 1, (size_t)info.st_size, file) != (size_t)info.st_size)
        status = rf__fail(RF_EIO, "%s: could not be read to its end", path);
    fclose(file);
    if (status != RF_OK) {
        rf__free(bytes);
        return status;
    }
    *out = bytes;
    *size = (size_t)info.st_size;
    return RF_OK;
}

struct rf_writer {
    char *path, *temporary;
    FILE *file;
};

static void writer_free(rf_writer **writer) {
    if (!*writer) return;
    free((*writer)->path);
    free((*writer)->temporary);
    free(*writer);
    *writer = NULL;
}

/* mkstemp makes 0600; a file that a user writes should follow the umask. */
static void usual_mode(int descriptor) {
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
}

rf_status rf__writer_open(rf_writer **out, const char *path) {
    rf_writer *writer = calloc(1, sizeof *writer);
    *out = NULL;
    size_t room = strlen(path) + 16;
    if (writer) writer->path = strdup(path), writer->temporary = malloc(room);
    if (!writer || !writer->path || !writer->temporary) {
        writer_free(&writer);
        return rf__fail(RF_ENOMEM, "%s: no memory", path);
    }
    snprintf(writer->temporary, room, "%s.XXXXXX", path);
    int descriptor = mkstemp(writer->temporary);
    if (descriptor >= 0) usual_mode(descriptor);
    writer->file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (!writer->file) {
        rf_status status = rf__fail(RF_EIO, "%s: cannot be written (%s)", path, strerror(errno));
        if (descriptor >= 0) close(descriptor), unlink(writer->temporary);
        writer_free(&writer);
        return status;
    }
    *out = writer;
    return RF_OK;
}

FILE *rf__writer_stream(rf_writer *writer) { return writer->file; }

/* The rename is only durable once the directory is. Some file systems refuse to sync a directory: not a failure. */
static void sync_directory(const char *path) {
    char *copy = strdup(path);
    if (!copy) return;
    int descriptor = open(dirname(copy), O_RDONLY | O_DIRECTORY);
    if (descriptor >= 0) {
        (void)!fsync(descriptor);
        close(descriptor);
    }
    free(copy);
}

rf_status rf__writer_commit(rf_writer **writer_pointer) {
    rf_writer *writer = *writer_pointer;
    bool good = !ferror(writer->file);
    errno = 0;
    good = fflush(writer->file) == 0 && good;
    good = good && fsync(fileno(writer->file)) == 0;
    int error = errno;
    if (fclose(writer->file)) good = false, error = error ? error : errno;
    if (good && rename(writer->temporary, writer->path)) good = false, error = errno;
    rf_status status = RF_OK;
    if (good) {
        sync_directory(writer->path);
    } else {
        unlink(writer->temporary);
        status = rf__fail(RF_EIO, "%s: could not be written (%s)", writer->path, strerror(error ? error : EIO));
    }
    writer_free(writer_pointer);
    return status;
}

void rf__writer_abort(rf_writer **writer) {
    if (!writer || !*writer) return;
    fclose((*writer)->file);
    unlink((*writer)->temporary);
    writer_free(writer);
}

rf_status rf__file_write(const char *path, const void *bytes, size_t size) {
    rf_writer *writer;
    RF_TRY(rf__writer_open(&writer, path));
    if (size) fwrite(bytes, 1, size, rf__writer_stream(writer)); /* commit sees a failure */
    return rf__writer_commit(&writer);
}

rf_status rf__make_dirs(const char *path) {
    char *copy = strdup(path);
    if (!copy) return rf__fail(RF_ENOMEM, "%s: no memory", path);
    rf_status status = RF_OK;
    for (char *at = copy + 1; status == RF_OK; at++) {
        char kept = *at;
        if (kept != '/' && kept) continue;
        *at = 0;
        if (mkdir(copy, 0777) && errno != EEXIST)
            status = rf__fail(RF_EIO, "%s: the directory cannot be made (%s)", path, strerror(errno));
        if (!(*at = kept)) break;
    }
    free(copy);
    struct stat info;
    if (status == RF_OK && (stat(path, &info) || !S_ISDIR(info.st_mode)))
        status = rf__fail(RF_EIO, "%s: is not a directory", path);
    return status;
}

bool rf__file_exists(const char *path) { return access(path, F_OK) == 0; }
