/* graph.h - builders record operations and compute nothing; rf_grad appends the backward pass to the same graph.
 *
 * Every builder returns a node, or NULL after an error; NULL inputs give NULL, so a model is written without
 * checks and the first error stays in the graph (rf_graph_status, and the plan reports it).
 * Shapes are row-major with the batch first: images [B,H,W,C], tokens [B,T,C], vectors [B,C], rows [B].
 * Types: a graph has a compute dtype. Activations of rank >= 3 carry it; vectors (rank <= 2), losses, inputs,
 * parameters and their gradients are f32 (labels and keys i32). Builders insert the casts. */
#ifndef RF_GRAPH_H
#define RF_GRAPH_H
#include "../base/status.h"
#include "../kernels/kernels.h"

#define RF_MAX_RANK 4

typedef struct rf_graph rf_graph;
typedef struct rf_node rf_node;

typedef struct rf_shape {
    int rank;
    int64_t dim[RF_MAX_RANK];
} rf_shape;

/* How a parameter starts; gain multiplies. fan_in / fan_out come from the shape. */
typedef enum rf_init_law {
    RF_INIT_ZERO, RF_INIT_ONE, RF_INIT_NORMAL /* sd = gain */, RF_INIT_UNIFORM /* +-gain */,
    RF_INIT_FAN_AVG_UNIFORM /* Xavier: +-gain*sqrt(6/(in+out)) */, RF_INIT_FAN_IN_UNIFORM /* +-gain*sqrt(1/in) */,
    RF_INIT_SINCOS2D /* [T, C] fixed sine-cosine positions */, RF_INIT_FOURIER /* N(0, gain^2), not trained */
} rf_init_law;
typedef struct rf_init { rf_init_law law; float gain; } rf_init;

typedef struct rf_param {
    const char *name;      /* as in the checkpoint */
    rf_shape shape;        /* in memory: conv [cout,kh,kw,cin], linear [out,in] */
    rf_init init;
    bool trained;          /* false: buffers (positions, frequencies) */
    bool conv;             /* rank 4 and stored in files as [cout,cin,kh,kw] */
} rf_param;

/* RF_F32, RF_BF16, or RF_INT8: bf16, whose large dense layers plans run in whole numbers (no gradients). NULL when out of memory. */
rf_graph *rf__graph_create(rf_dtype compute);
void rf__graph_free(rf_graph **graph);
rf_status rf__graph_status(const rf_graph *graph); /* first error; its sentence is set as the last error again */
rf_dtype rf__graph_dtype(const rf_graph *graph);   /* of activations */

/* Names get a prefix until popped: push("blocks.%d", i) ... pop. */
void rf__scope_push(rf_graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rf__scope_pop(rf_graph *graph);

/* ---- leaves ---- */
rf_node *rf__input(rf_graph *graph, const char *name, rf_dtype dtype, rf_shape shape);
rf_node *rf__param(rf_graph *graph, const char *name, rf_shape shape, rf_init init); /* same full name twice = same node */
rf_node *rf__buffer(rf_graph *graph, const char *name, rf_shape shape, rf_init init); /* a parameter that is not trained */
/* Until it is set back, what rf__param makes is a buffer: a network that is given (a teacher, a judge), built by its own `build`. */
void rf__freeze(rf_graph *graph, bool on);
rf_node *rf__fill(rf_graph *graph, rf_shape shape, float value);                 /* constant */
static inline rf_shape rf__shape1(int64_t a) { return (rf_shape){1, {a}}; }
static inline rf_shape rf__shape2(int64_t a, int64_t b) { return (rf_shape){2, {a, b}}; }
static inline rf_shape rf__shape3(int64_t a, int64_t b, int64_t c) { return (rf_shape){3, {a, b, c}}; }
static inline rf_shape rf__shape4(int64_t a, int64_t b, int64_t c, int64_t d) { return (rf_shape){4, {a, b, c, d}}; }
rf_shape rf__node_shape(const rf_node *node);
int64_t rf__shape_count(const rf_shape *shape);

/* ---- dense ---- */
/* x [B,...,K], weight [N,K], bias [N] or NULL -> [B,...,N] */
rf_node *rf__linear(rf_graph *graph, rf_node *x, rf_node *weight, rf_node *bias);
/* x [B,H,W,C], weight [N,kh,kw,C], bias [N] or NULL; zero padding on both sides, pad_h rows and pad_w columns */
rf_node *rf__conv2d_hw(rf_graph *graph, rf_node *x, rf_node *weight, rf_node *bias, int stride, int pad_h, int pad_w);
rf_node *rf__conv2d(rf_graph *graph, rf_node *x, rf_node *weight, rf_node *bias, int stride, int pad);
/* qkv [B,T,3*heads*dim] with order (which, head, dim) -> [B,T,heads*dim], scale 1/sqrt(dim). An image [B,H,W,C] is read as H*W tokens. */
rf_node *rf__attention_qkv(rf_graph *graph, rf_node *qkv, int heads);
/* q [B,Tq,C], k, v [B,Tk,C] */
rf_node *rf__attention(rf_graph *graph, rf_node *q, rf_node *k, rf_node *v, int heads);

/* ---- norms ---- */
/* x / (|x| + eps) over the channels of each pixel */
rf_node *rf__unit_norm(rf_graph *graph, rf_node *x, float eps);
rf_node *rf__group_norm(rf_graph *graph, rf_node *x, rf_node *gamma, rf_node *beta, int groups, float eps);
/* affine: gamma, beta [C] or NULL */
rf_node *rf__layer_norm(rf_graph *graph, rf_node *x, rf_node *gamma, rf_node *beta, float eps);

/* ---- elementwise and rows ---- */
rf_node *rf__act(rf_graph *graph, rf_act act, rf_node *x);
rf_node *rf__silu(rf_graph *graph, rf_node *x);
rf_node *rf__add(rf_graph *graph, rf_node *a, rf_node *b);                        /* same shape */
rf_node *rf__sub(rf_graph *graph, rf_node *a, rf_node *b);
rf_node *rf__mul(rf_graph *graph, rf_node *a, rf_node *b);
rf_node *rf__axpby(rf_graph *graph, float a, rf_node *x, float b, rf_node *z);    /* a*x + b*z; z may be NULL */
rf_node *rf__scale(rf_graph *graph, rf_node *x, float a);
rf_node *rf__add_rows(rf_graph *graph, rf_node *x, rf_node *v);                   /* x [B,..,C] + v [B,C] or [C] */
rf_node *rf__mul_rows(rf_graph *graph, rf_node *x, rf_node *g);                   /* x [B,..,C] * g [B,C] or [C] */
rf_node *rf__modulate(rf_graph *graph, rf_node *x, rf_node *shift, rf_node *scale); /* x*(1+scale)+shift, both [B,C] */
rf_node *rf__scale_rows(rf_graph *graph, rf_node *x, rf_node *s);                 /* x [B,...] * s [B] */
rf_node *rf__add_table(rf_graph *graph, rf_node *x, rf_node *table);              /* x [B,T,C] + table [T,C] (positions) */
rf_node *rf__dropout(rf_graph *graph, rf_node *x, float p, rf_node *key, rf_node *seed); /* key [B,2], seed [2] i32; p = 0 or NULL key: x */

/* ---- shape ---- */
rf_node *rf__reshape(rf_graph *graph, rf_node *x, rf_shape shape);
rf_node *rf__concat(rf_graph *graph, rf_node *a, rf_node *b);                     /* last axis */
rf_node *rf__slice(rf_graph *graph, rf_node *x, int64_t begin, int64_t count);    /* last axis */
rf_node *rf__concat_tokens(rf_graph *graph, rf_node *a, rf_node *b);              /* [B,Ta,C],[B,Tb,C] -> [B,Ta+Tb,C] */
rf_node *rf__pad_channels(rf_graph *graph, rf_node *x, int64_t before, int64_t after); /* zeros around the last axis */
rf_node *rf__slice_tokens(rf_graph *graph, rf_node *x, int64_t begin, int64_t count);
rf_node *rf__up2(rf_graph *graph, rf_node *x);                                    /* nearest, x2 */
rf_node *rf__down2(rf_graph *graph, rf_node *x);                                  /* 2x2 mean */
/* Bilinear, without antialiasing. corner: as TensorFlow 1 (output o reads at o*h/oh), else pixel centres as PyTorch. */
rf_node *rf__resize(rf_graph *graph, rf_node *x, int oh, int ow, bool corner);
rf_node *rf__patchify(rf_graph *graph, rf_node *x, int patch, bool channel_first);
rf_node *rf__unpatchify(rf_graph *graph, rf_node *x, int h, int w, int patch, bool channel_first); /* -> [B,h,w,c] */
/* ceil: a last window that does not fit is kept when it begins inside the image (or the padding before it) */
rf_node *rf__max_pool(rf_graph *graph, rf_node *x, int size, int stride, int pad, bool ceil);
rf_node *rf__avg_pool(rf_graph *graph, rf_node *x, int size, int stride, int pad, bool count_pad);
rf_node *rf__mean_pixels(rf_graph *graph, rf_node *x);                            /* [B,..,C] -> [B,C] f32 */

/* ---- tables and features ---- */
rf_node *rf__embed(rf_graph *graph, rf_node *table, rf_node *index);              /* table [N,C], index [B] i32 -> [B,C] */
rf_node *rf__time_features(rf_graph *graph, rf_node *t, int channels, float scale, float max_period, float shift, bool sin_first);
/* [B, 2n] of t [B] and given frequencies [n] (or [1, n]), which get no gradient */
rf_node *rf__time_waves(rf_graph *graph, rf_node *t, rf_node *frequency, float scale, bool sin_first);
/* of(t, with) -> [B] f32, once a row and call; t gets no gradient. with: copied. */
rf_node *rf__time_map(rf_graph *graph, rf_node *t, rf_time_map of, const float with[5]);
/* (a + b t) / max(c + d t, least) */
rf_node *rf__time_ratio(rf_graph *graph, rf_node *t, float a, float b, float c, float d, float least);

/* ---- losses ---- */
rf_node *rf__sum_rows(rf_graph *graph, rf_node *x, float a);                      /* a * sum over all but the batch -> [B] f32 */
rf_node *rf__dot_rows(rf_graph *graph, rf_node *x, rf_node *z, float a);          /* a * sum x*z -> [B] */
rf_node *rf__sum(rf_graph *graph, rf_node *x, float a);                           /* a * sum of all -> [1] */
rf_node *rf__cross_entropy(rf_graph *graph, rf_node *logits, rf_node *label);     /* -> [B] */
rf_node *rf__stop_gradient(rf_graph *graph, rf_node *x);
rf_node *rf__to_f32(rf_graph *graph, rf_node *x);                                 /* cast, when it is not yet */

rf_node *rf__to_compute(rf_graph *graph, rf_node *x);                             /* cast to the graph's type: an input that stands for an activation */

/* Name an output; its buffer is bound or read after a run by this name. Outputs are f32. */
void rf__output(rf_graph *graph, const char *name, rf_node *node);

/* Where the backward pass may begin again: the end of a block of a network. x. */
rf_node *rf__keep(rf_graph *graph, rf_node *x);
/* Before rf_grad: activations between kept nodes are not held until the backward pass but computed again in it, block by block (Chen et al.
 * 2016): less memory for about one more forward pass. Vectors stay, and so does everything behind the last kept node. */
void rf__recompute(rf_graph *graph, bool on);

/* Append d(loss)/d(everything that needs it); loss has one element. Every trained parameter of the graph then has a
 * gradient accumulator (the run adds into it), and every input named in `inputs` (NULL-terminated, may be NULL) an output "grad:NAME". */
rf_status rf_grad(rf_graph *graph, rf_node *loss, const char *const *inputs);

/* Cut a graph that computes no gradients in two. The front half is what it makes of the inputs in `names` (NULL-terminated) and parameters
 * alone, as far as that is one f32 vector a row; the rest takes those vectors as inputs (rf__exec_cut, plan.h), in the same order in both
 * halves. Build the graph twice, and cut each copy. Where the front would hold no dense layer there is nothing to gain and no cut. */
typedef enum rf_half { RF_HALF_FRONT, RF_HALF_REST } rf_half;
rf_status rf__graph_cut(rf_graph *graph, const char *const *names, rf_half half);
int rf__graph_cuts(const rf_graph *graph); /* vectors that cross; 0: none, or not cut */

/* The parameters in the order of first use. */
int rf__graph_param_count(const rf_graph *graph);
const rf_param *rf__graph_param(const rf_graph *graph, int index);

#endif
