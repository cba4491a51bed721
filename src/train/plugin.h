/* plugin.h - what every plug-in of the training loop has in common: a name, where it comes from, a line of help,
 * and how a recipe's word finds its table entry. */
#ifndef RF_TRAIN_PLUGIN_H
#define RF_TRAIN_PLUGIN_H
#include <stdio.h>

#include "../base/status.h"

/* First member of every plug-in struct, so that one finder and one lister serve all tables. */
typedef struct rf_plugin {
    const char *name, *source, *help;
} rf_plugin;

/* Entry of a NULL-terminated table. Unknown: NULL and a sentence that starts with `key` and lists the names. */
const rf_plugin *rf__plugin_find(const rf_plugin *const *table, const char *key, const char *name);
/* "  name  help [source]" per entry. */
void rf__plugin_list(const rf_plugin *const *table, FILE *stream);

#endif
