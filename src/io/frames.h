/* frames.h - moving pictures in and out, one frame at a time: Y4M, bare pixels, a folder of pictures. The formats are a table. */
#ifndef RF_IO_FRAMES_H
#define RF_IO_FRAMES_H
#include "../base/status.h"

/* What one frame is: 8-bit [height, width, channels], channels 1 (gray) or 3 (RGB). */
typedef struct rf_frame_info {
    int width, height, channels;
    int rate, scale; /* rate / scale frames a second; rate 0: not known */
} rf_frame_info;

typedef struct rf_frame_source rf_frame_source;
typedef struct rf_frame_sink rf_frame_sink;

typedef struct rf_frame_source_opts {
    const char *path;        /* "-" is standard input */
    const char *format;      /* of rf__frame_formats, or "auto": a folder, or what the first bytes say, else raw */
    rf_frame_info want;      /* what the caller takes; another size is an error, other channels are converted */
    int raw_channels;        /* of bare pixels: 1 or 3 */
    const _Atomic int *stop; /* reading ends, as if the input did, soon after this becomes other than 0; may be NULL */
} rf_frame_source_opts;

/* Names and one line of help each; NULL-terminated. */
typedef struct rf_frame_format rf_frame_format;
extern const rf_frame_format *const rf__frame_formats[];

/* errors: RF_EIO, RF_EFORMAT with the place, RF_EMISMATCH with both sizes. */
rf_status rf__frame_source_open(rf_frame_source **out, const rf_frame_source_opts *opts);
void rf__frame_source_close(rf_frame_source **source);
/* The rate is the file's. */
rf_frame_info rf__frame_source_info(const rf_frame_source *source);
/* pixels: [height, width, channels] of `want`. *more false: the end, pixels untouched. An input that ends inside a frame is an error. */
rf_status rf__frame_source_next(rf_frame_source *source, uint8_t *pixels, bool *more);

/* path "-" is standard output; a folder gets frame_000000.png and so on. A file is complete when commit says so, and absent otherwise.
 * format: "y4m", "raw" or "folder". */
rf_status rf__frame_sink_open(rf_frame_sink **out, const char *path, const char *format, const rf_frame_info *info);
/* What is written to a pipe is there when the call returns. */
rf_status rf__frame_sink_put(rf_frame_sink *sink, const uint8_t *pixels);
rf_status rf__frame_sink_commit(rf_frame_sink **sink); /* frees */
void rf__frame_sink_abort(rf_frame_sink **sink);       /* frees; NULL-safe */

#endif
