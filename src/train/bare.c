/* bare.c - see bare.h. */
#include "bare.h"

#include <string.h>

#include "../base/memory.h"
#include "../base/progress.h"

enum { MAX_THREADS = 64 };

/* One shape; each thread has its own arrays, because lanes share nothing but the weights. */
typedef struct shape_job {
    const rf_conv_provider *provider;
    rf_dense_step step;
    int repeats, threads;
    double seconds[MAX_THREADS];
    rf_status status[MAX_THREADS];
} shape_job;

static int64_t x_count(const rf_conv_args *a) { return a->batch * a->h * a->w * a->cin; }
static int64_t y_count(const rf_conv_args *a) { return a->batch * a->oh * a->ow * a->cout; }

/* Small numbers, neither zero nor denormal. */
static void *filled(int64_t count, rf_dtype dtype) {
    void *p = rf__alloc_array((size_t)count, rf__dtype_size(dtype));
    for (int64_t i = 0; p && i < count; i++) {
        float value = 0.01f * (float)(i % 101 - 50);
        if (dtype == RF_BF16) ((uint16_t *)p)[i] = rf__f32_to_bf16(value);
        else ((float *)p)[i] = value;
    }
    return p;
}

static double fastest(rf_kernel_fn prepare, int64_t prepare_units, rf_kernel_fn fn, const void *args, int64_t units, void *scratch, int repeats) {
    double best = 1e30;
    for (int i = 0; i < repeats; i++) {
        double start = rf__now();
        if (prepare) prepare(args, 0, prepare_units, scratch);
        fn(args, 0, units, scratch);
        double took = rf__now() - start;
        if (took < best) best = took;
    }
    return best;
}

/* Forward, or by data (which is a forward-shaped call). */
static rf_status time_conv(const shape_job *job, double *out) {
    const rf_conv_provider *p = job->provider;
    rf_conv_args a = job->step.args;
    int64_t weights = (int64_t)a.cin * a.cout * a.kh * a.kw;
    rf_pack_args pack = {.dtype = a.dtype, .cin = a.cin, .cout = a.cout, .kh = a.kh, .kw = a.kw};
    float *w = filled(weights, RF_F32);
    void *x = filled(x_count(&a), a.dtype), *y = filled(y_count(&a), a.y_dtype), *packed = rf__alloc(p->packed_size(&pack));
    a.scale = 1, a.residual_scale = 0, a.act = RF_ACT_NONE;
    a.bias = a.rows = a.gate = NULL, a.residual = NULL, a.provider_state = NULL;
    a.x = x, a.y = y, a.packed = packed;
    pack.w = w, pack.packed = packed;
    rf_status status = w && x && y && packed ? RF_OK : rf__fail(RF_ENOMEM, "bench: no memory for %s", job->step.what);
    if (status == RF_OK && p->conv_prepare) status = p->conv_prepare(&a);
    void *scratch = NULL;
    size_t scratch_size = status == RF_OK ? p->conv_scratch(&a) : 0;
    if (scratch_size && !(scratch = rf__alloc(scratch_size))) status = rf__fail(RF_ENOMEM, "bench: no memory");
    if (status == RF_OK) {
        p->pack(&pack, 0, p->pack_units(&pack), NULL);
        *out = fastest(NULL, 0, p->conv, &a, p->conv_units(&a), scratch, job->repeats);
    }
    if (a.provider_state && p->state_free) p->state_free(a.provider_state);
    rf__free(w), rf__free(x), rf__free(y), rf__free(packed), rf__free(scratch);
    return status;
}

static rf_status time_dw(const shape_job *job, double *out) {
    const rf_conv_provider *p = job->provider;
    const rf_conv_args *c = &job->step.args;
    rf_conv_dw_args a = {.dtype = c->dtype, .batch = c->batch, .h = c->h, .w = c->w, .cin = c->cin, .oh = c->oh, .ow = c->ow, .cout = c->cout,
                         .kh = c->kh, .kw = c->kw, .stride = c->stride, .pad = c->pad};
    void *x = filled(x_count(c), c->dtype), *dy = filled(y_count(c), c->dtype);
    float *dw = rf__alloc_array((size_t)c->cin * (size_t)c->cout, (size_t)(c->kh * c->kw) * sizeof(float));
    a.x = x, a.dy = dy, a.dw = dw;
    rf_status status = x && dy && dw ? RF_OK : rf__fail(RF_ENOMEM, "bench: no memory for %s", job->step.what);
    if (status == RF_OK && p->dw_state_prepare) status = p->dw_state_prepare(&a);
    void *scratch = NULL;
    size_t scratch_size = status == RF_OK ? p->dw_scratch(&a) : 0, shared = status == RF_OK ? p->dw_shared(&a) : 0;
    if (scratch_size && !(scratch = rf__alloc(scratch_size))) status = rf__fail(RF_ENOMEM, "bench: no memory");
    if (shared && !(a.shared = rf__alloc(shared))) status = rf__fail(RF_ENOMEM, "bench: no memory");
    if (status == RF_OK)
        *out = fastest(p->dw_prepare, p->dw_prepare ? p->dw_prepare_units(&a) : 0, p->conv_dw, &a, p->dw_units(&a), scratch, job->repeats);
    if (a.provider_state && p->state_free) p->state_free(a.provider_state);
    rf__free(x), rf__free(dy), rf__free(dw), rf__free(scratch), rf__free(a.shared);
    return status;
}

/* Units are the threads: each takes one, so all measure at the same time. */
static void measure(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    shape_job *job = arg;
    for (int64_t i = begin; i < end; i++)
        job->status[i] = job->step.direction == 3 ? time_dw(job, &job->seconds[i]) : time_conv(job, &job->seconds[i]);
}

static bool same_shape(const rf_dense_step *a, const rf_dense_step *b) {
    const rf_conv_args *p = &a->args, *q = &b->args;
    return a->direction == b->direction && p->dtype == q->dtype && p->y_dtype == q->y_dtype && p->batch == q->batch && p->h == q->h &&
           p->w == q->w && p->cin == q->cin && p->oh == q->oh && p->ow == q->ow && p->cout == q->cout && p->kh == q->kh &&
           p->kw == q->kw && p->stride == q->stride && p->pad == q->pad && p->dilate == q->dilate;
}

typedef struct known_shape {
    rf_dense_step step;
    double seconds;
} known_shape;

static rf_status seconds_of(const rf_dense_step *step, const rf_conv_provider *provider, int repeats, rf_pool *pool, double *out) {
    int threads = rf__pool_size(pool) < MAX_THREADS ? rf__pool_size(pool) : MAX_THREADS;
    shape_job job = {.provider = provider, .step = *step, .repeats = repeats, .threads = threads};
    rf__pool_run(pool, threads, 1, measure, &job);
    *out = 0;
    for (int i = 0; i < threads; i++) {
        if (job.status[i] != RF_OK) return rf__fail(job.status[i], "bench: %s cannot run %s", provider->name, step->what);
        *out += job.seconds[i] / threads;
    }
    return RF_OK;
}

rf_status rf__bare_measure(rf_bare_seconds *out, const rf_plan *plan, const rf_conv_provider *provider, int repeats, rf_pool *pool) {
    enum { ROOM = 512 };
    *out = (rf_bare_seconds){0};
    known_shape *known = rf__alloc_array(ROOM, sizeof *known);
    if (!known) return rf__fail(RF_ENOMEM, "bench: no memory");
    rf_status status = RF_OK;
    rf_dense_step step;
    for (int cursor = 0; status == RF_OK && rf__plan_dense(plan, &cursor, &step);) {
        int at = 0;
        while (at < out->distinct && !same_shape(&known[at].step, &step)) at++;
        if (at == ROOM) status = rf__fail(RF_EUNSUPPORTED, "bench: the plan has more than %d shapes", ROOM);
        if (status == RF_OK && at == out->distinct) {
            known[out->distinct++].step = step;
            status = seconds_of(&step, provider, repeats, pool, &known[at].seconds);
        }
        double *sum = step.direction == 1 ? &out->forward : step.direction == 2 ? &out->by_data : &out->by_weights;
        if (status == RF_OK) *sum += known[at].seconds;
    }
    rf__free(known);
    return status;
}
