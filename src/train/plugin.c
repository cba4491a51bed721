/* plugin.c - find and list the entries of a plug-in table. */
#include "plugin.h"

#include <string.h>

const rf_plugin *rf__plugin_find(const rf_plugin *const *table, const char *key, const char *name) {
    char known[512] = "";
    size_t used = 0;
    for (int i = 0; table[i]; i++) {
        if (strcmp(table[i]->name, name) == 0) return table[i];
        int n = snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", table[i]->name);
        if (n > 0 && (size_t)n < sizeof known - used) used += (size_t)n;
    }
    rf__fail(RF_ENOTFOUND, "%s is \"%s\", expected one of: %s", key, name, known);
    return NULL;
}

void rf__plugin_list(const rf_plugin *const *table, FILE *stream) {
    for (int i = 0; table[i]; i++)
        fprintf(stream, "    %-14s %s [%s]\n", table[i]->name, table[i]->help, table[i]->source);
}
