/* png_chunks.h - the texts of a PNG as the commands want them. */
#ifndef RF_CLI_PNG_CHUNKS_H
#define RF_CLI_PNG_CHUNKS_H
#include <jansson.h>

#include "../base/status.h"

/* All text chunks as an object keyword -> text (new reference), without decoding a pixel. */
rf_status rf__png_texts(const char *path, json_t **out);
/* Our JSON chunk (new reference); *out is NULL when there is none. */
rf_status rf__png_json(const char *path, json_t **out);

#endif
