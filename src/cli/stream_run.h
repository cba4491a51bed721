/* stream_run.h - the pipeline of `strait stream`: one thread reads and decodes, the caller's drives the network, one encodes and writes;
 * bounded queues between them. */
#ifndef RF_CLI_STREAM_RUN_H
#define RF_CLI_STREAM_RUN_H
#include "../flow/frame_queue.h"
#include "../flow/stream.h"
#include "../io/frames.h"

typedef struct rf_stream_run {
    rf_frame_source *source;
    rf_frame_sink *sink;
    _Atomic int *stop;      /* the source watches it; set when the output fails */
    rf_frame_stream_opts stream;   /* leave and user are set here */
    int queue;               /* frames that may wait on either side of the network */
    rf_when_full when_full;  /* of the input side */
    double pace;             /* frames a second that the input may bring, 0: as they come */
    double most_latency;     /* seconds; a frame that has waited longer is not begun, 0: any */
} rf_stream_run;

typedef struct rf_stream_report {
    int64_t in, out, dropped, too_late; /* dropped: by the queue; too_late: by most_latency */
    rf_frame_stream_stats stream;
    rf_histogram latency; /* seconds from a frame's last byte in to its last byte out */
    double seconds;       /* from the first frame in to the last out */
} rf_stream_report;

/* Until the input ends or something fails. The sink is left open. */
rf_status rf__stream_run(const rf_stream_run *run, rf_stream_report *report);

#endif
