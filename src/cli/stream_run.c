/* stream_run.c - see stream_run.h. */
#include "stream_run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../io/image.h"

/* A failure on one thread, told on another: sentences are kept a thread. */
typedef struct failure {
    rf_status status;
    char sentence[300];
} failure;

typedef struct pipeline {
    const rf_stream_run *run;
    rf_stream_report *report; /* out and latency belong to the writer, the rest to the network's thread */
    rf_frame_stream *stream;
    rf_frame_queue *in, *out;
    int64_t scalars;
    failure reader, writer; /* read after the thread is joined, or after its queue is closed */
    _Atomic int64_t read, written;
    _Atomic double first_in;
    /* the live line: */
    rf_progress progress;
    double latency, noted;
    int64_t noted_frames;
    double fps;
} pipeline;

static void note_failure(failure *f, rf_status status) {
    f->status = status;
    snprintf(f->sentence, sizeof f->sentence, "%s", rf_last_error());
}

static rf_status raise_failure(const failure *f) { return f->status == RF_OK ? RF_OK : rf__fail(f->status, "%s", f->sentence); }

/* ---- reading ---- */

/* Frame k of a paced input is not there before first + k / pace. */
static void keep_pace(const pipeline *p, int64_t k, double first) {
    while (p->run->pace > 0 && !*p->run->stop && !rf__interrupted) {
        double left = first + (double)k / p->run->pace - rf__now();
        if (left <= 0) return;
        if (left > 0.1) left = 0.1; /* a stop must not wait long */
        nanosleep(&(struct timespec){0, (long)(left * 1e9)}, NULL);
    }
}

static rf_status read_frames(pipeline *p, uint8_t *pixels, float *x) {
    double first = rf__now();
    for (int64_t k = 0;; k++) {
        bool more;
        RF_TRY(rf__frame_source_next(p->run->source, pixels, &more));
        if (!more) return RF_OK;
        keep_pace(p, k, first);
        double now = rf__now();
        if (k == 0) p->first_in = now;
        for (int64_t i = 0; i < p->scalars; i++) x[i] = rf__pixel_to_f32(pixels[i]);
        p->read = k + 1;
        if (!rf__frame_queue_push(p->in, x, (rf_frame_tag){k, now})) return RF_OK;
    }
}

static void *reader_main(void *arg) {
    pipeline *p = arg;
    uint8_t *pixels = rf__alloc((size_t)p->scalars);
    float *x = rf__alloc_array((size_t)p->scalars, sizeof *x);
    rf_status status = pixels && x ? read_frames(p, pixels, x) : rf__fail(RF_ENOMEM, "no memory for a frame");
    if (status != RF_OK) note_failure(&p->reader, status);
    rf__frame_queue_close(p->in);
    rf__free(pixels);
    rf__free(x);
    return NULL;
}

/* ---- writing ---- */
static rf_status write_frames(pipeline *p, uint8_t *pixels, float *x) {
    rf_frame_tag tag;
    while (rf__frame_queue_pop(p->out, true, x, &tag) == RF_POP_FRAME) {
        for (int64_t i = 0; i < p->scalars; i++) pixels[i] = rf__pixel_from_f32(x[i]);
        RF_TRY(rf__frame_sink_put(p->run->sink, pixels));
        double now = rf__now();
        rf__histogram_add(&p->report->latency, now - tag.arrived);
        p->report->out = ++p->written;
        p->report->seconds = now - p->first_in;
    }
    return RF_OK;
}

static void *writer_main(void *arg) {
    pipeline *p = arg;
    uint8_t *pixels = rf__alloc((size_t)p->scalars);
    float *x = rf__alloc_array((size_t)p->scalars, sizeof *x);
    rf_status status = pixels && x ? write_frames(p, pixels, x) : rf__fail(RF_ENOMEM, "no memory for a frame");
    if (status != RF_OK) { /* nobody wants what is still on its way */
        note_failure(&p->writer, status);
        *p->run->stop = 1;
        rf__frame_queue_abandon(p->in);
        rf__frame_queue_abandon(p->out);
    }
    rf__free(pixels);
    rf__free(x);
    return NULL;
}

/* ---- the network ---- */
static rf_status leave(void *user, const rf_frame_out *frame) {
    pipeline *p = user;
    p->latency = rf__now() - frame->arrived;
    if (rf__frame_queue_push(p->out, frame->x, (rf_frame_tag){frame->index, frame->arrived})) return RF_OK;
    return rf__fail(RF_EIO, "the output is closed");
}

static void show(pipeline *p) {
    double now = rf__now();
    int64_t frames = p->written;
    if (now - p->noted >= 1) {
        p->fps = (double)(frames - p->noted_frames) / (now - p->noted);
        p->noted = now;
        p->noted_frames = frames;
    }
    char note[120];
    snprintf(note, sizeof note, "%.1f fps, latency %.0f ms, %lld skipped, %lld dropped", p->fps, 1e3 * p->latency,
             (long long)rf__frame_stream_stats(p->stream).skipped, (long long)(rf__frame_queue_dropped(p->in) + p->report->too_late));
    rf__progress_update(&p->progress, frames, note);
}

/* Frames that wait, as many as there is room for. Waits for one only when the network has nothing to do. */
static rf_status take_in(pipeline *p, float *x, bool *ended) {
    while (!*ended && rf__frame_stream_room(p->stream)) {
        rf_frame_tag tag;
        rf_pop pop = rf__frame_queue_pop(p->in, !rf__frame_stream_busy(p->stream), x, &tag);
        *ended = pop == RF_POP_ENDED;
        if (pop != RF_POP_FRAME) break;
        if (p->run->most_latency > 0 && rf__now() - tag.arrived > p->run->most_latency) p->report->too_late++;
        else RF_TRY(rf__frame_stream_push(p->stream, x, tag.index, tag.arrived));
    }
    return RF_OK;
}

static rf_status drive(pipeline *p) {
    float *x = rf__alloc_array((size_t)p->scalars, sizeof *x);
    if (!x) return rf__fail(RF_ENOMEM, "no memory for a frame");
    bool ended = false;
    rf_status status = RF_OK;
    while (status == RF_OK && (!ended || rf__frame_stream_busy(p->stream))) {
        status = take_in(p, x, &ended);
        if (status == RF_OK && rf__frame_stream_busy(p->stream)) status = rf__frame_stream_tick(p->stream);
        show(p);
    }
    rf__free(x);
    return status;
}

/* Both threads come to an end by themselves once their queues are closed. */
static rf_status run_threads(pipeline *p) {
    pthread_t reader, writer;
    if (pthread_create(&writer, NULL, writer_main, p) != 0) return rf__fail(RF_ENOMEM, "no thread for the output");
    if (pthread_create(&reader, NULL, reader_main, p) != 0) {
        rf__frame_queue_abandon(p->out);
        pthread_join(writer, NULL);
        return rf__fail(RF_ENOMEM, "no thread for the input");
    }
    failure network = {RF_OK, ""};
    rf_status status = drive(p);
    if (status != RF_OK) {
        note_failure(&network, status);
        *p->run->stop = 1;
        rf__frame_queue_abandon(p->in);
    }
    rf__frame_queue_close(p->out);
    pthread_join(writer, NULL);
    pthread_join(reader, NULL);
    RF_TRY(raise_failure(&p->writer)); /* the cause; the network then only knows that the output is closed */
    RF_TRY(raise_failure(&network));
    return raise_failure(&p->reader);
}

rf_status rf__stream_run(const rf_stream_run *run, rf_stream_report *report) {
    memset(report, 0, sizeof *report);
    pipeline p = {.run = run, .report = report, .scalars = run->stream.job.field->scalars};
    rf_frame_stream_opts opts = run->stream;
    opts.leave = leave;
    opts.user = &p;
    size_t bytes = (size_t)p.scalars * sizeof(float);
    rf_status status = rf__frame_stream_create(&p.stream, &opts);
    if (status == RF_OK) status = rf__frame_queue_create(&p.in, run->queue, bytes, run->when_full);
    if (status == RF_OK) status = rf__frame_queue_create(&p.out, run->queue, bytes, RF_FULL_WAIT);
    if (status == RF_OK) {
        rf__progress_start(&p.progress, "frames", 0, 0);
        p.noted = rf__now();
        status = run_threads(&p);
        report->in = p.read;
        report->dropped = rf__frame_queue_dropped(p.in);
        report->stream = rf__frame_stream_stats(p.stream);
        char note[80];
        snprintf(note, sizeof note, "%.1f fps, %lld skipped, %lld dropped", report->seconds > 0 ? (double)report->out / report->seconds : 0,
                 (long long)report->stream.skipped, (long long)(report->dropped + report->too_late));
        rf__progress_update(&p.progress, report->out, NULL);
        rf__progress_finish(&p.progress, note);
    }
    rf__frame_queue_free(&p.in);
    rf__frame_queue_free(&p.out);
    rf__frame_stream_free(&p.stream);
    return status;
}
