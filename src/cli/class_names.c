/* class_names.c - reads the list out of the metadata, where it is JSON inside a string. */
#include "class_names.h"

#include <string.h>
#include <strings.h>

/* New reference to an array of strings, or NULL. */
static json_t *names_of(const rf_model *model) {
    json_t *metadata = model->metadata_json ? json_loads(model->metadata_json, 0, NULL) : NULL;
    const char *text = json_string_value(json_object_get(metadata, "class_names"));
    json_t *names = text ? json_loads(text, 0, NULL) : NULL;
    json_decref(metadata);
    if (json_is_array(names)) return names;
    json_decref(names);
    return NULL;
}

bool rf__class_name(const rf_model *model, int32_t label, char *out, size_t size) {
    json_t *names = names_of(model);
    const char *name = label >= 0 ? json_string_value(json_array_get(names, (size_t)label)) : NULL;
    snprintf(out, size, "%s", name ? name : "");
    json_decref(names);
    return out[0] != '\0';
}

rf_status rf__class_find(const rf_model *model, const char *name, int32_t *label) {
    json_t *names = names_of(model);
    char list[512] = "";
    size_t used = 0;
    rf_status status = RF_EINVAL;
    for (size_t i = 0; i < json_array_size(names) && i < (size_t)model->shape.classes && status != RF_OK;
         i++) {
        const char *known = json_string_value(json_array_get(names, i));
        if (known && strcasecmp(known, name) == 0) {
            *label = (int32_t)i;
            status = RF_OK;
        }
        if (used < sizeof list)
            used +=
                (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known ? known : "?");
    }
    json_decref(names);
    if (status == RF_OK) return RF_OK;
    if (!used)
        return rf__fail(RF_EINVAL,
                        "prompt is '%.80s', and this model names no classes; --class-label takes numbers",
                        name);
    return rf__fail(RF_EINVAL, "prompt is '%.80s', expected one of %s", name, list);
}
