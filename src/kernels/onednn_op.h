/* onednn_op.h - run one primitive of oneDNN; for onednn*.c only. */
#ifndef RF_KERNELS_ONEDNN_OP_H
#define RF_KERNELS_ONEDNN_OP_H
#include "onednn_api.h"

#ifdef RF_WITH_ONEDNN
typedef struct op { /* one primitive and the layouts it wants */
    dnnl_primitive_t primitive;
    dnnl_primitive_desc_t pd;
} op;

typedef struct binding {
    int arg;
    md_view md;
    void *data;
} binding;

/* The CPU engine of this process, NULL when the library gives none. */
dnnl_engine_t rf__onednn_engine(void);
/* False when the library has no kernel for it. */
bool rf__onednn_op_make(op *o, const dense *d, int direction);
void rf__onednn_op_free(op *o);
/* Bytes of scratchpad that a run needs, bound as DNNL_ARG_SCRATCHPAD. */
size_t rf__onednn_op_scratch(const op *o);
/* Threads of the library's OpenMP on the calling thread; returned: how many they were, 0 when it has none. */
int rf__onednn_threads(int threads);
/* Up to six arguments. False when the library failed, which is told once; what it should have written is then as it was. */
bool rf__onednn_op_run(dnnl_primitive_t primitive, const binding *bindings, int count);
/* Copy between layouts and types of the same tensor; false as above. */
bool rf__onednn_reorder(md_view from_md, void *from, md_view to_md, void *to);
#endif
#endif
