/* yaml.c - libyaml's document API to jansson. Lines live in a side table keyed by the value's address (jansson has no room for
 * them); true, false and null are shared singletons there, so a line is kept for each key of a mapping as well. */
#include "yaml.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "../base/file.h"
#include "../base/memory.h"
#include "../base/number.h"

#define YAML_LIMIT (1u << 20)
#define DEPTH_LIMIT 32

typedef struct line_entry {
    const json_t *value; /* the value, or the mapping when there is a key */
    const char *key;     /* borrowed from the mapping */
    const void *tree;    /* whose it is: the parser while it reads, then the finished tree */
    int line;
} line_entry;

static line_entry *lines;
static size_t line_count, line_room;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void remember(const json_t *value, const char *key, const void *tree, int line) {
    if (json_is_boolean(value) || json_is_null(value)) return;
    pthread_mutex_lock(&lock);
    if (line_count == line_room) {
        size_t wanted = line_room ? 2 * line_room : 128;
        line_entry *bigger = realloc(lines, wanted * sizeof *bigger);
        if (bigger) lines = bigger, line_room = wanted;
    }
    if (line_count < line_room) lines[line_count++] = (line_entry){value, key, tree, line};
    pthread_mutex_unlock(&lock);
}

static void hand_over(const void *from, const json_t *tree) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < line_count; i++)
        if (lines[i].tree == from) lines[i].tree = tree;
    pthread_mutex_unlock(&lock);
}

static void forget(const void *tree) {
    size_t kept = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < line_count; i++)
        if (lines[i].tree != tree) lines[kept++] = lines[i];
    line_count = kept;
    pthread_mutex_unlock(&lock);
}

static int line_of(const json_t *value, const char *key) {
    int line = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < line_count && !line; i++)
        if (lines[i].value == value && (key ? lines[i].key && !strcmp(lines[i].key, key) : !lines[i].key)) line = lines[i].line;
    pthread_mutex_unlock(&lock);
    return line;
}

int rf__yaml_line(const json_t *value) { return line_of(value, NULL); }
int rf__yaml_key_line(const json_t *object, const char *key) { return line_of(object, key); }

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words; words++)
        if (!strcmp(text, *words)) return true;
    return false;
}

/* The core schema: quoted text stays text; null, booleans, integers and floats are recognised. */
static json_t *scalar(const yaml_node_t *node) {
    const char *text = (const char *)node->data.scalar.value;
    char *end;
    if (strlen(text) != node->data.scalar.length) return NULL; /* a NUL inside would cut it short later */
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return json_string(text);
    if (!*text || is_one_of(text, (const char *const[]){"~", "null", "Null", "NULL", NULL})) return json_null();
    if (is_one_of(text, (const char *const[]){"true", "True", "TRUE", NULL})) return json_true();
    if (is_one_of(text, (const char *const[]){"false", "False", "FALSE", NULL})) return json_false();
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    if (!*end && !errno) return json_integer(whole);
    double real = rf__number_read(text, &end);
    bool number = !*end && strspn(text, "+-0123456789.eE") == strlen(text);
    return number ? json_real(real) : json_string(text);
}

/* What every level of the tree needs. */
typedef struct reading {
    yaml_document_t *document;
    const char *name; /* of the file, for messages */
    const void *tree; /* owner of the lines so far */
} reading;

static rf_status convert(const reading *r, int index, int depth, json_t **out);

static rf_status mapping(const reading *r, yaml_node_t *node, int depth, json_t *object) {
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
        int line = (int)key->start_mark.line + 1;
        const char *text = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : NULL;
        if (!text || strlen(text) != key->data.scalar.length)
            return rf__fail(RF_EFORMAT, "%s:%d: a key must be plain text", r->name, line);
        if (json_object_get(object, text)) return rf__fail(RF_EFORMAT, "%s:%d: %.60s is given twice", r->name, line, text);
        json_t *value = NULL;
        RF_TRY(convert(r, pair->value, depth, &value));
        if (json_object_set_new(object, text, value))
            return rf__fail(RF_EFORMAT, "%s:%d: the key is not text in UTF-8", r->name, line);
        remember(object, json_object_iter_key(json_object_iter_at(object, text)), r->tree, line);
    }
    return RF_OK;
}

static rf_status sequence(const reading *r, yaml_node_t *node, int depth, json_t *array) {
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
        json_t *value = NULL;
        RF_TRY(convert(r, *item, depth, &value));
        if (json_array_append_new(array, value)) return rf__fail(RF_ENOMEM, "%s: no memory", r->name);
    }
    return RF_OK;
}

static rf_status convert(const reading *r, int index, int depth, json_t **out) {
    yaml_node_t *node = yaml_document_get_node(r->document, index);
    int line = (int)node->start_mark.line + 1;
    if (depth > DEPTH_LIMIT) return rf__fail(RF_EFORMAT, "%s:%d: nested deeper than %d", r->name, line, DEPTH_LIMIT);
    bool map = node->type == YAML_MAPPING_NODE;
    if (node->type == YAML_SCALAR_NODE) *out = scalar(node);
    else *out = map ? json_object() : json_array();
    if (!*out) return rf__fail(RF_EFORMAT, "%s:%d: not text in UTF-8, not a finite number, or no memory", r->name, line);
    remember(*out, NULL, r->tree, line);
    if (node->type == YAML_SCALAR_NODE) return RF_OK;
    rf_status status = (map ? mapping : sequence)(r, node, depth + 1, *out);
    if (status != RF_OK) json_decref(*out), *out = NULL;
    return status;
}

/* Aliases make trees that share or loop, tags name types, and of a second document nothing would be read: none of
 * them belongs into a recipe. */
static rf_status refuse_extras(const void *bytes, size_t size, const char *name) {
    yaml_parser_t parser;
    yaml_event_t event;
    rf_status status = RF_OK;
    int documents = 0, depth = 0;
    if (!yaml_parser_initialize(&parser)) return rf__fail(RF_ENOMEM, "%s: no memory", name);
    yaml_parser_set_input_string(&parser, bytes, size);
    for (bool done = false; !done && status == RF_OK;) {
        if (!yaml_parser_parse(&parser, &event)) {
            status = rf__fail(RF_EFORMAT, "%s:%d: %s", name, (int)parser.problem_mark.line + 1,
                              parser.problem ? parser.problem : "not YAML");
            break;
        }
        bool anchor = (event.type == YAML_SCALAR_EVENT && (event.data.scalar.anchor || event.data.scalar.tag)) ||
                      (event.type == YAML_MAPPING_START_EVENT && (event.data.mapping_start.anchor || event.data.mapping_start.tag)) ||
                      (event.type == YAML_SEQUENCE_START_EVENT && (event.data.sequence_start.anchor || event.data.sequence_start.tag)) ||
                      event.type == YAML_ALIAS_EVENT;
        if (anchor)
            status = rf__fail(RF_EFORMAT, "%s:%d: anchors, aliases and tags are not supported", name, (int)event.start_mark.line + 1);
        documents += event.type == YAML_DOCUMENT_START_EVENT;
        if (documents > 1)
            status = rf__fail(RF_EFORMAT, "%s:%d: a second document begins, expected one", name, (int)event.start_mark.line + 1);
        depth += event.type == YAML_MAPPING_START_EVENT || event.type == YAML_SEQUENCE_START_EVENT;
        depth -= event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT;
        if (depth > DEPTH_LIMIT) /* here, because libyaml takes time that grows with the square of the depth */
            status = rf__fail(RF_EFORMAT, "%s:%d: nested deeper than %d", name, (int)event.start_mark.line + 1, DEPTH_LIMIT);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

rf_status rf__yaml_parse(json_t **out, const void *bytes, size_t size, const char *name) {
    yaml_parser_t parser;
    yaml_document_t document;
    *out = NULL;
    RF_TRY(refuse_extras(bytes, size, name));
    if (!yaml_parser_initialize(&parser)) return rf__fail(RF_ENOMEM, "%s: no memory", name);
    yaml_parser_set_input_string(&parser, bytes, size);
    if (!yaml_parser_load(&parser, &document)) {
        rf_status status = rf__fail(RF_EFORMAT, "%s:%d: %s", name, (int)parser.problem_mark.line + 1,
                                    parser.problem ? parser.problem : "not YAML");
        yaml_parser_delete(&parser);
        return status;
    }
    rf_status status = RF_OK;
    if (!yaml_document_get_root_node(&document)) status = rf__fail(RF_EFORMAT, "%s: is empty", name);
    else status = convert(&(reading){&document, name, &parser}, 1, 0, out);
    if (status == RF_OK) hand_over(&parser, *out);
    else forget(&parser);
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return status;
}

rf_status rf__yaml_read(json_t **out, const char *path) {
    uint8_t *bytes;
    size_t size;
    *out = NULL;
    RF_TRY(rf__file_read(path, YAML_LIMIT, &bytes, &size));
    rf_status status = rf__yaml_parse(out, bytes, size, path);
    rf__free(bytes);
    return status;
}

void rf__yaml_free(json_t **tree) {
    if (!tree || !*tree) return;
    forget(*tree);
    json_decref(*tree);
    *tree = NULL;
}
