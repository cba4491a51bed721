/* stream.c - the public stream of requests: a batcher driven one call at a time, and the requests it borrows from. */
#include "prepare.h"

#include "../base/progress.h"
#include "../base/memory.h"

/* One request; what its walk borrows lives here. */
typedef struct wish {
    struct wish *next;
    rf_prepared prepared;
    void *user;
    bool over;
} wish;

struct rf_stream {
    rf_sampler *sampler;
    rf_stream_opts opts;
    rf_batcher *batcher;
    wish *wishes;
};

void rf_default_stream_opts(rf_stream_opts *opts) { *opts = (rf_stream_opts){.queue = 64, .admission = "arrival"}; }

static rf_stream_result result_of(const rf_trajectory *trajectory) {
    const rf_counters *counters = &trajectory->counters;
    rf_stream_result result = {.id = trajectory->id,
                               .seconds = rf__now() - trajectory->submitted,
                               .answers = counters->nfe_full + counters->nfe_refine,
                               .passed = counters->extrapolated};
    if (trajectory->status == RF_JOB_DONE) result.image = trajectory->job.x;
    else if (trajectory->status == RF_JOB_CANCELLED) result.status = RF_EINTERRUPTED;
    else result.status = trajectory->failure, result.sentence = trajectory->sentence;
    return result;
}

static void finished(void *user, const rf_trajectory *trajectory) {
    rf_stream *stream = user;
    wish *done = trajectory->spec.user;
    rf_stream_result result = result_of(trajectory);
    result.user = done->user;
    done->over = true;
    stream->opts.finished(stream->opts.user, &result);
}

/* Not in `finished`: a policy that learns does so when its walk is taken down, after that call. */
static rf_status forget_those_over(rf_stream *stream, bool all) {
    rf_status status = RF_OK;
    for (wish **at = &stream->wishes; *at;) {
        wish *gone = *at;
        if (!gone->over && !all) {
            at = &gone->next;
            continue;
        }
        *at = gone->next;
        rf_status saved = gone->over ? rf__prepared_save(&gone->prepared) : RF_OK;
        if (status == RF_OK) status = saved;
        rf__prepared_fini(&gone->prepared);
        rf__free(gone);
    }
    return status;
}

rf_status rf_stream_open(rf_stream **out, rf_sampler *sampler, const rf_stream_opts *opts) {
    *out = NULL;
    if (!sampler || !opts || !opts->finished)
        return rf__fail(RF_EINVAL, "rf_stream_open: %s is NULL", !sampler ? "sampler" : opts ? "finished" : "opts");
    enum { MOST = 1 << 20 };
    const bool slots = opts->slots < 0 || opts->slots > MOST;
    if (slots || opts->queue < 0 || opts->queue > MOST)
        return rf__fail(RF_EINVAL, "%s is %d, expected 0 .. %d", slots ? "slots" : "queue", slots ? opts->slots : opts->queue, MOST);
    const rf_admission *admission = rf__admission_find(opts->admission ? opts->admission : "arrival");
    if (!admission) return RF_ENOTFOUND;
    RF_TRY(rf__sampler_measure(sampler));
    rf_stream *stream = rf__alloc(sizeof *stream);
    if (!stream) return rf__fail(RF_ENOMEM, "no memory for a stream");
    stream->sampler = sampler;
    stream->opts = *opts;
    const rf_batcher_opts batcher = {
        .rows = rf__sampler_rows(sampler), .slots = opts->slots, .queue = opts->queue, .admission = admission, .finished = finished, .user = stream};
    rf_status status = rf__batcher_create(&stream->batcher, &batcher);
    if (status != RF_OK) rf_stream_close(&stream);
    *out = stream;
    return status;
}

void rf_stream_close(rf_stream **stream) {
    if (!stream || !*stream) return;
    rf__batcher_free(&(*stream)->batcher);
    forget_those_over(*stream, true);
    rf__free(*stream);
    *stream = NULL;
}

rf_status rf_stream_submit(rf_stream *stream, const rf_sample_opts *opts, double deadline, uint64_t *id) {
    rf_sample_opts defaults;
    rf_default_sample_opts(&defaults);
    if (!opts) opts = &defaults;
    if (!stream) return rf__fail(RF_EINVAL, "rf_stream_submit: stream is NULL");
    if (opts->count != 1) return rf__fail(RF_EINVAL, "rf_stream_submit: count is %d, expected 1", opts->count);
    if (!(deadline >= 0)) return rf__fail(RF_EINVAL, "rf_stream_submit: deadline is %g, expected seconds from now, or 0 for none", deadline);
    if (rf_stream_room(stream) < 1) return rf__fail(RF_EINVAL, "rf_stream_submit: the queue is full, expected a step before the next request");
    wish *wanted = rf__alloc(sizeof *wanted);
    if (!wanted) return rf__fail(RF_ENOMEM, "no memory for a request");
    rf_status status = rf__prepared_init(&wanted->prepared, opts, stream->sampler, false);
    if (status == RF_OK) {
        rf_job_spec spec;
        rf__prepared_describe(&wanted->prepared, opts, 0, &spec);
        spec.user = wanted;
        if (deadline > 0) spec.deadline = rf__now() + deadline;
        wanted->user = opts->user;
        status = rf__batcher_submit(stream->batcher, &spec, id);
    }
    if (status != RF_OK) {
        rf__prepared_fini(&wanted->prepared);
        rf__free(wanted);
        return status;
    }
    wanted->next = stream->wishes;
    stream->wishes = wanted;
    return RF_OK;
}

int rf_stream_room(const rf_stream *stream) { return rf__batcher_room(stream->batcher); }

bool rf_stream_cancel(rf_stream *stream, uint64_t id) { return rf__batcher_cancel(stream->batcher, id); }

rf_status rf_stream_step(rf_stream *stream, bool *busy) {
    rf_status status = rf__batcher_tick(stream->batcher);
    rf_status saved = forget_those_over(stream, false);
    if (busy) *busy = rf__batcher_busy(stream->batcher);
    return status == RF_OK ? saved : status;
}
