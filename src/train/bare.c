/* bare.c - see bare.h. */
#include "bare.h"

#include "../base/memory.h"
#include "../kernels/onednn_rod.h"

enum { ROOM = 1024 };

typedef struct shape {
    rf_conv_args args; /* sizes of the forward call */
    int direction;
    double seconds;
} shape;

/* The forward call that a dense step belongs to: a gradient by data is listed as the convolution that computes it. */
static rf_conv_args forward_of(const rf_dense_step *step) {
    rf_conv_args a = step->args;
    if (step->direction != 2) return a;
    const rf_conv_args *s = &step->args;
    a.h = s->oh, a.w = s->ow, a.oh = s->h, a.ow = s->w, a.cin = s->cout, a.cout = s->cin;
    a.stride = s->dilate, a.pad_h = s->kh - 1 - s->pad_h, a.pad_w = s->kw - 1 - s->pad_w, a.dilate = 1;
    return a;
}

static bool same(const shape *a, const shape *b) {
    const rf_conv_args *p = &a->args, *q = &b->args;
    return a->direction == b->direction && p->dtype == q->dtype && p->batch == q->batch && p->h == q->h && p->w == q->w && p->cin == q->cin &&
           p->oh == q->oh && p->ow == q->ow && p->cout == q->cout && p->kh == q->kh && p->kw == q->kw && p->stride == q->stride &&
           p->pad_h == q->pad_h && p->pad_w == q->pad_w;
}

static rf_status measure(shape *s, const rf_dense_step *step, int threads, double budget) {
    s->seconds = rf__onednn_seconds(&s->args, s->direction - 1, threads, budget);
    if (s->seconds >= 0) return RF_OK;
    return rf__fail(RF_EUNSUPPORTED, "bare oneDNN cannot run %s (or this build has none)", step->what);
}

rf_status rf__bare_measure(rf_bare_seconds *out, const rf_plan *plan, int64_t batch_factor, int threads, double budget) {
    *out = (rf_bare_seconds){0};
    shape *known = rf__alloc_array(ROOM, sizeof *known);
    if (!known) return rf__fail(RF_ENOMEM, "bench: no memory");
    rf_status status = RF_OK;
    rf_dense_step step;
    for (int cursor = 0; status == RF_OK && rf__plan_dense(plan, &cursor, &step);) {
        shape wanted = {.args = forward_of(&step), .direction = step.direction};
        wanted.args.batch *= batch_factor;
        int at = 0;
        while (at < out->shapes && !same(&known[at], &wanted)) at++;
        if (at == ROOM) {
            status = rf__fail(RF_EUNSUPPORTED, "bench: the plan has more than %d shapes", ROOM);
            break;
        }
        if (at == out->shapes) {
            known[out->shapes++] = wanted;
            status = measure(&known[at], &step, threads, budget);
        }
        double *sum = step.direction == 1 ? &out->forward : step.direction == 2 ? &out->by_data : &out->by_weights;
        *sum += known[at].seconds;
    }
    rf__free(known);
    return status;
}
