/* class_names.h - the names a checkpoint gives its classes ("class_names" in its metadata), both ways. */
#ifndef RF_CLI_CLASS_NAMES_H
#define RF_CLI_CLASS_NAMES_H
#include "../models/model.h"

/* "Ankle boot"; false and an empty text when the class has no name. */
bool rf__class_name(const rf_model *model, int32_t label, char *out, size_t size);
/* "ankle boot" or "T-shirt/top", in any case. errors: RF_EINVAL with the names there are. */
rf_status rf__class_find(const rf_model *model, const char *name, int32_t *label);

#endif
