/* frames_y4m.c - YUV4MPEG2, the format in which ffmpeg and mpv pass moving pictures through pipes: 8-bit 4:2:0, 4:2:2, 4:4:4 and gray in;
 * 4:4:4 or gray out. Colours are BT.601, video range unless the header says XCOLORRANGE=FULL; gray is of full range unless it says LIMITED, as ffmpeg
 * has it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"
#include "frames_inside.h"

#define MOST_SIDE 65536

typedef struct chroma {
    const char *name;
    int x, y; /* luma samples a chroma sample spans */
} chroma;
static const chroma chromas[] = {{"420", 2, 2}, {"420jpeg", 2, 2}, {"420mpeg2", 2, 2}, {"420paldv", 2, 2},
                                 {"422", 2, 1}, {"444", 1, 1},     {"411", 4, 1},      {"mono", 0, 0}};

static rf_status bad_header(const rf_frame_source *source, const char *what, const char *value, const char *expected) {
    return rf__fail(RF_EFORMAT, "%s: %s of the Y4M header is '%.40s', expected %s", source->name, what, value, expected);
}

static rf_status read_chroma(rf_frame_source *source, const char *value) {
    for (size_t i = 0; i < sizeof chromas / sizeof *chromas; i++) {
        if (strcmp(chromas[i].name, value)) continue;
        source->chroma_x = chromas[i].x;
        source->chroma_y = chromas[i].y;
        return RF_OK;
    }
    return bad_header(source, "the colour space", value, "8 bits: 420, 422, 444, 411 or mono");
}

static rf_status read_side(const rf_frame_source *source, const char *what, const char *value, int *out) {
    char *end;
    long number = strtol(value, &end, 10);
    if (*end || end == value || number < 1 || number > MOST_SIDE) return bad_header(source, what, value, "1 .. 65536");
    *out = (int)number;
    return RF_OK;
}

static rf_status read_tag(rf_frame_source *source, const char *tag) {
    switch (tag[0]) {
    case 'W': return read_side(source, "the width", tag + 1, &source->info.width);
    case 'H': return read_side(source, "the height", tag + 1, &source->info.height);
    case 'C': return read_chroma(source, tag + 1);
    case 'F':
        if (sscanf(tag + 1, "%d:%d", &source->info.rate, &source->info.scale) != 2 || source->info.rate < 0 || source->info.scale < 0)
            return bad_header(source, "the frame rate", tag + 1, "two numbers such as 25:1");
        if (source->info.scale == 0) source->info.rate = 0; /* 0:0 is "not known" */
        return RF_OK;
    case 'I':
        return tag[1] == 'p' || tag[1] == '?' ? RF_OK : bad_header(source, "the interlacing", tag + 1, "p (whole frames)");
    case 'X':
        if (!strncmp(tag, "XCOLORRANGE=", 12)) {
            source->full_range = !strcmp(tag + 12, "FULL");
            source->says_range = true;
        }
        return RF_OK;
    default: return RF_OK; /* pixel aspect and what others add */
    }
}

static size_t plane_size(const rf_frame_source *source) {
    if (!source->chroma_x) return 0;
    size_t w = ((size_t)source->info.width + (size_t)source->chroma_x - 1) / (size_t)source->chroma_x;
    size_t h = ((size_t)source->info.height + (size_t)source->chroma_y - 1) / (size_t)source->chroma_y;
    return w * h;
}

static rf_status open_y4m(rf_frame_source *source) {
    char line[1024], *rest = NULL;
    int length;
    RF_TRY(rf__input_line(&source->in, line, sizeof line, &length));
    if (length < 0) line[0] = '\0';
    char *word = strtok_r(line, " ", &rest);
    if (!word || strcmp(word, "YUV4MPEG2")) return rf__fail(RF_EFORMAT, "%s: does not begin with YUV4MPEG2, expected Y4M", source->name);
    const rf_frame_info *want = &source->opts.want;
    source->says_range = false;
    source->info.width = source->info.height = 0;
    source->chroma_x = source->chroma_y = 2;
    while ((word = strtok_r(NULL, " ", &rest))) RF_TRY(read_tag(source, word));
    if (!source->says_range) source->full_range = !source->chroma_x; /* gray */
    if (source->info.width != want->width || source->info.height != want->height)
        return rf__fail(RF_EMISMATCH, "%s: frames are %dx%d, expected %dx%d", source->name, source->info.width, source->info.height, want->width,
                        want->height);
    source->buffer_size = (size_t)want->width * (size_t)want->height + 2 * plane_size(source);
    source->buffer = rf__alloc(source->buffer_size);
    return source->buffer ? RF_OK : rf__fail(RF_ENOMEM, "%s: no memory for a frame of %zu bytes", source->name, source->buffer_size);
}

static uint8_t clamp(double value) { return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5); }

/* Video range: Y 16 .. 235, Cb and Cr 16 .. 240 around 128; full range: 0 .. 255 all three. */
static double luma_of(uint8_t value, bool full) { return full ? value : (value - 16) * 255.0 / 219; }
static double chroma_of(uint8_t value, bool full) { return (value - 128) * (full ? 1 : 255.0 / 224); }

static void pixel_from(const rf_frame_source *source, size_t luma, size_t chroma_at, size_t plane, uint8_t *out) {
    const uint8_t *bytes = source->buffer;
    size_t pixels = (size_t)source->info.width * (size_t)source->info.height;
    double y = luma_of(bytes[luma], source->full_range), cb = 0, cr = 0;
    if (plane) cb = chroma_of(bytes[pixels + chroma_at], source->full_range);
    if (plane) cr = chroma_of(bytes[pixels + plane + chroma_at], source->full_range);
    uint8_t rgb[3] = {clamp(y + 1.402 * cr), clamp(y - 0.344136 * cb - 0.714136 * cr), clamp(y + 1.772 * cb)};
    if (source->opts.want.channels == 1) out[0] = clamp(y);
    else memcpy(out, rgb, 3);
}

static rf_status next_y4m(rf_frame_source *source, uint8_t *pixels, bool *more) {
    char line[256];
    int length;
    size_t got;
    *more = false;
    RF_TRY(rf__input_line(&source->in, line, sizeof line, &length));
    if (length < 0 || rf__input_stopped(&source->in)) return RF_OK;
    if (strncmp(line, "FRAME", 5) || (line[5] && line[5] != ' '))
        return rf__fail(RF_EFORMAT, "%s: frame %lld begins with '%.20s', expected FRAME", source->name, (long long)source->number, line);
    RF_TRY(rf__input_read(&source->in, source->buffer, source->buffer_size, &got));
    if (got < source->buffer_size) return rf__input_stopped(&source->in) ? RF_OK : rf__frame_ragged(source, got, source->buffer_size);
    size_t plane = plane_size(source);
    int w = source->info.width, cw = source->chroma_x ? (w + source->chroma_x - 1) / source->chroma_x : 0;
    for (int y = 0; y < source->info.height; y++)
        for (int x = 0; x < w; x++) {
            size_t at = (size_t)y * (size_t)w + (size_t)x;
            size_t chroma_at = cw ? (size_t)(y / source->chroma_y) * (size_t)cw + (size_t)(x / source->chroma_x) : 0;
            pixel_from(source, at, chroma_at, plane, pixels + at * (size_t)source->opts.want.channels);
        }
    *more = true;
    return RF_OK;
}

/* ---- out ---- */
static rf_status begin_y4m(rf_frame_sink *sink) {
    const rf_frame_info *info = &sink->info;
    sink->buffer = rf__alloc((size_t)info->width * (size_t)info->height * (size_t)info->channels);
    if (!sink->buffer) return rf__fail(RF_ENOMEM, "no memory for a frame");
    int rate = info->rate ? info->rate : 25, scale = info->rate ? info->scale : 1;
    if (fprintf(sink->stream, "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C%s\n", info->width, info->height, rate, scale,
                info->channels == 1 ? "mono XCOLORRANGE=FULL" : "444 XCOLORRANGE=LIMITED") > 0)
        return RF_OK;
    return rf__fail(RF_EIO, "%s: writing the header failed: %s", sink->path, strerror(errno));
}

static rf_status put_y4m(rf_frame_sink *sink, const uint8_t *pixels) {
    size_t count = (size_t)sink->info.width * (size_t)sink->info.height, channels = (size_t)sink->info.channels;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = pixels + i * channels;
        if (channels == 1) {
            sink->buffer[i] = p[0];
            continue;
        }
        double y = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
        sink->buffer[i] = clamp(16 + y * 219.0 / 255);
        sink->buffer[count + i] = clamp(128 + (p[2] - y) / 1.772 * 224.0 / 255);
        sink->buffer[2 * count + i] = clamp(128 + (p[0] - y) / 1.402 * 224.0 / 255);
    }
    size_t size = count * channels;
    if (fputs("FRAME\n", sink->stream) >= 0 && fwrite(sink->buffer, 1, size, sink->stream) == size && fflush(sink->stream) == 0) return RF_OK;
    return rf__fail(RF_EIO, "%s: writing frame %lld failed: %s", strcmp(sink->path, "-") ? sink->path : "standard output",
                    (long long)sink->number, strerror(errno));
}

const rf_frame_format rf__frames_y4m = {"y4m", "YUV4MPEG2, as ffmpeg and mpv write and read it", open_y4m, next_y4m, begin_y4m, put_y4m};
