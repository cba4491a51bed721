/* frames_inside.h - what the formats of frames.h share. */
#ifndef RF_IO_FRAMES_INSIDE_H
#define RF_IO_FRAMES_INSIDE_H
#include <stdio.h>

#include "../base/file.h"
#include "frames.h"
#include "picture_list.h"

/* Bytes from a descriptor, waiting so that a stop is noticed. */
typedef struct rf_byte_input {
    int fd;
    bool owned;
    const char *name; /* for sentences */
    const _Atomic int *stop;
    size_t at, end;
    uint8_t bytes[65536];
} rf_byte_input;

/* Up to `size` bytes; fewer only at the end of the input. */
rf_status rf__input_read(rf_byte_input *in, void *out, size_t size, size_t *got);
/* A line without its end into text; *length -1 at the end of the input. More than room - 1 bytes: RF_EFORMAT. */
rf_status rf__input_line(rf_byte_input *in, char *text, int room, int *length);
/* At least `size` bytes (at most the buffer) to look at without taking them; fewer at the end of the input. */
rf_status rf__input_peek(rf_byte_input *in, size_t size);
bool rf__input_stopped(const rf_byte_input *in);

struct rf_frame_format {
    const char *name, *help;
    rf_status (*open)(rf_frame_source *source);
    rf_status (*next)(rf_frame_source *source, uint8_t *pixels, bool *more);
    rf_status (*begin)(rf_frame_sink *sink);
    rf_status (*put)(rf_frame_sink *sink, const uint8_t *pixels);
};
extern const rf_frame_format rf__frames_y4m, rf__frames_raw, rf__frames_folder;

struct rf_frame_source {
    const rf_frame_format *format;
    rf_frame_source_opts opts;
    rf_frame_info info;
    char *name;
    rf_byte_input in;
    int64_t number;        /* of the next frame */
    uint8_t *buffer;       /* one frame as the file has it */
    size_t buffer_size;
    int chroma_x, chroma_y; /* Y4M: how many luma samples one chroma sample spans; 0: gray */
    bool full_range, says_range;
    rf_picture_list list;
};

struct rf_frame_sink {
    const rf_frame_format *format;
    rf_frame_info info;
    char *path;
    FILE *stream; /* standard output or the writer's */
    rf_writer *writer;
    int64_t number;
    uint8_t *buffer;
};

/* [count, from] to [count, to] channels: gray is 0.299 R + 0.587 G + 0.114 B, as libpng and JPEG have it. */
void rf__frame_channels(const uint8_t *in, int from, uint8_t *out, int to, int64_t count);
/* The input ended `got` bytes into a frame of `size`. */
rf_status rf__frame_ragged(const rf_frame_source *source, size_t got, size_t size);

#endif
