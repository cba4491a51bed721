/* model.h - the registry of networks: each is a table entry in its own file that declares its settings and builds a graph.
 * A model is weights plus settings; a field (flow/field.h) is how the sampler sees it. */
#ifndef RF_MODEL_H
#define RF_MODEL_H
#include "../flow/windows.h"
#include "../graph/graph.h"
#include "../graph/plan.h"
#include "../io/fields.h"
#include "form.h"

/* What every network gets. Optional nodes are NULL. */
typedef struct rf_model_inputs {
    rf_node *x;        /* [B,H,W,C] f32 (mlp: [B,D]) */
    rf_node *t;        /* [B] f32 */
    rf_node *label;    /* [B] i32; `classes` is the null class of guidance. NULL for unconditional networks */
    rf_node *extra;    /* [B,E] f32: window one-hot, initial velocity ... */
    rf_node *before;   /* of a refiner, like x: the velocity known before; gap [B] how long ago, scale [B] of its guidance */
    rf_node *gap, *scale;
    rf_node *drop_key; /* [B,2] i32 and drop_seed [2] i32: present in training only; dropout is off when NULL */
    rf_node *drop_seed;
    struct rf_taps *taps; /* taps.h: attention is looked into; NULL: it is not */
} rf_model_inputs;

/* What a network is told beside x, t and the class when it corrects a known velocity instead of finding one (FlowTurbo's refiner). */
typedef enum rf_refines {
    RF_REFINES_NOTHING, /* it finds one: a predictor */
    RF_REFINES_PLAIN,   /* `before` alone, as published */
    RF_REFINES_GAP,     /* and how old it is */
    RF_REFINES_GUIDED,  /* and the guidance scale of `before` and of the answer: one row an answer */
} rf_refines;
extern const char *const rf__refines_names[]; /* in the order of the enum; NULL-terminated */

/* What the rest of the program must know about a network without knowing which it is. */
typedef struct rf_model_shape {
    int height, width, channels; /* of x; 2-D toys: 1, 1, D */
    int classes;                 /* 0: unconditional */
    int extra;                   /* width of `extra`, 0: none */
    bool flat;                   /* x is [B, D] */
    rf_refines refines;
    rf_form_config form;         /* what its answer means */
} rf_model_shape;

/* Numbers of one picture or point. */
static inline int64_t rf__scalars_of(const rf_model_shape *shape) { return (int64_t)shape->height * shape->width * shape->channels; }

/* Metadata strait.refiner: the one predictor a refiner belongs to and what it was trained for. */
typedef struct rf_refiner_facts {
    char predictor[65]; /* SHA-256 of its file; "": unknown */
    double gap_least, gap_most;
    double scale_least, scale_most; /* of RF_REFINES_GUIDED */
    bool from_start;    /* the velocity it corrects is the predictor's at t = 0, whatever its own time (solver caf) */
} rf_refiner_facts;

struct rf_model;
typedef struct rf_model_kind {
    const char *name, *source, *help;
    const rf_field_desc *fields; /* settings table: parsed from recipes and checkpoints alike (io/fields.h) */
    size_t config_size;
    /* Check settings that depend on each other; the sentence names the key. May be NULL. */
    rf_status (*check)(const void *config);
    rf_model_shape (*shape)(const void *config);
    /* Settings of the same weights for pictures of another size; NULL: the weights fit one size only. */
    rf_status (*resize)(void *config, int height, int width);
    /* How a deeper network starts from a shallower one (grow.h): the setting that counts blocks, and what gives `to` the weights of `from` so that it answers
     * alike; NULL: new blocks as they begin add nothing. depth NULL: it cannot. */
    const char *depth;
    rf_status (*deepen)(struct rf_model *to, struct rf_model *from);
    const char *last;      /* in the names of its last layer's parameters: where a refiner that starts from a predictor says nothing yet */
    bool classifies;       /* build gives logits [B, classes] of a clean picture: it can judge, and cannot generate */
    /* v [B,H,W,C] f32 in velocity units, or the logits; of a refiner what is to be added to `before`. */
    rf_node *(*build)(rf_graph *graph, const void *config, const rf_model_inputs *in);
    const struct rf_model_import *import; /* other people's checkpoints of this network (import.h), or NULL */
} rf_model_kind;

const rf_model_kind *const *rf__model_kinds(void);            /* NULL-terminated */
const rf_model_kind *rf__model_kind_find(const char *name);   /* NULL when unknown (error sentence recorded) */

/* kind + settings + weights. */
typedef struct rf_model {
    const rf_model_kind *kind;
    void *config;          /* config_size bytes */
    rf_model_shape shape;
    rf_weights *weights;
    rf_windows windows;    /* it is straight inside these only (metadata strait.windows); count 0: everywhere */
    rf_refiner_facts refiner; /* of one that refines */
    char *metadata_json;   /* everything else the checkpoint said: convention, training protocol, parent hash; may be NULL */
    char sha256[65];       /* of the file it came from, or "" */
    char *path;            /* or NULL */
    char *delta_path;      /* of the difference that was added (grow.h), or NULL */
} rf_model;

/* A fresh model, weights initialised from seed. config: copied. */
rf_status rf__model_create(rf_model **out, const rf_model_kind *kind, const void *config, uint64_t seed);
/* A safetensors checkpoint of ours: settings in __metadata__["strait.model"]. Any other file: by import.h. */
rf_status rf__model_open(rf_model **out, const char *path);
/* Weights from `all` (laid out as rf__weights_all), stored as f32 or bf16; metadata_json: an object merged into __metadata__. */
rf_status rf__model_save(const rf_model *model, const float *all, const char *path, rf_dtype dtype, const char *metadata_json);
void rf__model_free(rf_model **model);
/* The same weights, borrowed, for pictures of another size (kinds with `resize`). errors: RF_EUNSUPPORTED, or a size that does not fit. */
rf_status rf__model_at(rf_model *out, const rf_model *model, int height, int width);
void rf__model_at_fini(rf_model *resized);
int64_t rf__model_parameters(const rf_model *model); /* trained scalars */
rf_status rf__model_generates(const rf_model *model); /* errors: RF_EUNSUPPORTED for one that judges pictures */
static inline int64_t rf__model_scalars(const rf_model *model) { return rf__scalars_of(&model->shape); }
int64_t rf__model_tokens(const rf_model *model);     /* what FLUX's law counts: patches, or for a network without them its 2 x 2 places */

/* The network's answer as a velocity (or logits): what `build` gives by its form, for a refiner added to `before`. */
rf_node *rf__model_velocity(rf_graph *graph, const rf_model_kind *kind, const void *config, const rf_model_inputs *in);
/* The graph of a call of `rows`: inputs of rf__model_declare, output "v". Owned; NULL when it fails. */
rf_status rf__model_graph(rf_graph **out, const rf_model *model, int64_t rows, rf_dtype dtype);
/* Whether `refiner` corrects what `predictor` says: sizes, classes and the predictor's hash. */
rf_status rf__model_check_refiner(const rf_model *refiner, const rf_model *predictor);
/* Declare the standard inputs x, t, label, (extra), those of a refiner, and with `training` drop_key, drop_seed for `batch` rows. */
rf_model_inputs rf__model_declare(rf_graph *graph, const rf_model_shape *shape, int64_t batch, bool training);

#endif
