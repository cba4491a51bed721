/* table.h - finding a plug-in by name, with the sentence that lists the names when there is none. */
#ifndef RF_BASE_TABLE_H
#define RF_BASE_TABLE_H
#include <stdio.h>
#include <string.h>

#include "../base/status.h"

/* The body of a find function over a NULL-terminated table of entries with a `name`. No name, NULL, is nobody's. */
#define RF_TABLE_FIND(table, what, wanted)                                                                   \
    do {                                                                                                     \
        const char *wanted_ = (wanted);                                                                      \
        char names_[512] = "";                                                                               \
        size_t used_ = 0;                                                                                    \
        for (int i_ = 0; (table)[i_]; i_++) {                                                                \
            if (wanted_ && strcmp((table)[i_]->name, wanted_) == 0) return (table)[i_];                      \
            if (used_ < sizeof names_)                                                                       \
                used_ += (size_t)snprintf(names_ + used_, sizeof names_ - used_, "%s%s", i_ ? ", " : "",     \
                                          (table)[i_]->name);                                                \
        }                                                                                                    \
        rf__fail(RF_ENOTFOUND, "no %s '%.80s', expected one of %s", (what), wanted_ ? wanted_ : "NULL", names_); \
        return NULL;                                                                                         \
    } while (0)

#endif
