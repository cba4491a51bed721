/* conv_trial.h - what conv_test.c and conv_dw_test.c share: the variants under test, random buffers with canaries, cases. */
#ifndef RF_KERNELS_CONV_TRIAL_H
#define RF_KERNELS_CONV_TRIAL_H
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../base/cpu.h"
#include "../base/memory.h"
#include "scalar.h"

/* Error of a sum of products against another order of summation, relative to the sum of absolute products: random
 * rounding grows as its root, 2^-24 sqrt(K) < 4e-6 for K < 4000. A bf16 result may round to the other neighbour. */
#define SUM_TOLERANCE 4e-6
#define BF16_STEP (1.0 / 128)

enum { CANARY = 64 }; /* elements past each buffer: NaN where reading is forbidden, checked where writing is */

typedef struct variant {
    char name[48];
    rf_kernels table;
} variant;

static variant variants[8];
static int variant_count;
static rf_kernels ref;

static inline void add_variant(uint32_t flags, const char *provider) {
    variant *v = &variants[variant_count];
    if ((flags & ~(rf__cpu_flags() | RF_CPU_AMX_EMULATED)) || rf__kernels_select(&v->table, flags, provider) != RF_OK) return;
    snprintf(v->name, sizeof v->name, "%s/%s", provider, v->table.isa);
    variant_count++;
}

static inline int setup(void **state) {
    (void)state;
    const uint32_t avx512 = RF_CPU_AVX2 | RF_CPU_AVX512;
    assert_int_equal(rf__kernels_select(&ref, 0, "ref"), RF_OK);
    add_variant(RF_CPU_AVX2, "native");
    add_variant(avx512, "native");
    add_variant(avx512 | RF_CPU_AVX512_BF16, "native");
    if (rf__cpu_flags() & RF_CPU_AVX512_BF16) add_variant(avx512 | RF_CPU_AVX512_BF16 | RF_CPU_AMX_EMULATED, "native");
    if (rf__cpu_flags() & RF_CPU_AMX) add_variant(avx512 | RF_CPU_AVX512_BF16 | RF_CPU_AMX, "native");
    add_variant(rf__cpu_flags(), "onednn");
    for (int i = 0; i < variant_count; i++) print_message("variant %s\n", variants[i].name);
    return 0;
}

static uint64_t random_state = 1;

static inline uint32_t random_bits(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}
static inline float random_value(void) { return (float)random_bits() / 1073741824.0f - 1.0f; }

/* n random values and the canary (all bits set: NaN in both dtypes) */
static inline void *random_buffer(rf_dtype dtype, int64_t n) {
    size_t size = rf__dtype_size(dtype);
    char *p = rf__alloc((n + CANARY) * size);
    for (int64_t i = 0; i < n; i++) rf__put(dtype, p, i, random_value());
    memset(p + n * size, 0xff, CANARY * size);
    return p;
}

static inline void check_canary(const void *p, size_t bytes, const char *what) {
    for (int i = 0; i < CANARY; i++)
        if (((const uint8_t *)p)[bytes + i] != 0xff) fail_msg("%s: wrote past the end", what);
}

static inline void *canary_buffer(size_t bytes) {
    char *p = rf__alloc(bytes + CANARY);
    memset(p, 0xff, bytes + CANARY);
    return p;
}

typedef struct conv_case {
    int batch, h, w, cin, cout, kernel, stride, pad, dilate;
    bool transposed;
    unsigned epilogue; /* bits: bias rows gate residual scale f32-out, then the activation from bit 8 */
    int kw, pad_w;     /* kw 0: as high as wide */
} conv_case;

enum { BIAS = 1, ROWS = 2, GATE = 4, RESIDUAL = 8, SCALE = 16, WIDE = 32 };

static inline int width_of(const conv_case *c) { return c->kw ? c->kw : c->kernel; }
static inline int pad_w_of(const conv_case *c) { return c->kw ? c->pad_w : c->pad; }
static inline int out_size(const conv_case *c, int in, int kernel, int pad) {
    return ((in - 1) * c->dilate + 1 + 2 * pad - kernel) / c->stride + 1;
}
static inline int out_height(const conv_case *c) { return out_size(c, c->h, c->kernel, c->pad); }
static inline int out_width(const conv_case *c) { return out_size(c, c->w, width_of(c), pad_w_of(c)); }

/* Everything random that a case may be; what is special to a test (stride, epilogue ...) is set afterwards. */
static inline conv_case random_case(void) {
    conv_case c = {.stride = 1, .dilate = 1};
    c.batch = 1 + (int)(random_bits() % 5);
    c.h = 1 + (int)(random_bits() % 9);
    c.w = 1 + (int)(random_bits() % 9);
    c.cin = 1 + (int)(random_bits() % 70);
    c.cout = 1 + (int)(random_bits() % 70);
    c.kernel = 1 + (int)(random_bits() % 3);
    c.pad = (int)(random_bits() % (unsigned)c.kernel);
    return c;
}

/* The epilogue of a case, with random inputs of their own strides; outputs: numbers of y. */
static inline void random_epilogue(const conv_case *c, rf_conv_args *a, int64_t outputs) {
    a->rows_stride = a->cout + 3;
    a->gate_stride = a->cout + 5;
    if (c->epilogue & BIAS) a->bias = random_buffer(RF_F32, a->cout);
    if (c->epilogue & ROWS) a->rows = random_buffer(RF_F32, a->batch * a->rows_stride);
    if (c->epilogue & GATE) a->gate = random_buffer(RF_F32, a->batch * a->gate_stride);
    if (c->epilogue & RESIDUAL) a->residual = random_buffer(a->y_dtype, outputs);
    if (c->epilogue & SCALE) a->scale = 0.37f, a->residual_scale = -1.3f;
    a->act = c->epilogue >> 8;
}

#endif
