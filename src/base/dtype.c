/* dtype.c - one list for both directions. */
#include "dtype.h"

#include <string.h>

static const rf_dtype types[] = {RF_F32, RF_BF16, RF_INT8};
const char *const rf__dtype_names[] = {"f32", "bf16", "int8", NULL};

rf_dtype rf__dtype_of(const char *name) {
    for (int i = 0; rf__dtype_names[i]; i++)
        if (!strcmp(rf__dtype_names[i], name)) return types[i];
    return RF_DTYPES;
}

const char *rf__dtype_name(rf_dtype dtype) {
    for (int i = 0; rf__dtype_names[i]; i++)
        if (types[i] == dtype) return rf__dtype_names[i];
    return "?";
}
