/* inputs.c - see inputs.h. */
#include "inputs.h"

#include "../base/file.h"
#include "../io/sha256.h"

json_t *rf__inputs_json(const rf_recipe *recipe, const rf_source *source) {
    const rf_train_config *c = &recipe->train;
    const struct {
        const char *key, *path;
    } files[] = {{"train.init", c->init},
                 {"train.initial", c->initial},
                 {"train.premetric_file", c->premetric_file},
                 {"train.premetric_heads", c->premetric_heads},
                 {"teacher.model", recipe->teacher.model},
                 {"refiner.teacher", recipe->refine.teacher},
                 {"adversary.file", recipe->adversary.file},
                 {"data.real", recipe->data.real}};
    char sha256[65];
    json_t *out = json_pack("{s:I}", "data", (json_int_t)source->count); /* a data set is too large to be read twice */
    for (size_t i = 0; out && i < sizeof files / sizeof *files; i++) {
        if (!files[i].path[0] || !rf__file_exists(files[i].path)) continue; /* a name that is no file, as teacher.model: exact */
        if (rf__sha256_file(files[i].path, sha256) == RF_OK) {
            json_object_set_new(out, files[i].key, json_string(sha256));
        } else {
            json_decref(out);
            out = NULL;
        }
    }
    return out;
}

rf_status rf__inputs_same(const json_t *ours, const json_t *theirs) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)ours, key, value) {
        const json_t *other = json_object_get(theirs, key);
        if (!other || json_equal(value, other)) continue;
        if (json_is_integer(value))
            return rf__fail(RF_EMISMATCH, "was made with %lld samples of %s, there are %lld now", (long long)json_integer_value(other), key, (long long)json_integer_value(value));
        return rf__fail(RF_EMISMATCH, "was made with %s of SHA-256 %.12s, the file there now is %.12s", key, json_string_value(other), json_string_value(value));
    }
    return RF_OK;
}
