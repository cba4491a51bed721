/* stream.c - frames to jobs, and finished jobs to frames in their order. */
#include "stream.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/memory.h"
#include "../base/rng.h"

/* A frame inside. */
typedef struct entry {
    int64_t index;
    double arrived;
    bool repeated, done;
    float *source, *out; /* [scalars]: the frame; where the walk begins, then its result */
    rf_counters counters;
} entry;

struct rf_frame_stream {
    rf_frame_stream_opts opts;
    rf_batcher *batcher;
    rf_similarity_state filter;
    rf_frame_stream_stats stats;
    entry *entries; /* ring in the order of pushing */
    int room, head, count, walking;
    float *noise, *shown; /* [scalars]; what left last */
    float *memory;
    rf_status status; /* the first failure */
    char sentence[256];
};

static void fail(rf_frame_stream *stream, rf_status status, const char *sentence) {
    if (stream->status != RF_OK) return;
    stream->status = status;
    snprintf(stream->sentence, sizeof stream->sentence, "%s", sentence);
}

static void on_finished(void *user, const rf_trajectory *trajectory) {
    rf_frame_stream *stream = user;
    entry *done = trajectory->spec.user;
    stream->walking--;
    if (trajectory->status != RF_JOB_DONE) {
        fail(stream, trajectory->failure, trajectory->sentence);
        return;
    }
    memcpy(done->out, trajectory->job.x, (size_t)trajectory->job.scalars * sizeof *done->out);
    done->counters = trajectory->counters;
    rf__counters_add(&stream->stats.counters, &trajectory->counters);
    done->done = true;
}

/* One block: noise | shown | the filter's reference | source and out of each entry. */
static bool allocate(rf_frame_stream *stream) {
    size_t n = ((size_t)stream->opts.job.field->scalars + 15) / 16 * 16, at = 3 * n;
    stream->memory = rf__alloc_array((size_t)(3 + 2 * stream->room) * n, sizeof(float));
    stream->entries = rf__alloc_array((size_t)stream->room, sizeof *stream->entries);
    if (!stream->memory || !stream->entries) return false;
    stream->noise = stream->memory;
    stream->shown = stream->memory + n;
    stream->filter.last = stream->memory + 2 * n;
    for (int i = 0; i < stream->room; i++, at += 2 * n)
        stream->entries[i] = (entry){.source = stream->memory + at, .out = stream->memory + at + n};
    return true;
}

rf_status rf__frame_stream_create(rf_frame_stream **out, const rf_frame_stream_opts *opts) {
    *out = NULL;
    if (opts->in_flight < 1) return rf__fail(RF_EINVAL, "a stream was asked for %d frames in flight, expected at least 1", opts->in_flight);
    rf_frame_stream *stream = rf__alloc(sizeof *stream);
    if (!stream) return rf__fail(RF_ENOMEM, "no memory for a stream");
    stream->opts = *opts;
    stream->room = opts->in_flight * 2; /* skipped frames that wait for their turn need places too */
    stream->filter = (rf_similarity_state){.opts = opts->similarity, .seed = opts->job.seed};
    const rf_batcher_opts batcher = {.rows = opts->rows, .slots = opts->in_flight, .queue = opts->in_flight, .admission = opts->admission,
                                     .finished = on_finished, .user = stream};
    rf_status status = allocate(stream) ? RF_OK : rf__fail(RF_ENOMEM, "no memory for %d frames", stream->room);
    if (status == RF_OK) status = rf__batcher_create(&stream->batcher, &batcher);
    if (status != RF_OK) {
        rf__frame_stream_free(&stream);
        return status;
    }
    rf__rng_normal_sample(opts->job.seed, RF_STREAM_NOISE, 0, opts->job.field->scalars, stream->noise);
    *out = stream;
    return RF_OK;
}

void rf__frame_stream_free(rf_frame_stream **stream) {
    rf_frame_stream *dead = *stream;
    if (!dead) return;
    rf__batcher_free(&dead->batcher);
    rf__free(dead->entries);
    rf__free(dead->memory);
    rf__free(dead);
    *stream = NULL;
}

bool rf__frame_stream_room(const rf_frame_stream *stream) {
    return stream->count < stream->room && stream->walking < stream->opts.in_flight;
}

bool rf__frame_stream_busy(const rf_frame_stream *stream) { return stream->count > 0; }

/* ---- the filter ---- */
static double cosine(const float *a, const float *b, int64_t n) {
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    if (aa == 0 || bb == 0) return aa == bb ? 1 : 0;
    return ab / sqrt(aa * bb);
}

bool rf__similarity_skips(rf_similarity_state *state, const float *x, int64_t n, int64_t index) {
    double threshold = state->opts.threshold, chance = 0;
    if (state->started && threshold < 1 && state->in_a_row < state->opts.most)
        chance = (cosine(x, state->last, n) - threshold) / (1 - threshold);
    float u = 1;
    if (chance > 0) rf__rng_uniform(state->seed, RF_STREAM_SKIP, (uint64_t)index, 1, &u);
    if (u < chance) {
        state->in_a_row++;
        return true;
    }
    memcpy(state->last, x, (size_t)n * sizeof *x);
    state->started = true;
    state->in_a_row = 0;
    return false;
}

/* ---- frames ---- */

/* x_t0 = (1 - t0) noise + t0 frame, where the walk begins. */
static void begin_at(rf_frame_stream *stream, entry *e) {
    int64_t n = stream->opts.job.field->scalars;
    float t0 = (float)stream->opts.job.times[0];
    if (stream->opts.fresh_noise)
        rf__rng_normal_sample(stream->opts.job.seed + (uint64_t)e->index, RF_STREAM_NOISE, 0, n, stream->noise);
    for (int64_t i = 0; i < n; i++) e->out[i] = (1 - t0) * stream->noise[i] + t0 * e->source[i];
}

/* Everything in front that is done leaves. */
static rf_status let_out(rf_frame_stream *stream) {
    size_t bytes = (size_t)stream->opts.job.field->scalars * sizeof(float);
    while (stream->count && stream->entries[stream->head].done) {
        entry *e = &stream->entries[stream->head];
        if (!e->repeated) memcpy(stream->shown, e->out, bytes);
        const rf_frame_out frame = {e->index, e->arrived, stream->shown, e->repeated, e->counters};
        stream->head = (stream->head + 1) % stream->room;
        stream->count--;
        RF_TRY(stream->opts.leave(stream->opts.user, &frame));
    }
    return RF_OK;
}

rf_status rf__frame_stream_push(rf_frame_stream *stream, const float *x, int64_t index, double arrived) {
    int64_t n = stream->opts.job.field->scalars;
    entry *e = &stream->entries[(stream->head + stream->count) % stream->room];
    e->index = index;
    e->arrived = arrived;
    e->counters = (rf_counters){0};
    e->done = e->repeated = rf__similarity_skips(&stream->filter, x, n, index);
    stream->stats.pushed++;
    stream->count++;
    if (e->repeated) {
        stream->stats.skipped++;
        return let_out(stream);
    }
    memcpy(e->source, x, (size_t)n * sizeof *x);
    begin_at(stream, e);
    rf_job_spec spec = stream->opts.job;
    spec.init = e->out;
    if (stream->opts.towards_source) spec.guidance_opts.target = e->source;
    spec.user = e;
    stream->stats.processed++;
    stream->walking++;
    return rf__batcher_submit(stream->batcher, &spec, NULL);
}

rf_status rf__frame_stream_tick(rf_frame_stream *stream) {
    RF_TRY(rf__batcher_tick(stream->batcher));
    if (stream->status != RF_OK) return rf__fail(stream->status, "%s", stream->sentence);
    return let_out(stream);
}

rf_frame_stream_stats rf__frame_stream_stats(const rf_frame_stream *stream) {
    rf_frame_stream_stats stats = stream->stats;
    stats.batcher = rf__batcher_stats(stream->batcher);
    return stats;
}
