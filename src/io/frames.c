/* frames.c - opening and closing, bytes from a descriptor, bare pixels, folders; Y4M is frames_y4m.c. */
#include "frames.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/memory.h"
#include "frames_inside.h"
#include "image.h"

/* ---- bytes ---- */
bool rf__input_stopped(const rf_byte_input *in) { return rf__interrupted || (in->stop && *in->stop); }

/* Some more bytes behind those that are there. Waits a tenth of a second at a time: a stop must not wait for a silent camera. */
static rf_status fill(rf_byte_input *in, bool *ended) {
    if (in->at > 0) memmove(in->bytes, in->bytes + in->at, in->end - in->at);
    in->end -= in->at;
    in->at = 0;
    *ended = false;
    for (;;) {
        struct pollfd ready = {.fd = in->fd, .events = POLLIN};
        if ((*ended = rf__input_stopped(in))) return RF_OK;
        int count = poll(&ready, 1, 100);
        if (count == 0 || (count < 0 && errno == EINTR)) continue;
        ssize_t got = read(in->fd, in->bytes + in->end, sizeof in->bytes - in->end);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return rf__fail(RF_EIO, "%s: reading failed: %s", in->name, strerror(errno));
        *ended = got == 0;
        in->end += (size_t)got;
        return RF_OK;
    }
}

rf_status rf__input_peek(rf_byte_input *in, size_t size) {
    bool ended = false;
    while (in->end - in->at < size && !ended) RF_TRY(fill(in, &ended));
    return RF_OK;
}

rf_status rf__input_read(rf_byte_input *in, void *out, size_t size, size_t *got) {
    *got = 0;
    while (*got < size) {
        bool ended = false;
        if (in->at == in->end) RF_TRY(fill(in, &ended));
        if (ended) return RF_OK;
        size_t piece = in->end - in->at < size - *got ? in->end - in->at : size - *got;
        memcpy((char *)out + *got, in->bytes + in->at, piece);
        in->at += piece;
        *got += piece;
    }
    return RF_OK;
}

rf_status rf__input_line(rf_byte_input *in, char *text, int room, int *length) {
    *length = 0;
    for (;;) {
        char c;
        size_t got;
        RF_TRY(rf__input_read(in, &c, 1, &got));
        if (got == 0 && *length == 0) *length = -1;
        if (got == 0 || c == '\n') break;
        if (*length == room - 1) return rf__fail(RF_EFORMAT, "%s: a header line is longer than %d bytes", in->name, room - 1);
        text[(*length)++] = c;
    }
    text[*length > 0 ? *length : 0] = '\0';
    return RF_OK;
}

/* ---- pixels ---- */
void rf__frame_channels(const uint8_t *in, int from, uint8_t *out, int to, int64_t count) {
    for (int64_t i = 0; i < count; i++, in += from, out += to) {
        if (from == 3 && to == 1) out[0] = (uint8_t)((299 * in[0] + 587 * in[1] + 114 * in[2] + 500) / 1000);
        else
            for (int c = 0; c < to; c++) out[c] = in[from == 1 ? 0 : c];
    }
}

rf_status rf__frame_ragged(const rf_frame_source *source, size_t got, size_t size) {
    return rf__fail(RF_EFORMAT, "%s: ends inside frame %lld, after %zu of %zu bytes", source->name, (long long)source->number, got, size);
}

/* ---- bare pixels ---- */
static rf_status raw_open(rf_frame_source *source) {
    const rf_frame_info *want = &source->opts.want;
    source->buffer_size = (size_t)want->width * (size_t)want->height * (size_t)source->opts.raw_channels;
    source->buffer = rf__alloc(source->buffer_size);
    return source->buffer ? RF_OK : rf__fail(RF_ENOMEM, "%s: no memory for a frame of %zu bytes", source->name, source->buffer_size);
}

static rf_status raw_next(rf_frame_source *source, uint8_t *pixels, bool *more) {
    const rf_frame_info *want = &source->opts.want;
    size_t got;
    RF_TRY(rf__input_read(&source->in, source->buffer, source->buffer_size, &got));
    *more = got == source->buffer_size;
    if (!*more && got && !rf__input_stopped(&source->in)) {
        rf__frame_ragged(source, got, source->buffer_size);
        return rf__fail(RF_EFORMAT, "%s, expected frames of %dx%d with %d channels", rf_last_error(), want->width, want->height,
                        source->opts.raw_channels);
    }
    if (*more)
        rf__frame_channels(source->buffer, source->opts.raw_channels, pixels, want->channels, (int64_t)want->width * want->height);
    return RF_OK;
}

static rf_status write_failed(const rf_frame_sink *sink) {
    return rf__fail(RF_EIO, "%s: writing frame %lld failed: %s", strcmp(sink->path, "-") ? sink->path : "standard output",
                    (long long)sink->number, strerror(errno));
}

static rf_status raw_put(rf_frame_sink *sink, const uint8_t *pixels) {
    size_t size = (size_t)sink->info.width * (size_t)sink->info.height * (size_t)sink->info.channels;
    return fwrite(pixels, 1, size, sink->stream) == size && fflush(sink->stream) == 0 ? RF_OK : write_failed(sink);
}

const rf_frame_format rf__frames_raw = {"raw", "bare pixels, row by row", raw_open, raw_next, NULL, raw_put};

/* ---- folders ---- */
static rf_status folder_open(rf_frame_source *source) { return rf__picture_list_read(&source->list, source->opts.path); }

static rf_status folder_next(rf_frame_source *source, uint8_t *pixels, bool *more) {
    const rf_frame_info *want = &source->opts.want;
    *more = source->number < source->list.count && !rf__input_stopped(&source->in);
    if (!*more) return RF_OK;
    const char *path = source->list.path[source->number];
    rf_image image;
    RF_TRY(rf__image_read(&image, path, want->channels));
    rf_status status = RF_OK;
    if (image.width != want->width || image.height != want->height)
        status = rf__fail(RF_EMISMATCH, "%s: the picture is %dx%d, expected %dx%d", path, image.width, image.height, want->width, want->height);
    else
        memcpy(pixels, image.pixels, (size_t)image.width * (size_t)image.height * (size_t)image.channels);
    rf__image_free(&image);
    return status;
}

static rf_status folder_begin(rf_frame_sink *sink) { return rf__make_dirs(sink->path); }

static rf_status folder_put(rf_frame_sink *sink, const uint8_t *pixels) {
    char *path = NULL;
    if (asprintf(&path, "%s/frame_%06lld.png", sink->path, (long long)sink->number) < 0) return rf__fail(RF_ENOMEM, "no memory for a file name");
    const rf_image image = {sink->info.width, sink->info.height, sink->info.channels, (uint8_t *)pixels};
    rf_status status = rf__png_write(path, &image, NULL, 0);
    free(path);
    return status;
}

const rf_frame_format rf__frames_folder = {"folder", "a picture a frame", folder_open, folder_next, folder_begin, folder_put};

/* ---- the table ---- */
const rf_frame_format *const rf__frame_formats[] = {&rf__frames_y4m, &rf__frames_raw, &rf__frames_folder, NULL};

static const rf_frame_format *find(const char *name) {
    for (int i = 0; rf__frame_formats[i]; i++)
        if (!strcmp(rf__frame_formats[i]->name, name)) return rf__frame_formats[i];
    rf__fail(RF_EINVAL, "no format '%.40s' of moving pictures, expected y4m, raw or folder", name);
    return NULL;
}

/* ---- reading ---- */
static bool is_folder(const char *path) {
    struct stat info;
    return strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static rf_status open_bytes(rf_frame_source *source) {
    rf_byte_input *in = &source->in;
    bool standard = strcmp(source->opts.path, "-") == 0;
    in->fd = standard ? STDIN_FILENO : open(source->opts.path, O_RDONLY | O_CLOEXEC);
    in->owned = !standard && in->fd >= 0;
    return in->fd >= 0 ? RF_OK : rf__fail(RF_EIO, "%s: cannot be opened: %s", source->name, strerror(errno));
}

static rf_status choose(rf_frame_source *source) {
    bool guess = strcmp(source->opts.format, "auto") == 0, folder = is_folder(source->opts.path);
    if (!guess && !(source->format = find(source->opts.format))) return RF_EINVAL;
    if (guess && folder) source->format = &rf__frames_folder;
    if (source->format == &rf__frames_folder) return RF_OK;
    if (folder) return rf__fail(RF_EINVAL, "%s: is a folder, expected a file with frames as %s", source->name, source->format->name);
    RF_TRY(open_bytes(source));
    if (!guess) return RF_OK;
    RF_TRY(rf__input_peek(&source->in, 9));
    bool y4m = source->in.end >= 9 && memcmp(source->in.bytes, "YUV4MPEG2", 9) == 0;
    source->format = y4m ? &rf__frames_y4m : &rf__frames_raw;
    return RF_OK;
}

rf_status rf__frame_source_open(rf_frame_source **out, const rf_frame_source_opts *opts) {
    *out = NULL;
    rf_frame_source *source = rf__alloc(sizeof *source);
    if (!source) return rf__fail(RF_ENOMEM, "no memory to read frames");
    source->opts = *opts;
    source->info = opts->want;
    source->info.rate = 0;
    source->in = (rf_byte_input){.fd = -1, .stop = opts->stop};
    source->name = strdup(strcmp(opts->path, "-") ? opts->path : "standard input");
    source->in.name = source->name;
    rf_status status = source->name ? choose(source) : rf__fail(RF_ENOMEM, "no memory to read frames");
    if (status == RF_OK) status = source->format->open(source);
    if (status != RF_OK) rf__frame_source_close(&source);
    *out = source;
    return status;
}

void rf__frame_source_close(rf_frame_source **source) {
    rf_frame_source *dead = source ? *source : NULL;
    if (!dead) return;
    if (dead->in.owned) close(dead->in.fd);
    rf__picture_list_fini(&dead->list);
    rf__free(dead->buffer);
    free(dead->name);
    rf__free(dead);
    *source = NULL;
}

rf_frame_info rf__frame_source_info(const rf_frame_source *source) { return source->info; }

rf_status rf__frame_source_next(rf_frame_source *source, uint8_t *pixels, bool *more) {
    RF_TRY(source->format->next(source, pixels, more));
    source->number += *more;
    return RF_OK;
}

/* ---- writing ---- */
static rf_status open_stream(rf_frame_sink *sink) {
    if (strcmp(sink->path, "-") == 0) {
        sink->stream = stdout;
        return RF_OK;
    }
    RF_TRY(rf__writer_open(&sink->writer, sink->path));
    sink->stream = rf__writer_stream(sink->writer);
    return RF_OK;
}

rf_status rf__frame_sink_open(rf_frame_sink **out, const char *path, const char *format, const rf_frame_info *info) {
    *out = NULL;
    rf_frame_sink *sink = rf__alloc(sizeof *sink);
    if (!sink) return rf__fail(RF_ENOMEM, "no memory to write frames");
    sink->info = *info;
    sink->format = find(format);
    sink->path = strdup(path);
    rf_status status = !sink->format ? RF_EINVAL : sink->path ? RF_OK : rf__fail(RF_ENOMEM, "no memory to write frames");
    if (status == RF_OK && sink->format != &rf__frames_folder) status = open_stream(sink);
    if (status == RF_OK && sink->format->begin) status = sink->format->begin(sink);
    if (status != RF_OK) rf__frame_sink_abort(&sink);
    *out = sink;
    return status;
}

rf_status rf__frame_sink_put(rf_frame_sink *sink, const uint8_t *pixels) {
    RF_TRY(sink->format->put(sink, pixels));
    sink->number++;
    return RF_OK;
}

rf_status rf__frame_sink_commit(rf_frame_sink **sink) {
    rf_frame_sink *done = *sink;
    rf_status status = RF_OK;
    if (done->writer) status = rf__writer_commit(&done->writer);
    else if (done->stream && fflush(done->stream) != 0) status = write_failed(done);
    rf__frame_sink_abort(sink);
    return status;
}

void rf__frame_sink_abort(rf_frame_sink **sink) {
    rf_frame_sink *dead = sink ? *sink : NULL;
    if (!dead) return;
    rf__writer_abort(&dead->writer);
    rf__free(dead->buffer);
    free(dead->path);
    rf__free(dead);
    *sink = NULL;
}
