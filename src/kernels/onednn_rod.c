/* onednn_rod.c - time bare oneDNN primitives, for comparisons in benchmarks. */
#include "onednn_rod.h"

#include "../base/stopwatch.h"

#ifdef RF_WITH_ONEDNN
#include "../base/memory.h"
#include "onednn_op.h"

enum { ARGS = 6, STEPS = 3, BUFFERS = 16 };

typedef struct step { /* one primitive and what it works on */
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[ARGS];
    int count;
} step;

struct rf_rod {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    step steps[STEPS];
    int step_count;
    void *buffers[BUFFERS];
    int buffer_count;
    dnnl_memory_t weights; /* cycled through `copies` places, `stride` bytes apart */
    char *weights_base;
    size_t stride;
    int copies, turn;
};

/* Random values in (-1, 1), by 16-bit words: the top word of an f32 is a bf16, its low word is free. */
static void *random_values(rf_rod *r, size_t bytes) {
    if (r->buffer_count == BUFFERS) return NULL;
    uint16_t *p = r->buffers[r->buffer_count++] = rf__alloc(bytes + 2);
    uint64_t state = 1;
    for (size_t i = 0; p && i < bytes / 2; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint16_t)(0x3e80 + (state >> 57) + (state >> 40 & 0x8000));
    }
    return p;
}

static bool bind(rf_rod *r, step *s, int arg, md_view md, void *data) {
    if (!data || s->count == ARGS) return false;
    dnnl_exec_arg_t *a = &s->args[s->count];
    a->arg = arg;
    if (dnnl_memory_create(&a->memory, md, r->engine, data) != dnnl_success) return false;
    s->count++;
    return true;
}

static bool add(rf_rod *r, step *s, int arg, md_view md) { return bind(r, s, arg, md, random_values(r, md_bytes(md))); }

static bool add_weights(rf_rod *r, step *s, md_view md, int copies) {
    r->copies = copies;
    r->stride = (md_bytes(md) + 63) / 64 * 64;
    r->weights_base = random_values(r, r->stride * (size_t)copies);
    if (!bind(r, s, DNNL_ARG_WEIGHTS, md, r->weights_base)) return false;
    r->weights = s->args[s->count - 1].memory;
    return true;
}

static bool bind_dense(rf_rod *r, step *s, const_dnnl_primitive_desc_t pd, int direction, md_view bias, int copies) {
    const dnnl_query_t src = dnnl_query_src_md, dst = dnnl_query_dst_md, weights = dnnl_query_weights_md;
    if (direction == RF_ROD_FORWARD)
        return add(r, s, DNNL_ARG_SRC, pd_view(pd, src)) && add_weights(r, s, pd_view(pd, weights), copies) && add(r, s, DNNL_ARG_BIAS, bias) &&
               add(r, s, DNNL_ARG_DST, pd_view(pd, dst));
    if (!add(r, s, DNNL_ARG_DIFF_DST, pd_view(pd, dnnl_query_diff_dst_md))) return false;
    if (direction == RF_ROD_DATA) return add_weights(r, s, pd_view(pd, weights), copies) && add(r, s, DNNL_ARG_DIFF_SRC, pd_view(pd, dnnl_query_diff_src_md));
    return add(r, s, DNNL_ARG_SRC, pd_view(pd, src)) && add(r, s, DNNL_ARG_DIFF_WEIGHTS, pd_view(pd, dnnl_query_diff_weights_md)) &&
           add(r, s, DNNL_ARG_DIFF_BIAS, bias);
}

/* What post-operations read: the gate of all rows and the residual. */
typedef struct post {
    dnnl_primitive_attr_t attr;
    md_own gate, residual;
} post;

static bool post_make(post *p, const dense *d, rf_rod_epilogue epilogue) {
    const dnnl_dim_t gate[] = {1, d->oc}, residual[] = {d->n, d->oc};
    dnnl_post_ops_t ops = NULL;
    bool good = dnnl_primitive_attr_create(&p->attr) == dnnl_success && md_make(&p->gate, 2, gate, dnnl_f32, dnnl_ab) &&
                md_make(&p->residual, 2, residual, d->y_type, dnnl_ab) && dnnl_post_ops_create(&ops) == dnnl_success;
    if (good && epilogue == RF_ROD_GELU) good = post_gelu(ops) == dnnl_success;
    if (good && epilogue == RF_ROD_GATE)
        good = dnnl_post_ops_append_binary(ops, dnnl_binary_mul, md_of(&p->gate)) == dnnl_success &&
               dnnl_post_ops_append_binary(ops, dnnl_binary_add, md_of(&p->residual)) == dnnl_success;
    if (good) good = dnnl_primitive_attr_set_post_ops(p->attr, ops) == dnnl_success;
    if (ops) dnnl_post_ops_destroy(ops);
    return good;
}

static void post_drop(post *p) {
    if (p->attr) dnnl_primitive_attr_destroy(p->attr);
    md_drop(&p->gate);
    md_drop(&p->residual);
}

static rf_rod *rod_new(void) {
    rf_rod *r = rf__alloc(sizeof *r);
    if (r) *r = (rf_rod){.copies = 1};
    if (r && dnnl_engine_create(&r->engine, dnnl_cpu, 0) == dnnl_success && dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags) == dnnl_success) return r;
    rf__rod_close(&r);
    return NULL;
}

/* The step's primitive of a descriptor, which is used up. */
static bool step_make(step *s, dnnl_primitive_desc_t pd) {
    return pd && dnnl_primitive_create(&s->primitive, pd) == dnnl_success;
}

rf_rod *rf__rod_open(const rf_conv_args *a, int direction, rf_rod_epilogue epilogue, int copies) {
    const bool linear = a->kh == 1 && a->kw == 1 && a->stride == 1 && a->pad_h == 0 && a->pad_w == 0;
    const dnnl_data_type_t type = a->dtype == RF_BF16 ? dnnl_bf16 : dnnl_f32;
    const dense d = {.linear = linear, .type = type, .y_type = type, .n = linear ? a->batch * a->oh * a->ow : a->batch,
                     .ih = a->h, .iw = a->w, .ic = a->cin, .oh = a->oh, .ow = a->ow, .oc = a->cout, .kh = a->kh,
                     .kw = a->kw, .stride = a->stride,
                     .pad_h = a->pad_h, .pad_w = a->pad_w};
    rf_rod *r = rod_new();
    if (!r) return NULL;
    post p = {0};
    md_own bias;
    dnnl_primitive_desc_t pd = NULL;
    step *s = &r->steps[r->step_count++];
    bool good = md_make(&bias, 1, &d.oc, dnnl_f32, dnnl_a);
    if (good && (good = post_make(&p, &d, epilogue))) pd = dense_desc(r->engine, &d, direction, epilogue == RF_ROD_BIAS ? NULL : p.attr);
    good = good && step_make(s, pd) && bind_dense(r, s, pd, direction, md_of(&bias), copies);
    if (good && epilogue == RF_ROD_GATE)
        good = add(r, s, DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, md_of(&p.gate)) && add(r, s, DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1, md_of(&p.residual));
    if (pd) dnnl_primitive_desc_destroy(pd);
    post_drop(&p);
    md_drop(&bias);
    if (!good) rf__rod_close(&r);
    return r;
}

/* y [h, m, n] = x [h, m, k] w [h, k, n]; with `transposed` w lies as [h, n, k]. The places are the caller's. */
static bool add_matmul(rf_rod *r, dnnl_data_type_t type, const dnnl_dim_t sizes[4], bool transposed, void *x, void *w, void *y) {
    const dnnl_dim_t xs[] = {sizes[0], sizes[1], sizes[2]}, ws[] = {sizes[0], sizes[2], sizes[3]}, ys[] = {sizes[0], sizes[1], sizes[3]};
    md_own xm, wm, ym;
    step *s = &r->steps[r->step_count++];
    bool good = md_make(&xm, 3, xs, type, dnnl_abc) && md_make(&wm, 3, ws, type, transposed ? dnnl_acb : dnnl_abc) && md_make(&ym, 3, ys, type, dnnl_abc);
    dnnl_primitive_desc_t pd = good ? matmul_desc(r->engine, md_of(&xm), md_of(&wm), md_of(&ym)) : NULL;
    good = step_make(s, pd) && bind(r, s, DNNL_ARG_SRC, md_of(&xm), x) && bind(r, s, DNNL_ARG_WEIGHTS, md_of(&wm), w) && bind(r, s, DNNL_ARG_DST, md_of(&ym), y);
    if (pd) dnnl_primitive_desc_destroy(pd);
    md_drop(&xm), md_drop(&wm), md_drop(&ym);
    return good;
}

static bool add_softmax(rf_rod *r, dnnl_data_type_t type, const dnnl_dim_t sizes[3], void *scores) {
    md_own m;
    step *s = &r->steps[r->step_count++];
    dnnl_primitive_desc_t pd = md_make(&m, 3, sizes, type, dnnl_abc) ? softmax_desc(r->engine, md_of(&m), 2) : NULL;
    bool good = step_make(s, pd) && bind(r, s, DNNL_ARG_SRC, md_of(&m), scores) && bind(r, s, DNNL_ARG_DST, md_of(&m), scores);
    if (pd) dnnl_primitive_desc_destroy(pd);
    md_drop(&m);
    return good;
}

rf_rod *rf__rod_open_attention(const rf_attention_args *a) {
    const dnnl_data_type_t type = a->dtype == RF_BF16 ? dnnl_bf16 : dnnl_f32;
    const dnnl_dim_t heads = a->batch * a->heads, score[] = {heads, a->tq, a->dim, a->tk}, value[] = {heads, a->tq, a->tk, a->dim}, all[] = {heads, a->tq, a->tk};
    size_t size = rf__dtype_size(a->dtype);
    rf_rod *r = rod_new();
    if (!r) return NULL;
    void *q = random_values(r, size * (size_t)(heads * a->tq * a->dim)), *k = random_values(r, size * (size_t)(heads * a->tk * a->dim));
    void *v = random_values(r, size * (size_t)(heads * a->tk * a->dim)), *y = random_values(r, size * (size_t)(heads * a->tq * a->dim));
    void *scores = random_values(r, size * (size_t)(heads * a->tq * a->tk));
    if (!add_matmul(r, type, score, true, q, k, scores) || !add_softmax(r, type, all, scores) || !add_matmul(r, type, value, false, scores, v, y)) rf__rod_close(&r);
    return r;
}

void rf__rod_close(rf_rod **rod) {
    rf_rod *r = *rod;
    if (!r) return;
    for (int i = 0; i < r->step_count; i++) {
        for (int k = 0; k < r->steps[i].count; k++) dnnl_memory_destroy(r->steps[i].args[k].memory);
        if (r->steps[i].primitive) dnnl_primitive_destroy(r->steps[i].primitive);
    }
    for (int i = 0; i < r->buffer_count; i++) rf__free(r->buffers[i]);
    if (r->stream) dnnl_stream_destroy(r->stream);
    if (r->engine) dnnl_engine_destroy(r->engine);
    rf__free(r);
    *rod = NULL;
}

void rf__rod_threads(int threads) { rf__onednn_threads(threads); }

void rf__rod_run(void *rod) {
    rf_rod *r = rod;
    if (r->copies > 1) {
        r->turn = (r->turn + 1) % r->copies;
        dnnl_memory_set_data_handle(r->weights, r->weights_base + r->stride * (size_t)r->turn);
    }
    for (int i = 0; i < r->step_count; i++) dnnl_primitive_execute(r->steps[i].primitive, r->stream, r->steps[i].count, r->steps[i].args);
    dnnl_stream_wait(r->stream);
}

#else

rf_rod *rf__rod_open(const rf_conv_args *args, int direction, rf_rod_epilogue epilogue, int copies) {
    (void)args, (void)direction, (void)epilogue, (void)copies;
    return NULL;
}
rf_rod *rf__rod_open_attention(const rf_attention_args *args) {
    (void)args;
    return NULL;
}
void rf__rod_close(rf_rod **rod) { *rod = NULL; }
void rf__rod_threads(int threads) { (void)threads; }
void rf__rod_run(void *rod) { (void)rod; }

#endif

double rf__onednn_seconds(const rf_conv_args *args, int direction, int threads, double budget) {
    rf__rod_threads(threads);
    rf_rod *rod = rf__rod_open(args, direction, RF_ROD_BIAS, 1);
    double seconds = rod ? rf__stopwatch(rf__rod_run, rod, budget) : -1;
    rf__rod_close(&rod);
    return seconds;
}
