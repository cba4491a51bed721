/* dtype.h - the names of the number types that a network may compute in. */
#ifndef RF_BASE_DTYPE_H
#define RF_BASE_DTYPE_H
#include "strait.h"

/* "f32", "bf16", "int8", NULL: what a command offers for sampling. */
extern const char *const rf__dtype_names[];
/* One of these; RF_DTYPES when it is none. */
rf_dtype rf__dtype_of(const char *name);
/* Its name; "?" for a number that is no type of a network. */
const char *rf__dtype_name(rf_dtype dtype);

#endif
