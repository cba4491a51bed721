/* ncnn.c - weights in the form of Tencent's ncnn: NAME.param lists the layers in text, NAME.bin holds the numbers of those that have any,
 * in the order of the list. A tensor is preceded by a word that says its type:
 *
 *   0x01306b47  half precision, the tensor padded to 4 bytes        0, 0x0002c056  single precision
 *   anything else: a table of quantised values or integers, refused
 *
 * Biases are single precision and have no word. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensors_inside.h"

#define MAGIC "7767517"

enum { HALF = 0x01306b47, SINGLE = 0x0002c056, MOST_KEYS = 32, LINE = 1024 };

/* Layers with numbers: a weight [out, in, kh, kw] and perhaps a bias. The keys of their sizes in the list. */
static const struct layer_kind {
    const char *type;
    int outputs, has_bias, numbers, width, height; /* -1: it has none */
} kinds[] = {
    {"Convolution", 0, 5, 6, 1, 11},
    {"ConvolutionDepthWise", 0, 5, 6, 1, 11},
    {"InnerProduct", 0, 1, 2, -1, -1},
};

static const char *const plain[] = {"Input", "Pooling", "Split",  "Concat",  "Softmax",  "ReLU",     "Dropout",  "Flatten", "Reshape", "Eltwise",
                                    "Sigmoid", "TanH",  "Swish", "BinaryOp", "UnaryOp", "Padding", "Interp", "Permute", "Crop",    "Noop"};

typedef struct cursor {
    rf_bytes bytes;
    size_t at;
} cursor;

static const uint8_t *take(cursor *c, size_t size) {
    if (size > c->bytes.size - c->at) return NULL;
    c->at += size;
    return c->bytes.at + c->at - size;
}

/* "0=64 1=3": values of keys 0 .. 31; keys of arrays (-23300 and below) and floats are not looked at. */
static void read_keys(char *words, int64_t keys[MOST_KEYS]) {
    for (int i = 0; i < MOST_KEYS; i++) keys[i] = -1;
    for (char *rest, *word = strtok_r(words, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        int key, used = 0;
        long long value;
        if (sscanf(word, "%d=%lld%n", &key, &value, &used) == 2 && !word[used] && key >= 0 && key < MOST_KEYS) keys[key] = value;
    }
}

static rf_status add_weight(rf_tensors *tensors, const char *layer, const int64_t dim[4], int rank, int64_t count, cursor *c) {
    const uint8_t *word = take(c, 4);
    uint32_t flag = 0;
    if (word) memcpy(&flag, word, 4);
    if (word && flag != HALF && flag != SINGLE && flag != 0)
        return rf__fail(RF_EFORMAT, "layer %s: its numbers are of type 0x%08x, expected half or single precision", layer, flag);
    size_t size = (size_t)count * (flag == HALF ? 2 : 4);
    const uint8_t *data = word ? take(c, (size + 3) / 4 * 4) : NULL;
    if (!data) return rf__fail(RF_EFORMAT, "layer %s: the file ends before its %lld numbers", layer, (long long)count);
    char name[300];
    snprintf(name, sizeof name, "%s.weight", layer);
    return rf__tensors_add(tensors, name, flag == HALF ? RF_TENSOR_F16 : RF_TENSOR_F32, rank, dim, data);
}

static rf_status add_layer(rf_tensors *tensors, const struct layer_kind *kind, const char *layer, const int64_t *keys, cursor *c) {
    int64_t out = keys[kind->outputs], count = keys[kind->numbers];
    int64_t kw = kind->width < 0 ? 1 : keys[kind->width], kh = kind->height < 0 || keys[kind->height] < 0 ? kw : keys[kind->height];
    const int64_t most = (int64_t)1 << 31;
    if (out < 1 || kw < 1 || kh < 1 || count < 1 || out > most || kw > 1024 || kh > 1024 || count > most || count % (out * kh * kw))
        return rf__fail(RF_EFORMAT, "layer %s: %lld numbers do not make %lld outputs of %lldx%lld", layer, (long long)count, (long long)out,
                        (long long)kh, (long long)kw);
    const int64_t dim[4] = {out, count / (out * kh * kw), kh, kw};
    RF_TRY(add_weight(tensors, layer, dim, kind->width < 0 ? 2 : 4, count, c));
    if (keys[kind->has_bias] != 1) return RF_OK;
    const uint8_t *bias = take(c, (size_t)out * 4);
    if (!bias) return rf__fail(RF_EFORMAT, "layer %s: the file ends before its %lld biases", layer, (long long)out);
    char name[300];
    snprintf(name, sizeof name, "%s.bias", layer);
    return rf__tensors_add(tensors, name, RF_TENSOR_F32, 1, dim, bias);
}

/* "Convolution conv1 1 1 data conv1 0=64 ...": the keys follow the names of inputs and outputs, which hold no '=' that a number precedes. */
static rf_status read_layer(rf_tensors *tensors, char *line, cursor *c) {
    char type[64], name[256];
    int used = 0;
    if (sscanf(line, "%63s %255s%n", type, name, &used) != 2) return rf__fail(RF_EFORMAT, "a layer has no name: %.60s", line);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(type, plain[i])) return RF_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int64_t keys[MOST_KEYS];
        if (strcmp(type, kinds[i].type)) continue;
        read_keys(line + used, keys);
        return add_layer(tensors, &kinds[i], name, keys, c);
    }
    return rf__fail(RF_EUNSUPPORTED, "layer %s is a %s, which is not known", name, type);
}

/* The next line of the list, without its end; false when there is none. Lines longer than LINE are cut, which loses keys that no known
 * layer has. */
static bool next_line(cursor *c, char line[LINE]) {
    if (c->at >= c->bytes.size) return false;
    const uint8_t *start = c->bytes.at + c->at, *end = memchr(start, '\n', c->bytes.size - c->at);
    size_t length = end ? (size_t)(end - start) : c->bytes.size - c->at;
    c->at += length + (end != NULL);
    if (length > LINE - 1) length = LINE - 1;
    memcpy(line, start, length);
    line[length] = 0;
    line[strcspn(line, "\r")] = 0;
    return true;
}

rf_status rf__tensors_read_ncnn(rf_tensors *tensors, rf_bytes list, rf_bytes numbers) {
    cursor lines = {list, 0}, c = {numbers, 0};
    char line[LINE];
    if (!next_line(&lines, line) || strcmp(line, MAGIC)) return rf__fail(RF_EFORMAT, "its list does not begin with " MAGIC);
    next_line(&lines, line); /* counts of layers and blobs */
    while (next_line(&lines, line))
        if (line[strspn(line, " \t")]) RF_TRY(read_layer(tensors, line, &c));
    if (c.at != numbers.size) return rf__fail(RF_EFORMAT, "has %zu bytes behind the last layer of its list", numbers.size - c.at);
    return RF_OK;
}
