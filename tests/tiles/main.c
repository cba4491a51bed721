/* main.c - the kernels of the tile unit beside the same on tiles in plain C, byte by byte, on a machine (or an emulator of one) without an operating
 * system. One line a case on the first serial port: how many bytes differ, of how many, and the sum of absolute values, which must not be 0. */
#include <stdbool.h>

#include "../../src/kernels/native_amx.h"
#include "../../src/kernels/native_amx_dw.h"
#include "../../src/kernels/native_attention.h"
#include "../../src/kernels/native_pack.h"

typedef void conv_fn(const rf_conv_args *, int64_t, int64_t, void *);
typedef void dw_fn(const rf_conv_dw_args *, int64_t, int64_t, void *);
typedef void attention_fn(const rf_attention_args *, int64_t, int64_t, void *);
conv_fn rf__conv_tiles_amx, rf__conv_tiles_emulated, rf__conv_bytes_amx, rf__conv_bytes_emulated;
dw_fn rf__dw_tiles_amx, rf__dw_tiles_emulated;
void rf__dw_prepare_tiles_amx(const rf_conv_dw_args *, int64_t, int64_t);
attention_fn rf__attention_tiles_amx, rf__attention_tiles_emulated, rf__attention_bwd_tiles_amx, rf__attention_bwd_tiles_emulated;

/* ---- what the kernels want of a C library ---- */
void *memcpy(void *to, const void *from, size_t n) {
    for (size_t i = 0; i < n; i++) ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

void *memset(void *to, int value, size_t n) {
    for (size_t i = 0; i < n; i++) ((char *)to)[i] = (char)value;
    return to;
}

float logf(float x) { /* 2 artanh((x-1)/(x+1)), x brought near 1 */
    int twos = 0;
    for (; x > 1.5f; x *= 0.5f) twos++;
    for (; x < 0.75f; x *= 2) twos--;
    const float z = (x - 1) / (x + 1), z2 = z * z;
    return 2 * z * (1 + z2 * (1 / 3.0f + z2 * (0.2f + z2 / 7))) + 0.69314718f * (float)twos;
}

long lrintf(float x) {
    long whole;
    __asm__("cvtss2si %1, %0" : "=r"(whole) : "x"(x));
    return whole;
}

float fabsf(float x) { return x < 0 ? -x : x; }

/* ---- output ---- */
enum { PORT = 0x3f8 };

static void put(char c) {
    unsigned char ready;
    do __asm__ volatile("inb %1, %0" : "=a"(ready) : "Nd"((unsigned short)(PORT + 5)));
    while (!(ready & 0x20));
    __asm__ volatile("outb %0, %1" : : "a"(c), "Nd"((unsigned short)PORT));
}

static void say(const char *text) {
    while (*text) put(*text++);
}

static void say_number(long n) {
    char digits[24];
    int count = 0;
    do digits[count++] = (char)('0' + n % 10);
    while (n /= 10);
    while (count) put(digits[--count]);
}

static void report(const char *what, const void *a, const void *b, long bytes, double sum) {
    long differ = 0;
    for (long i = 0; i < bytes; i++) differ += ((const char *)a)[i] != ((const char *)b)[i];
    say(what);
    say(": differing bytes ");
    say_number(differ);
    say(" of ");
    say_number(bytes);
    say(", sum ");
    say_number((long)sum);
    say("\r\n");
}

/* ---- random operands, in memory that each case takes anew ---- */
static char *free_memory;
static uint64_t state = 1;

static void *take(size_t bytes) {
    char *p = free_memory;
    free_memory += (bytes + 127) / 64 * 64;
    return p;
}

static float random_value(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int)(state >> 40) / 8388608.0f - 1.0f;
}

static uint16_t *halves(int64_t n) {
    uint16_t *p = take(2 * (size_t)n);
    for (int64_t i = 0; i < n; i++) p[i] = rf__f32_to_bf16(random_value());
    return p;
}

static float *floats(int64_t n) {
    float *p = take(4 * (size_t)n);
    for (int64_t i = 0; i < n; i++) p[i] = random_value();
    return p;
}

static double sum_of(const uint16_t *p, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += rf__bf16_to_f32(p[i] & 0x7fff);
    return sum;
}

/* ---- cases ---- */
static void weight_gradient(const rf_conv_args *a, int64_t outputs) {
    rf_conv_dw_args d = {.dtype = RF_BF16, .batch = a->batch, .h = a->h, .w = a->w, .cin = a->cin, .oh = a->oh, .ow = a->ow, .cout = a->cout, .kh = a->kh,
                         .kw = a->kw, .stride = a->stride, .pad_h = a->pad_h, .pad_w = a->pad_w, .x = a->x, .dy = halves(outputs)};
    const int64_t weights = (int64_t)a->cin * a->cout * a->kh * a->kw;
    const rf_amx_dw cut = rf__amx_dw(&d);
    const int64_t units = (int64_t)cut.ranges * cut.taps * cut.ci_blocks;
    float *dw[2] = {take(4 * (size_t)weights), take(4 * (size_t)weights)};
    void *scratch = take(rf__amx_dw_scratch(&cut));
    d.shared = take(rf__amx_dw_shared(&cut));
    rf__dw_prepare_tiles_amx(&d, 0, (cut.tiles + RF_AMX_DW_PREPARE - 1) / RF_AMX_DW_PREPARE);
    for (int i = 0; i < 2; i++) {
        memset(dw[i], 0, 4 * (size_t)weights);
        d.dw = dw[i];
        (i ? rf__dw_tiles_emulated : rf__dw_tiles_amx)(&d, 0, units, scratch);
    }
    double sum = 0;
    for (int64_t i = 0; i < weights; i++) sum += dw[0][i] < 0 ? (double)-dw[0][i] : (double)dw[0][i];
    report("  its weight gradient", dw[0], dw[1], 4 * weights, sum);
}

/* The same layer in whole numbers, its weights made positive: Bochs 3.0 takes the signed bytes of tdpbusd for unsigned ones. (With that mended in its source
 * the layer was the same with negative weights too.) */
static void bytes(rf_conv_args a, float *weights, int64_t outputs) {
    for (int64_t i = 0; i < (int64_t)a.cin * a.cout * a.kh * a.kw; i++) weights[i] = fabsf(weights[i]);
    const rf_native_shape shape = rf__amx_shape(RF_INT8, a.cin, a.cout, a.kh, a.kw);
    rf_pack_args pack = {.dtype = RF_INT8, .cin = a.cin, .cout = a.cout, .kh = a.kh, .kw = a.kw, .w = weights};
    const int64_t inputs = a.batch * a.h * a.w * a.cin;
    uint8_t *x = take((size_t)inputs);
    for (int64_t i = 0; i < inputs; i++) x[i] = (uint8_t)(128 + 127 * random_value());
    a.dtype = RF_INT8;
    a.x = x;
    a.x_group = 1;
    a.x_scale = floats(a.batch * a.oh * a.ow);
    a.packed = pack.packed = take(rf__native_int8_size(&shape));
    rf__native_pack_int8(&pack, &shape, 0, shape.panels);
    const rf_amx_cut cut = rf__amx_cut(&a);
    void *scratch = take(rf__amx_scratch(&cut).total);
    uint16_t *y[2] = {take(2 * (size_t)outputs), take(2 * (size_t)outputs)};
    for (int i = 0; i < 2; i++) {
        a.y = y[i];
        (i ? rf__conv_bytes_emulated : rf__conv_bytes_amx)(&a, 0, cut.groups * cut.blocks, scratch);
    }
    report("  in whole numbers", y[0], y[1], 2 * outputs, sum_of(y[0], outputs));
}

static void convolution(int batch, int h, int w, int cin, int cout, int kernel, int stride, int pad) {
    free_memory = (char *)0x4000000;
    rf_conv_args a = {.dtype = RF_BF16, .y_dtype = RF_BF16, .batch = batch, .h = h, .w = w, .cin = cin, .cout = cout, .kh = kernel, .kw = kernel,
                      .stride = stride, .pad_h = pad, .pad_w = pad, .dilate = 1, .scale = 1, .residual_scale = 1, .act = RF_ACT_SILU};
    a.oh = (h + 2 * pad - kernel) / stride + 1;
    a.ow = (w + 2 * pad - kernel) / stride + 1;
    const int64_t outputs = (int64_t)batch * a.oh * a.ow * cout;
    const rf_native_shape shape = rf__amx_shape(RF_BF16, cin, cout, kernel, kernel);
    float *weights = floats((int64_t)cin * cout * kernel * kernel);
    rf_pack_args pack = {.dtype = RF_BF16, .cin = cin, .cout = cout, .kh = kernel, .kw = kernel, .w = weights};
    a.x = halves((int64_t)batch * h * w * cin);
    a.bias = floats(cout);
    a.packed = pack.packed = take(rf__native_packed_size(&shape));
    rf__native_pack(&pack, &shape, 0, shape.panels);
    const rf_amx_cut cut = rf__amx_cut(&a);
    void *scratch = take(rf__amx_scratch(&cut).total);
    uint16_t *y[2] = {take(2 * (size_t)outputs), take(2 * (size_t)outputs)};
    for (int i = 0; i < 2; i++) {
        a.y = y[i];
        (i ? rf__conv_tiles_emulated : rf__conv_tiles_amx)(&a, 0, cut.groups * cut.blocks, scratch);
    }
    report("convolution", y[0], y[1], 2 * outputs, sum_of(y[0], outputs));
    weight_gradient(&a, outputs);
    bytes(a, weights, outputs);
}

static void attention(int batch, int tq, int tk, int heads, int dim) {
    free_memory = (char *)0x4000000;
    const int64_t row = (int64_t)heads * dim, queries = batch * tq * row, keys = batch * tk * row;
    rf_attention_args a = {.dtype = RF_BF16, .batch = batch, .tq = tq, .tk = tk, .heads = heads, .dim = dim, .q_stride = row, .k_stride = row,
                           .v_stride = row, .y_stride = row, .scale = 0.2f};
    a.q = halves(queries);
    a.k = halves(keys);
    a.v = halves(keys);
    a.dy = halves(queries);
    a.lse = take(4 * (size_t)batch * heads * tq);
    void *scratch = take(rf__attention_cut(&a, true, 16, RF_FORM_TILES).total + rf__attention_cut(&a, false, 16, RF_FORM_TILES).total);
    uint16_t *out[2];
    for (int i = 0; i < 2; i++) { /* y, dq, dk, dv */
        uint16_t *p = out[i] = take(2 * (size_t)(2 * queries + 2 * keys));
        a.y = p;
        a.dq = p + queries;
        a.dk = p + 2 * queries;
        a.dv = p + 2 * queries + keys;
        (i ? rf__attention_tiles_emulated : rf__attention_tiles_amx)(&a, 0, batch * heads, scratch);
        (i ? rf__attention_bwd_tiles_emulated : rf__attention_bwd_tiles_amx)(&a, 0, batch * heads, scratch);
    }
    report("attention", out[0], out[1], 2 * queries, sum_of(out[0], queries));
    report("  its gradients", out[0] + queries, out[1] + queries, 2 * (queries + 2 * keys), sum_of(out[0] + queries, queries + 2 * keys));
}

int main(void) {
    const unsigned flush_denormals = 0x1f80 | 0x8040; /* as the engine's threads do, and the tile unit always */
    __asm__ volatile("ldmxcsr %0" : : "m"(flush_denormals));
    __asm__ volatile("outb %0, %1" : : "a"((char)3), "Nd"((unsigned short)(PORT + 3))); /* 8 bits, no parity */
    convolution(2, 8, 8, 16, 16, 3, 1, 1);
    convolution(1, 1, 579, 64, 200, 1, 1, 0);
    convolution(3, 6, 6, 48, 70, 3, 1, 1);
    convolution(2, 9, 7, 33, 19, 3, 2, 1);
    convolution(1, 1, 70, 384, 96, 1, 1, 0);
    convolution(1, 16, 16, 96, 112, 3, 1, 1);
    attention(2, 16, 16, 2, 16);
    attention(1, 50, 300, 2, 64);
    attention(1, 33, 65, 3, 40);
    attention(1, 49, 129, 1, 128);
    say("done\r\n");
    return 0;
}
