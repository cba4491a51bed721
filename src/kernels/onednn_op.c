/* onednn_op.c - one engine, and primitives that several threads may run at once. */
#include "onednn_op.h"

#ifdef RF_WITH_ONEDNN
#include <pthread.h>

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

/* Memory objects are made for the call: a shared one would carry one lane's pointers into another. */
void rf__onednn_op_run(dnnl_primitive_t primitive, const binding *bindings, int count) {
    dnnl_exec_arg_t args[6];
    dnnl_stream_t stream = NULL;
    int made = 0;
    for (; made < count; made++) {
        args[made].arg = bindings[made].arg;
        if (dnnl_memory_create(&args[made].memory, bindings[made].md, rf__onednn_engine(), bindings[made].data) != dnnl_success) break;
    }
    if (made == count && dnnl_stream_create(&stream, rf__onednn_engine(), dnnl_stream_default_flags) == dnnl_success) {
        dnnl_primitive_execute(primitive, stream, count, args);
        dnnl_stream_wait(stream);
        dnnl_stream_destroy(stream);
    }
    while (made--) dnnl_memory_destroy(args[made].memory);
}

/* Copy between layouts and types of the same tensor. */
void rf__onednn_reorder(md_view from_md, void *from, md_view to_md, void *to) {
    dnnl_engine_t engine = rf__onednn_engine();
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    if (dnnl_reorder_primitive_desc_create(&pd, from_md, engine, to_md, engine, NULL) == dnnl_success &&
        dnnl_primitive_create(&primitive, pd) == dnnl_success) {
        const binding b[] = {{DNNL_ARG_FROM, from_md, from}, {DNNL_ARG_TO, to_md, to}};
        rf__onednn_op_run(primitive, b, 2);
        dnnl_primitive_destroy(primitive);
    }
    dnnl_primitive_desc_destroy(pd);
}

#endif
