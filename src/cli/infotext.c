/* infotext.c - lines of prompt, "Negative prompt: ...", then one line "Steps: 20, Sampler: Euler, ...". A
 * value with a comma is quoted. */
#include "infotext.h"

#include <stdbool.h>
#include <string.h>

static void put(json_t *json, const char *key, size_t key_size, const char *value, size_t value_size) {
    json_t *name = json_stringn(key, key_size), *text = json_stringn(value, value_size);
    if (name && text) json_object_set(json, json_string_value(name), text);
    json_decref(name);
    json_decref(text);
}

/* The end of a value: the next comma outside quotes. */
static const char *value_end(const char *at) {
    bool quoted = false;
    for (; *at && *at != '\n'; at++) {
        if (*at == '"') quoted = !quoted;
        if (*at == ',' && !quoted) break;
    }
    return at;
}

static void parse_pairs(json_t *json, const char *at) {
    while (*at && *at != '\n') {
        at += strspn(at, " ");
        const char *end = value_end(at), *colon = memchr(at, ':', (size_t)(end - at));
        if (colon) {
            const char *value = colon + 1;
            if (value < end && *value == ' ') value++;
            put(json, at, (size_t)(colon - at), value, (size_t)(end - value));
        }
        at = *end == ',' ? end + 1 : end;
    }
}

json_t *rf__infotext_parse(const char *text) {
    json_t *json = json_object();
    const char *pairs = strncmp(text, "Steps: ", 7) == 0 ? text : NULL;
    for (const char *at = text; (at = strstr(at, "\nSteps: ")); at++) pairs = at + 1; /* the last such line */
    const char *end = pairs ? pairs : text + strlen(text);
    const char *negative = strstr(text, "\nNegative prompt: ");
    if (negative && negative >= end) negative = NULL;
    const char *prompt_end = negative ? negative : end;
    while (prompt_end > text && prompt_end[-1] == '\n') prompt_end--;
    put(json, "prompt", 6, text, (size_t)(prompt_end - text));
    if (negative) {
        const char *from = negative + strlen("\nNegative prompt: ");
        size_t size = (size_t)(end - from);
        while (size && from[size - 1] == '\n') size--;
        put(json, "negative_prompt", 15, from, size);
    }
    if (pairs) parse_pairs(json, pairs);
    return json;
}
