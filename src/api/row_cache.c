/* row_cache.c - where the table of row times is kept, and what is checked before it is believed. */
#include "row_cache.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../base/memory.h"

#define MOST_BYTES 65536
#define WORSE 1.4 /* a row of a larger call never takes so much longer than one of a smaller: the machine was busy */

static char *cache_folder(void) {
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (xdg && xdg[0] == '/') return asprintf(&path, "%s/strait", xdg) < 0 ? NULL : path; /* the standard ignores relative ones */
    if (home && home[0] == '/') return asprintf(&path, "%s/.cache/strait", home) < 0 ? NULL : path;
    return NULL;
}

char *rf__row_cache_path(const rf_row_key *key) {
    char *folder = key->sha256[0] ? cache_folder() : NULL, *path = NULL;
    if (folder && asprintf(&path, "%s/rows-%.16s-%s-t%d-%s-%s.json", folder, key->sha256, key->dtype, key->threads, key->isa,
                           key->provider) < 0)
        path = NULL;
    free(folder);
    return path;
}

/* What a file must say to be about this key: the name holds only part of the hash, and other versions may measure otherwise. */
static json_t *key_json(const rf_row_key *key) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "version", rf_version(), "sha256", key->sha256, "dtype", key->dtype, "isa", key->isa,
                     "provider", key->provider, "threads", key->threads);
}

/* NULL: right; else what is wrong. */
static const char *read_table(rf_row_times *out, const json_t *json) {
    const json_t *rows = json_object_get(json, "rows"), *seconds = json_object_get(json, "seconds");
    size_t count = json_array_size(rows);
    if (count < 1 || count > RF_ROW_TIMES_MAX || json_array_size(seconds) != count) return "rows and seconds are not two lists of equal length";
    for (size_t i = 0; i < count; i++) {
        out->rows[i] = json_integer_value(json_array_get(rows, i));
        out->seconds[i] = json_number_value(json_array_get(seconds, i));
        if (out->rows[i] < 1 || out->rows[i] > 4096 || (i && out->rows[i] <= out->rows[i - 1])) return "rows do not rise from 1 to at most 4096";
        if (!(out->seconds[i] > 0) || !isfinite(out->seconds[i])) return "seconds are not above zero";
        if (i && out->seconds[i] * (double)out->rows[i - 1] > WORSE * out->seconds[i - 1] * (double)out->rows[i])
            return "more rows take longer each, so the machine was busy when they were timed";
    }
    out->count = (int)count;
    return NULL;
}

static const char *parse(rf_row_times *out, const uint8_t *bytes, size_t size, const rf_row_key *key) {
    json_error_t error;
    json_t *json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &error), *expected = key_json(key);
    const char *wrong = json_is_object(json) ? NULL : "it is not a JSON object";
    if (!wrong && !json_equal(json_object_get(json, "key"), expected)) wrong = "it is about another model, machine or version";
    if (!wrong) wrong = read_table(out, json);
    json_decref(json);
    json_decref(expected);
    return wrong;
}

bool rf__row_cache_load(rf_row_times *out, const rf_row_key *key) {
    memset(out, 0, sizeof *out);
    char *path = rf__row_cache_path(key);
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (path && rf__file_exists(path)) {
        const char *wrong = rf__file_read(path, MOST_BYTES, &bytes, &size) == RF_OK ? parse(out, bytes, size, key) : rf_last_error();
        if (wrong) {
            rf__warn("%s: measured again, because %s", path, wrong);
            memset(out, 0, sizeof *out);
        }
        rf__free(bytes);
    }
    free(path);
    return out->count > 0;
}

void rf__row_cache_store(const rf_row_times *times, const rf_row_key *key) {
    char *path = rf__row_cache_path(key), *folder = cache_folder();
    json_t *rows = json_array(), *seconds = json_array();
    for (int i = 0; i < times->count; i++) {
        json_array_append_new(rows, json_integer((json_int_t)times->rows[i]));
        json_array_append_new(seconds, json_real(times->seconds[i]));
    }
    json_t *json = json_pack("{s:o, s:o, s:o}", "key", key_json(key), "rows", rows, "seconds", seconds);
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    if (path && folder && text && (rf__make_dirs(folder) != RF_OK || rf__file_write(path, text, strlen(text)) != RF_OK))
        rf__debug("row times are not kept: %s", rf_last_error());
    free(text);
    json_decref(json);
    free(path);
    free(folder);
}
