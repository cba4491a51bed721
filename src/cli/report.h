/* report.h - the --json report of a command: to a file (complete or absent) or to standard output. */
#ifndef RF_CLI_REPORT_H
#define RF_CLI_REPORT_H
#include <jansson.h>
#include <math.h>

#include "../base/status.h"

/* Whether the report takes standard output, which nothing else may then use. */
static inline bool rf__report_on_stdout(const char *path) { return path && path[0] == '-' && !path[1]; }
/* A number as JSON, which has none for NaN and infinity: null. New reference. */
static inline json_t *rf__report_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }
/* Takes the reference. path NULL: nothing is written. */
rf_status rf__report_write(const char *path, json_t *json);

#endif
