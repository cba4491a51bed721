/* onednn_op.c - one engine, and primitives that several threads may run at once. */
#include "onednn_op.h"

#ifdef RF_WITH_ONEDNN
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../base/log.h"
#include "native.h"

static dnnl_engine_t engine;

static void engine_start(void) {
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
}

dnnl_engine_t rf__onednn_engine(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, engine_start);
    return engine;
}

void rf__onednn_op_free(op *o) {
    if (o->primitive) dnnl_primitive_destroy(o->primitive);
    if (o->pd) dnnl_primitive_desc_destroy(o->pd);
    *o = (op){NULL, NULL};
}

/* False when the library has no kernel for it. */
bool rf__onednn_op_make(op *o, const dense *d, int direction) {
    dnnl_primitive_attr_t attr = NULL;
    if (dnnl_primitive_attr_create(&attr) != dnnl_success) return false;
    /* The library's own scratchpad is shared between threads that run one primitive; ours is not. */
    dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    o->pd = dense_desc(rf__onednn_engine(), d, direction, attr);
    dnnl_primitive_attr_destroy(attr);
    if (o->pd && dnnl_primitive_create(&o->primitive, o->pd) == dnnl_success) return true;
    rf__onednn_op_free(o);
    return false;
}

size_t rf__onednn_op_scratch(const op *o) {
    return o->pd ? rf__native_round64(md_bytes(pd_view(o->pd, dnnl_query_scratchpad_md))) : 0;
}

/* It is looked up because we link oneDNN, not OpenMP, and because some builds of oneDNN have none. */
static void (*set_threads)(int);
static int (*most_threads)(void);

static void find_threads(void) {
    *(void **)&set_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    *(void **)&most_threads = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
}

int rf__onednn_threads(int threads) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_threads);
    int before = most_threads ? most_threads() : 0;
    if (set_threads && threads > 0 && threads != before) set_threads(threads);
    return before;
}

static bool failed(void) {
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&told)) rf__warn("oneDNN failed in the middle of a network, for want of memory perhaps: its answers are NaN");
    return false;
}

/* Memory objects are made for the call: a shared one would carry one lane's pointers into another. */
bool rf__onednn_op_run(dnnl_primitive_t primitive, const binding *bindings, int count) {
    dnnl_exec_arg_t args[6];
    dnnl_stream_t stream = NULL;
    int made = 0;
    bool done = false;
    for (; made < count; made++) {
        args[made].arg = bindings[made].arg;
        if (dnnl_memory_create(&args[made].memory, bindings[made].md, rf__onednn_engine(), bindings[made].data) != dnnl_success) break;
    }
    if (made == count && dnnl_stream_create(&stream, rf__onednn_engine(), dnnl_stream_default_flags) == dnnl_success) {
        done = dnnl_primitive_execute(primitive, stream, count, args) == dnnl_success;
        done = dnnl_stream_wait(stream) == dnnl_success && done;
        dnnl_stream_destroy(stream);
    }
    while (made--) dnnl_memory_destroy(args[made].memory);
    return done || failed();
}

bool rf__onednn_reorder(md_view from_md, void *from, md_view to_md, void *to) {
    dnnl_engine_t engine = rf__onednn_engine();
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    bool made = dnnl_reorder_primitive_desc_create(&pd, from_md, engine, to_md, engine, NULL) == dnnl_success &&
                dnnl_primitive_create(&primitive, pd) == dnnl_success;
    const binding b[] = {{DNNL_ARG_FROM, from_md, from}, {DNNL_ARG_TO, to_md, to}};
    bool done = made ? rf__onednn_op_run(primitive, b, 2) : failed();
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(pd);
    return done;
}

#endif
