/* ladder_table.h - the numbers of a ladder's rungs, from their reports, as Markdown, JSON and a figure. */
#ifndef RF_CLI_LADDER_TABLE_H
#define RF_CLI_LADDER_TABLE_H
#include <jansson.h>

#include "../base/status.h"

typedef struct rf_ladder {
    const char *name, *folder;      /* of the file, for sentences; where everything goes */
    const json_t *rungs, *evaluate; /* evaluate NULL: the numbers are those that training printed (coupling_mse) */
    int threads;
} rf_ladder;

/* Write FOLDER/ladder.md, ladder.json and ladder.png from the reports that are there. */
rf_status rf__ladder_table(const rf_ladder *ladder);
/* FOLDER/ladder.md on standard output. */
rf_status rf__ladder_print(const rf_ladder *ladder);

#endif
