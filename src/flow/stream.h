/* stream.h - image-to-image on a sequence of frames: every frame is a job that begins at its own noised picture, several are under way
 * at the same time, and they leave in the order in which they came. One thread drives it; frame_queue.h joins it to others.
 * Source: StreamFlow (arXiv 2511.22009) and StreamDiffusion (arXiv 2312.12491). Where we differ: nothing but pictures of frames ever comes
 * out (their ring starts full of noise), and the skip counter is reset by every processed frame (theirs never is). */
#ifndef RF_FLOW_STREAM_H
#define RF_FLOW_STREAM_H
#include "batcher.h"

typedef struct rf_frame_stream rf_frame_stream;

/* Skip frames that look like the last processed one: with probability (s - threshold) / (1 - threshold), s the cosine of the two, at most
 * `most` in a row; what came out before is shown again. (StreamDiffusion, section 3.5.) */
typedef struct rf_similarity {
    double threshold; /* 1: never skip */
    int most;
} rf_similarity;

/* A frame that leaves. Borrowed for the call. */
typedef struct rf_frame_out {
    int64_t index;       /* as pushed */
    double arrived;      /* as pushed */
    const float *x;      /* [scalars] */
    bool repeated;       /* skipped: x is the picture before */
    rf_counters counters;
} rf_frame_out;

typedef struct rf_frame_stream_opts {
    rf_job_spec job;   /* of every frame: field, solver, grid from t0 on, condition, guidance, policy. The stream sets init, seed and, when
                          `towards_source`, the guidance's target, which is the frame itself */
    bool towards_source;
    bool fresh_noise;  /* noise of frame k is that of seed + k; false: the same for all, which flickers less */
    int in_flight;     /* frames under way at the same time, at least 1 */
    int rows;          /* of a call */
    const rf_admission *admission; /* NULL: arrival */
    rf_similarity similarity;
    rf_status (*leave)(void *user, const rf_frame_out *frame); /* in the order of pushing; an error stops the stream */
    void *user;
} rf_frame_stream_opts;

typedef struct rf_frame_stream_stats {
    int64_t pushed, processed, skipped;
    rf_counters counters;
    rf_batcher_stats batcher;
} rf_frame_stream_stats;

enum { RF_STREAM_SKIP = 80 }; /* random numbers of the similarity filter: one a frame */

/* The grid's first point t0 is the strength: 1 - t0 of the frame is replaced by noise. errors: as rf__batcher_create. */
rf_status rf__frame_stream_create(rf_frame_stream **out, const rf_frame_stream_opts *opts);
void rf__frame_stream_free(rf_frame_stream **stream);
/* A frame may be pushed now. */
bool rf__frame_stream_room(const rf_frame_stream *stream);
/* x: [scalars], copied. arrived: for the caller. */
rf_status rf__frame_stream_push(rf_frame_stream *stream, const float *x, int64_t index, double arrived);
bool rf__frame_stream_busy(const rf_frame_stream *stream); /* frames are inside */
/* One call of the network, and the frames that it finishes leave. errors: those of the field, of a job (RF_ENUMERIC with its sentence) and
 * of `leave`. */
rf_status rf__frame_stream_tick(rf_frame_stream *stream);
rf_frame_stream_stats rf__frame_stream_stats(const rf_frame_stream *stream);

/* The filter alone. Zero-filled but for its settings is the start; `last` must hold room for n numbers. True: skip this frame. */
typedef struct rf_similarity_state {
    rf_similarity opts;
    uint64_t seed;
    int in_a_row;
    bool started;
    float *last; /* [n] the last processed frame */
} rf_similarity_state;
bool rf__similarity_skips(rf_similarity_state *state, const float *x, int64_t n, int64_t index);

#endif
