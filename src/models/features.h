/* features.h - networks that look at pictures: what the judge compares pictures by, and what perceptual losses and teachers are
 * made of. Each is a table entry that says how pictures must come and builds a graph. Parameters are frozen (buffers), named as
 * in the published file, and batch norms are folded into the convolution before them. Gradients pass to the picture. */
#ifndef RF_FEATURES_H
#define RF_FEATURES_H
#include "../graph/graph.h"
#include "../graph/plan.h"

struct rf_model_kind;
struct rf_model;

#define RF_FEATURE_TAPS 8

typedef enum rf_resize_law {
    RF_RESIZE_HALF_PIXEL, /* bilinear between pixel centres, not antialiased: PyTorch, pytorch-fid */
    RF_RESIZE_CORNER,     /* bilinear as in TensorFlow 1: the original FID code, torch-fidelity */
} rf_resize_law;

typedef struct rf_feature_out {
    rf_node *features;              /* [B, F] f32 */
    rf_node *logits;                /* [B, K] f32 */
    rf_node *taps[RF_FEATURE_TAPS]; /* [B,h,w,c] in the compute dtype: inner activations, those of LPIPS where it has the network */
    int tap_count;
} rf_feature_out;

/* How much of a network is wanted. */
typedef enum rf_feature_part {
    RF_FEATURE_ALL,
    RF_FEATURE_TAPS_ONLY, /* no layer behind the last tap: no features, no logits */
} rf_feature_part;

typedef struct rf_feature_net {
    const char *name, *source, *help;
    const char *sha256;       /* first digits of the published files' checksums, separated by spaces; NULL: any file will do */
    int size, channels;       /* height and width, channels of the pictures it was made for; 0: the checkpoint says */
    rf_resize_law resize;
    float scale[3], shift[3]; /* the network wants scale*x + shift of x in [-1,1], by channel (of RGB) */
    bool blue_first;          /* the file's first convolution takes BGR; turned when it is loaded */
    double norm_eps;          /* of the file's batch norms: the one behind ..convN is called ..bnN; 0: it has none */
    const void *form;         /* which of several like networks, for `build` */
    const struct rf_model_kind *kind; /* trained by our recipes: opened as a checkpoint of this kind, whose settings are the form */
    /* x: as the network wants it. Declares parameters under the current scope. */
    void (*build)(rf_graph *graph, const void *form, rf_node *x, rf_feature_part part, rf_feature_out *out);
} rf_feature_net;

/* Mean and deviation of ImageNet's colours, of 0..1, as torchvision's networks want them. */
#define RF_IMAGENET_COLOURS                                 \
    .scale = {0.5f / 0.229f, 0.5f / 0.224f, 0.5f / 0.225f}, \
    .shift = {(0.5f - 0.485f) / 0.229f, (0.5f - 0.456f) / 0.224f, (0.5f - 0.406f) / 0.225f}

const rf_feature_net *const *rf__feature_nets(void);          /* NULL-terminated */
const rf_feature_net *rf__feature_net_find(const char *name); /* NULL and a sentence listing the names */

/* Run a network on pictures x [B,H,W,C] f32 in [-1,1]. height, width: bring them to this size first, 0: take them as they are. One
 * channel becomes three equal ones where the network wants colours. form: NULL, or the settings of a network with a `kind`.
 * The nodes are NULL after an error of the graph. */
rf_feature_out rf__feature_build(rf_graph *graph, const rf_feature_net *net, const void *form, rf_node *x, int height, int width,
                                 rf_feature_part part);

/* ---- weights ---- */

/* Where numbers come from: a file, or a test. */
typedef struct rf_tensor_source {
    void *self;
    bool (*has)(void *self, const char *name);
    /* The `count` numbers of a tensor in the file's order; an error's sentence names the tensor. */
    rf_status (*read)(void *self, const char *name, int64_t count, float *out);
} rf_tensor_source;

/* Fill those parameters of `weights` whose name begins with `prefix` (the scope in which the network was built, "" for none) and that
 * belong to `net`; the source has the names without it. Numbers that are not finite are an error. Packed weights follow at rf__weights_refresh. */
rf_status rf__feature_load(const rf_feature_net *net, rf_weights *weights, const char *prefix, const rf_tensor_source *source);

/* A file as a source. Names may carry what the file was wrapped in ("state_dict."): `probe` is a tensor that must be there. */
rf_status rf__tensor_file_open(rf_tensor_source *out, const char *path, const char *probe);
void rf__tensor_file_close(rf_tensor_source *source);
/* expected: first digits of checksums, separated by spaces, NULL: any; got: of the file at `path`. */
rf_status rf__feature_checksum(const char *expected, const char *got, const char *path);

/* ---- a network with its file ---- */

typedef struct rf_feature_model {
    const rf_feature_net *net;
    const void *form;
    int height, width, channels; /* of the pictures it was made for */
    int features, classes;
    rf_weights *weights;
    struct rf_model *checkpoint; /* owner of form and weights when the network is one of ours, else NULL */
    char sha256[65];             /* of the file */
} rf_feature_model;

/* any_file: do not insist on the published checksum. */
rf_status rf__feature_open(rf_feature_model **out, const char *name, const char *path, bool any_file);
/* Its numbers into the buffers that the same network has in `to`, where it was built under the scope `prefix` ("judge."). Refresh follows. */
rf_status rf__feature_copy(const rf_feature_model *model, rf_weights *to, const char *prefix);
void rf__feature_free(rf_feature_model **model);

#endif
