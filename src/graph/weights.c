/* weights.c - parameters as one vector, and the packed panels that plans derive from them. */
#include "plan_inside.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../base/rng.h"

#define ALIGN_FLOATS 16 /* every parameter starts on a cache line */

/* One packed form of one parameter; all plans with the same provider and dtype share it. */
typedef struct packed_slot {
    int index;
    rf_pack_args args;
    rf_conv_provider provider;
    void *buffer;
    size_t bytes;
} packed_slot;

struct rf_weights {
    rf_arena *arena;
    rf_param *params;
    int64_t *offsets;
    int count;
    int64_t total, trained;
    float *data;
    pthread_mutex_t lock; /* guards the slots: plans may be built in the background */
    packed_slot **slots;
    int slot_count;
    uint64_t version;     /* how often they were refreshed */
    rf_weights *frozen;   /* borrowed, or NULL */
};

rf_status rf__weights_create(rf_weights **out, const rf_graph *graph) {
    *out = NULL;
    RF_TRY(rf__graph_status(graph));
    rf_weights *weights = calloc(1, sizeof *weights);
    if (!weights) return rf__fail(RF_ENOMEM, "no memory for the weights");
    pthread_mutex_init(&weights->lock, NULL);
    int count = graph->param_count;
    weights->arena = rf__arena_create();
    weights->params = calloc((size_t)count + 1, sizeof *weights->params);
    weights->offsets = calloc((size_t)count + 1, sizeof *weights->offsets);
    if (!weights->arena || !weights->params || !weights->offsets) goto fail;
    for (int pass = 0; pass < 2; pass++) { /* trained first, so that the optimiser walks one range */
        for (int i = 0; i < count; i++) {
            if (graph->params[i].trained != (pass == 0)) continue;
            rf_param *param = &weights->params[weights->count];
            *param = graph->params[i];
            if (!(param->name = rf__arena_strdup(weights->arena, param->name))) goto fail;
            weights->offsets[weights->count++] = weights->total;
            weights->total += (rf__shape_count(&param->shape) + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
        }
        if (pass == 0) weights->trained = weights->total;
    }
    weights->data = rf__alloc_array((size_t)(weights->total ? weights->total : 1), sizeof(float));
    if (!weights->data) goto fail;
    *out = weights;
    return RF_OK;
fail:
    rf__fail(RF_ENOMEM, "no memory for %lld parameters", (long long)weights->total);
    rf__weights_free(&weights);
    return RF_ENOMEM;
}

void rf__weights_free(rf_weights **weights_pointer) {
    rf_weights *weights = weights_pointer ? *weights_pointer : NULL;
    if (!weights) return;
    *weights_pointer = NULL;
    for (int i = 0; i < weights->slot_count; i++) {
        rf__free(weights->slots[i]->buffer);
        free(weights->slots[i]);
    }
    free(weights->slots);
    rf__free(weights->data);
    free(weights->params);
    free(weights->offsets);
    rf__arena_free(&weights->arena);
    pthread_mutex_destroy(&weights->lock);
    free(weights);
}

int rf__weights_count(const rf_weights *weights) { return weights->count; }
const rf_param *rf__weights_param(const rf_weights *weights, int index) { return &weights->params[index]; }
float *rf__weights_data(rf_weights *weights, int index) { return weights->data + weights->offsets[index]; }
int64_t rf__weights_trained(const rf_weights *weights) { return weights->trained; }
int64_t rf__weights_offset(const rf_weights *weights, int index) { return weights->offsets[index]; }

float *rf__weights_all(rf_weights *weights, int64_t *count) {
    if (count) *count = weights->total;
    return weights->data;
}

int rf__weights_find(const rf_weights *weights, const char *name) {
    for (int i = 0; i < weights->count; i++)
        if (!strcmp(weights->params[i].name, name)) return i;
    return -1;
}

void rf__weights_attach(rf_weights *weights, rf_weights *frozen) { weights->frozen = frozen; }

rf_weights *rf__weights_owner(rf_weights *weights, const char *name, int *index) {
    for (; weights; weights = weights->frozen)
        if ((*index = rf__weights_find(weights, name)) >= 0) return weights;
    return NULL;
}

/* One loop for both directions: `to_file` says which side is which. */
void rf__param_turn(const rf_param *param, const float *from, float *to, bool to_file) {
    int64_t count = rf__shape_count(&param->shape);
    if (!param->conv) {
        memcpy(to, from, (size_t)count * sizeof *to);
        return;
    }
    int64_t in = param->shape.dim[3], taps = param->shape.dim[1] * param->shape.dim[2];
    for (int64_t i = 0; i < count; i++) {
        int64_t channel = i % in, tap = i / in % taps, out = i / in / taps;
        int64_t outside = (out * in + channel) * taps + tap;
        if (to_file) to[outside] = from[i];
        else to[i] = from[outside];
    }
}

/* ---- initial values ---- */

/* FNV-1a: a parameter's numbers depend on its name, not on what was built before it. */
static uint64_t name_hash(const char *name) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
    return hash >> 20; /* leaves 2^20 and more indices between two names, against wrap-around */
}

/* fan_in, fan_out of [out, (kh, kw,) in]. */
static void fans(const rf_shape *shape, double *fan_in, double *fan_out) {
    double field = shape->rank == 4 ? (double)(shape->dim[1] * shape->dim[2]) : 1;
    *fan_out = (double)shape->dim[0] * field;
    *fan_in = (double)rf__shape_last(shape) * field;
}

/* Fixed 2-D sine-cosine positions of a square grid [T, C] (MAE, DiT): the first half of the channels encodes the column. */
static void sincos_2d(const rf_shape *shape, float *out) {
    int64_t tokens = shape->dim[0], channels = shape->dim[1], quarter = channels / 4;
    int64_t side = (int64_t)(sqrt((double)tokens) + 0.5);
    for (int64_t i = 0; i < tokens; i++)
        for (int64_t c = 0; c < 4 * quarter; c++) {
            double position = (double)(c < 2 * quarter ? i % side : i / side);
            double omega = pow(10000.0, -(double)(c % quarter) / (double)quarter);
            out[i * channels + c] = (float)((c / quarter) % 2 ? cos(position * omega) : sin(position * omega));
        }
}

static void init_param(const rf_param *param, uint64_t seed, float *out) {
    int64_t count = rf__shape_count(&param->shape);
    uint64_t index = name_hash(param->name) << 20;
    double fan_in, fan_out, bound = param->init.gain;
    fans(&param->shape, &fan_in, &fan_out);
    switch (param->init.law) {
    case RF_INIT_ZERO: memset(out, 0, (size_t)count * sizeof *out); return;
    case RF_INIT_ONE:
        for (int64_t i = 0; i < count; i++) out[i] = 1;
        return;
    case RF_INIT_SINCOS2D: sincos_2d(&param->shape, out); return;
    case RF_INIT_NORMAL:
    case RF_INIT_FOURIER:
        rf__rng_normal(seed, RF_STREAM_INIT, index, count, out);
        for (int64_t i = 0; i < count; i++) out[i] *= param->init.gain;
        return;
    case RF_INIT_FAN_AVG_UNIFORM: bound *= sqrt(6.0 / (fan_in + fan_out)); break;
    case RF_INIT_FAN_IN_UNIFORM: bound *= sqrt(1.0 / fan_in); break;
    case RF_INIT_UNIFORM: break;
    }
    rf__rng_uniform(seed, RF_STREAM_INIT, index, count, out);
    for (int64_t i = 0; i < count; i++) out[i] = (float)((2.0 * out[i] - 1.0) * bound);
}

void rf__weights_init(rf_weights *weights, uint64_t seed) {
    for (int i = 0; i < weights->count; i++) init_param(&weights->params[i], seed, rf__weights_data(weights, i));
}

/* ---- packed forms ---- */

static bool slot_fits(const packed_slot *slot, const rf_conv_provider *provider, int index, bool transposed, rf_dtype dtype) {
    return slot->index == index && slot->args.transposed == transposed && slot->args.dtype == dtype &&
           slot->provider.pack == provider->pack;
}

static packed_slot *slot_new(rf_weights *weights, const rf_conv_provider *provider, int index, bool transposed, rf_dtype dtype) {
    const rf_shape *shape = &weights->params[index].shape;
    bool image = shape->rank == 4;
    packed_slot *slot = calloc(1, sizeof *slot);
    if (!slot) return NULL;
    slot->index = index;
    slot->provider = *provider;
    slot->args = (rf_pack_args){.dtype = dtype, .cin = (int)rf__shape_last(shape), .cout = (int)shape->dim[0],
                                .kh = image ? (int)shape->dim[1] : 1, .kw = image ? (int)shape->dim[2] : 1,
                                .transposed = transposed, .w = rf__weights_data(weights, index)};
    slot->bytes = slot->provider.packed_size(&slot->args);
    slot->args.packed = slot->buffer = rf__alloc(slot->bytes);
    packed_slot **bigger = realloc(weights->slots, (size_t)(weights->slot_count + 1) * sizeof *bigger);
    if (bigger) weights->slots = bigger;
    if (!slot->buffer || !bigger) {
        rf__free(slot->buffer);
        free(slot);
        return NULL;
    }
    slot->provider.pack(&slot->args, 0, slot->provider.pack_units(&slot->args), NULL);
    return weights->slots[weights->slot_count++] = slot;
}

const void *rf__weights_packed(rf_weights *weights, const rf_conv_provider *provider, int index, bool transposed, rf_dtype dtype,
                               size_t *bytes) {
    packed_slot *slot = NULL;
    pthread_mutex_lock(&weights->lock);
    for (int i = 0; i < weights->slot_count && !slot; i++)
        if (slot_fits(weights->slots[i], provider, index, transposed, dtype)) slot = weights->slots[i];
    if (!slot) slot = slot_new(weights, provider, index, transposed, dtype);
    pthread_mutex_unlock(&weights->lock);
    if (slot && bytes) *bytes = slot->bytes;
    return slot ? slot->buffer : NULL;
}

static void pack_task(void *arg, int64_t begin, int64_t end, int worker) {
    packed_slot *slot = arg;
    (void)worker;
    slot->provider.pack(&slot->args, begin, end, NULL);
}

rf_status rf__weights_refresh(rf_weights *weights, rf_pool *pool) {
    pthread_mutex_lock(&weights->lock); /* a plan that another thread builds may ask for one more packed form meanwhile */
    for (int i = 0; i < weights->slot_count; i++) {
        packed_slot *slot = weights->slots[i];
        rf__pool_run(pool, slot->provider.pack_units(&slot->args), 1, pack_task, slot);
    }
    weights->version++;
    pthread_mutex_unlock(&weights->lock);
    return RF_OK;
}

uint64_t rf__weights_version(const rf_weights *weights) { return weights->version; }
