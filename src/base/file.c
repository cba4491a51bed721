/* file.c - read whole files within a limit; write files that appear complete or not at all. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

volatile int rf__interrupted;

struct rf_writer {
    FILE *stream;
    char target[PATH_MAX];
    char temporary[PATH_MAX]; /* "" when the target is written in place (a device or a pipe) */
};

/* The size to expect, or a refusal: only what the size says is read first, then one byte more to see the end. */
static rf_status check_readable(int fd, const char *path, uint64_t limit, uint64_t *size) {
    struct stat info;
    if (fstat(fd, &info) != 0) return rf__fail(RF_EIO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode)) return rf__fail(RF_EIO, "%s: is a directory, expected a file", path);
    *size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    if (*size > limit)
        return rf__fail(RF_EFORMAT, "%s: has %llu bytes, expected at most %llu", path, (unsigned long long)*size,
                        (unsigned long long)limit);
    return RF_OK;
}

static rf_status read_all(int fd, const char *path, uint64_t limit, uint64_t expected, uint8_t **out, size_t *size) {
    size_t room = expected ? (size_t)expected + 1 : 65536, used = 0;
    uint8_t *bytes = rf__alloc(room + 1);
    while (bytes) {
        ssize_t n = read(fd, bytes + used, room - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            rf__free(bytes);
            return rf__fail(RF_EIO, "%s: %s", path, strerror(errno));
        }
        used += (size_t)n;
        if (n == 0) break;
        if (used > limit) {
            rf__free(bytes);
            return rf__fail(RF_EFORMAT, "%s: has more than %llu bytes", path, (unsigned long long)limit);
        }
        if (used < room) continue;
        uint8_t *bigger = rf__alloc(2 * room + 1);
        if (bigger) memcpy(bigger, bytes, used);
        rf__free(bytes);
        bytes = bigger;
        room *= 2;
    }
    if (!bytes) return rf__fail(RF_ENOMEM, "%s: out of memory reading %zu bytes", path, room);
    bytes[used] = 0;
    *out = bytes;
    *size = used;
    return RF_OK;
}

rf_status rf__file_read(const char *path, uint64_t limit, uint8_t **out, size_t *size) {
    *out = NULL;
    *size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return rf__fail(errno == ENOENT ? RF_ENOTFOUND : RF_EIO, "%s: %s", path, strerror(errno));
    uint64_t expected = 0;
    rf_status status = check_readable(fd, path, limit, &expected);
    if (status == RF_OK) status = read_all(fd, path, limit, expected, out, size);
    close(fd);
    return status;
}

/* Where to write: links are followed, so that the link stays; devices and pipes are written in place. */
static rf_status resolve(rf_writer *w, const char *path, bool *in_place) {
    struct stat info;
    *in_place = false;
    if (strlen(path) + 32 > sizeof w->target) return rf__fail(RF_EIO, "%.64s...: the path is too long", path);
    strcpy(w->target, path);
    if (stat(path, &info) != 0) return RF_OK;
    if (S_ISDIR(info.st_mode)) return rf__fail(RF_EIO, "%s: is a directory, expected a file to write", path);
    *in_place = !S_ISREG(info.st_mode);
    char real[PATH_MAX];
    if (!*in_place && realpath(path, real) && strlen(real) + 32 < sizeof w->target) strcpy(w->target, real);
    return RF_OK;
}

rf_status rf__file_map(const char *path, const uint8_t **out, size_t *size) {
    struct stat info;
    *out = NULL;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return rf__fail(errno == ENOENT ? RF_ENOTFOUND : RF_EIO, "%s: %s", path, strerror(errno));
    void *mapping = MAP_FAILED;
    bool regular = !fstat(descriptor, &info) && S_ISREG(info.st_mode);
    if (regular && info.st_size > 0) mapping = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (!regular) return rf__fail(RF_EIO, "%s: is not a regular file", path);
    if (info.st_size == 0) return rf__fail(RF_EFORMAT, "%s: is empty", path);
    if (mapping == MAP_FAILED) return rf__fail(RF_EIO, "%s: cannot be mapped (%s)", path, strerror(errno));
    *out = mapping;
    *size = (size_t)info.st_size;
    return RF_OK;
}

void rf__file_unmap(const uint8_t **bytes, size_t size) {
    if (*bytes) munmap((void *)(uintptr_t)*bytes, size);
    *bytes = NULL;
}

rf_status rf__writer_open(rf_writer **out, const char *path) {
    static _Atomic unsigned serial;
    *out = NULL;
    rf_writer *w = rf__alloc(sizeof *w);
    if (!w) return rf__fail(RF_ENOMEM, "%s: out of memory", path);
    bool in_place;
    rf_status status = resolve(w, path, &in_place);
    if (status != RF_OK) goto fail;
    int fd = in_place ? open(w->target, O_WRONLY | O_CLOEXEC) : -1;
    for (bool taken = !in_place; taken; taken = fd < 0 && errno == EEXIST) { /* by a killed program of the same number */
        snprintf(w->temporary, sizeof w->temporary, "%.*s.%u-%u.tmp", PATH_MAX - 32, w->target, (unsigned)getpid(), serial++);
        fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (fd >= 0) w->stream = fdopen(fd, "wb");
    if (!w->stream) {
        status = rf__fail(RF_EIO, "%s: cannot be written (%s)", path, strerror(errno));
        if (fd >= 0) close(fd);
        if (fd >= 0 && !in_place) unlink(w->temporary);
        goto fail;
    }
    *out = w;
    return RF_OK;
fail:
    rf__free(w);
    return status;
}

FILE *rf__writer_stream(rf_writer *writer) {
    return writer->stream;
}

/* Make the rename itself survive a power cut. Some file systems refuse to sync a directory; that is no loss here. */
static void sync_directory(const char *path) {
    char folder[PATH_MAX];
    strcpy(folder, path);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

rf_status rf__writer_commit(rf_writer **writer) {
    rf_writer *w = *writer;
    bool in_place = w->temporary[0] == 0;
    errno = 0;
    bool fine = fflush(w->stream) == 0 && !ferror(w->stream);
    if (fine && !in_place) fine = fsync(fileno(w->stream)) == 0;
    int error = errno;
    /* A failed fwrite is remembered without its reason: the same disk gives it again. The file is discarded anyway. */
    if (!fine && !error && write(fileno(w->stream), "", 1) < 0) error = errno;
    if (fclose(w->stream) != 0 && fine) {
        fine = false;
        error = errno;
    }
    w->stream = NULL;
    if (fine && !in_place && rename(w->temporary, w->target) != 0) {
        fine = false;
        error = errno;
    }
    rf_status status = RF_OK;
    if (!fine)
        status = rf__fail(RF_EIO, "%s: could not be written (%s)", w->target, error ? strerror(error) : "an earlier write failed");
    if (fine && !in_place) {
        w->temporary[0] = 0;
        sync_directory(w->target);
    }
    rf__writer_abort(writer);
    return status;
}

void rf__writer_abort(rf_writer **writer) {
    if (!writer || !*writer) return;
    rf_writer *w = *writer;
    if (w->stream) fclose(w->stream);
    if (w->temporary[0]) unlink(w->temporary);
    rf__free(w);
    *writer = NULL;
}

rf_status rf__file_write(const char *path, const void *bytes, size_t size) {
    rf_writer *writer;
    RF_TRY(rf__writer_open(&writer, path));
    if (size > 0) (void)!fwrite(bytes, 1, size, writer->stream); /* commit sees the stream's error flag */
    return rf__writer_commit(&writer);
}

rf_status rf__path_lock(int *lock, const char *path, bool wait) {
    *lock = open(path, O_RDONLY | O_CLOEXEC);
    if (*lock < 0) return rf__fail(RF_EIO, "%s: %s", path, strerror(errno));
    if (flock(*lock, LOCK_EX | (wait ? 0 : LOCK_NB)) == 0) return RF_OK;
    rf_status status = errno == EWOULDBLOCK ? rf__fail(RF_EIO, "%s: another run writes here at this moment, expected a place of its own", path)
                       : errno == EINTR     ? rf__fail(RF_EINTERRUPTED, "interrupted")
                                            : RF_OK; /* a file system without locks */
    if (status != RF_OK) rf__path_unlock(lock);
    return status;
}

void rf__path_unlock(int *lock) {
    if (*lock >= 0) close(*lock);
    *lock = -1;
}

rf_status rf__make_dirs(const char *path) {
    char partial[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial) return rf__fail(RF_EIO, "'%.64s' is no usable folder name", path);
    for (size_t i = 1; i <= length; i++) {
        if (i < length && path[i] != '/') continue;
        memcpy(partial, path, i);
        partial[i] = 0;
        struct stat info;
        if (mkdir(partial, 0777) == 0 || (errno == EEXIST && stat(partial, &info) == 0 && S_ISDIR(info.st_mode))) continue;
        return rf__fail(RF_EIO, "%s: the folder cannot be made (%s)", partial, strerror(errno));
    }
    return RF_OK;
}

bool rf__file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool rf__file_begins(const char *path, const char *signature, size_t size) {
    char head[64];
    FILE *file = fopen(path, "rb");
    bool same = file && size <= sizeof head && fread(head, 1, size, file) == size && memcmp(head, signature, size) == 0;
    if (file) fclose(file);
    return same;
}
