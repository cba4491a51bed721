/* outpath.h - where a picture goes: "cat.png", "out_%03d.png" (image index), "-" (standard output). */
#ifndef RF_CLI_OUTPATH_H
#define RF_CLI_OUTPATH_H
#include "../base/status.h"

/* Only one %d, %3d or %03d, and %% for a percent sign; a PNG name. many: more than one picture follows the pattern; instead: the
 * flag that would put them into one file, for the sentence, or NULL. errors: RF_EINVAL with a sentence that begins with --output. */
rf_status rf__outpath_check(const char *pattern, bool many, const char *instead);
/* The name of picture `index`: returned, free with free; NULL when out of memory. */
char *rf__outpath_name(const char *pattern, int64_t index);
/* Make the folder of `path` and make sure that a file can be written there, before work is spent on it. */
rf_status rf__outpath_prepare(const char *path);

#endif
