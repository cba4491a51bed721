/* onednn_rod.c - time bare oneDNN primitives, for comparisons in benchmarks. */
#include "onednn_rod.h"

#ifdef RF_WITH_ONEDNN
#include "../base/memory.h"
#include "../base/stopwatch.h"
#include "onednn_api.h"

enum { ARGS = 4 };

/* Random values in (-1, 1), by 16-bit words: the top word of an f32 is a bf16, its low word is free. */
static void *random_values(size_t bytes) {
    uint16_t *p = rf__alloc(bytes + 2);
    uint64_t state = 1;
    for (size_t i = 0; p && i < bytes / 2; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint16_t)(0x3e80 + (state >> 57) + (state >> 40 & 0x8000));
    }
    return p;
}

typedef struct rod {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[ARGS];
    int count;
    void *buffers[ARGS];
} rod;

static bool add(rod *r, int arg, md_view md) {
    int i = r->count;
    size_t bytes = md_bytes(md);
    r->buffers[i] = random_values(bytes);
    r->args[i].arg = arg;
    if (!r->buffers[i] || dnnl_memory_create(&r->args[i].memory, md, r->engine, r->buffers[i]) != dnnl_success) return false;
    r->count++;
    return true;
}

static bool bind(rod *r, const_dnnl_primitive_desc_t pd, int direction, md_view bias) {
    const dnnl_query_t src = dnnl_query_src_md, dst = dnnl_query_dst_md, weights = dnnl_query_weights_md;
    if (direction == RF_ROD_FORWARD)
        return add(r, DNNL_ARG_SRC, pd_view(pd, src)) && add(r, DNNL_ARG_WEIGHTS, pd_view(pd, weights)) &&
               add(r, DNNL_ARG_BIAS, bias) && add(r, DNNL_ARG_DST, pd_view(pd, dst));
    if (!add(r, DNNL_ARG_DIFF_DST, pd_view(pd, dnnl_query_diff_dst_md))) return false;
    if (direction == RF_ROD_DATA)
        return add(r, DNNL_ARG_WEIGHTS, pd_view(pd, weights)) &&
               add(r, DNNL_ARG_DIFF_SRC, pd_view(pd, dnnl_query_diff_src_md));
    return add(r, DNNL_ARG_SRC, pd_view(pd, src)) &&
           add(r, DNNL_ARG_DIFF_WEIGHTS, pd_view(pd, dnnl_query_diff_weights_md)) && add(r, DNNL_ARG_DIFF_BIAS, bias);
}

static void run(void *arg) {
    rod *r = arg;
    dnnl_primitive_execute(r->primitive, r->stream, r->count, r->args);
    dnnl_stream_wait(r->stream);
}

double rf__onednn_seconds(const rf_conv_args *a, int direction, int threads, double budget) {
    const bool linear = a->kh == 1 && a->kw == 1 && a->stride == 1 && a->pad_h == 0 && a->pad_w == 0;
    const dnnl_data_type_t type = a->dtype == RF_BF16 ? dnnl_bf16 : dnnl_f32;
    const dense d = {.linear = linear, .type = type, .y_type = type, .n = linear ? a->batch * a->oh * a->ow : a->batch,
                     .ih = a->h, .iw = a->w, .ic = a->cin, .oh = a->oh, .ow = a->ow, .oc = a->cout, .kh = a->kh,
                     .kw = a->kw, .stride = a->stride,
                     .pad_h = a->pad_h, .pad_w = a->pad_w};
    rod r = {0};
    double seconds = -1;
    md_own bias;
    dense_threads(threads);
    if (!md_make(&bias, 1, &d.oc, dnnl_f32, dnnl_a)) return -1;
    dnnl_primitive_desc_t pd = NULL;
    if (dnnl_engine_create(&r.engine, dnnl_cpu, 0) == dnnl_success &&
        dnnl_stream_create(&r.stream, r.engine, dnnl_stream_default_flags) == dnnl_success)
        pd = dense_desc(r.engine, &d, direction, NULL);
    if (pd && dnnl_primitive_create(&r.primitive, pd) == dnnl_success && bind(&r, pd, direction, md_of(&bias)))
        seconds = rf__stopwatch(run, &r, budget);
    for (int i = 0; i < r.count; i++) dnnl_memory_destroy(r.args[i].memory);
    for (int i = 0; i < ARGS; i++) rf__free(r.buffers[i]);
    if (r.primitive) dnnl_primitive_destroy(r.primitive);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (r.stream) dnnl_stream_destroy(r.stream);
    if (r.engine) dnnl_engine_destroy(r.engine);
    md_drop(&bias);
    return seconds;
}

#else

double rf__onednn_seconds(const rf_conv_args *args, int direction, int threads, double budget) {
    (void)args;
    (void)direction;
    (void)threads;
    (void)budget;
    return -1;
}

#endif
