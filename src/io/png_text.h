/* png_text.h - the texts inside a PNG, read back. */
#ifndef RF_IO_PNG_TEXT_H
#define RF_IO_PNG_TEXT_H
#include <jansson.h>

#include "../base/status.h"

#define RF_PNG_JSON_KEY "strait"         /* our complete JSON */
#define RF_PNG_PARAMETERS_KEY "parameters" /* A1111 syntax */

/* Every tEXt, zTXt and iTXt chunk as {key: text} (new reference); the first of a key wins. Limits as of image.h. */
rf_status rf__png_texts(const char *path, json_t **out);
rf_status rf__png_texts_parse(const void *bytes, size_t size, const char *name, json_t **out);
/* Our JSON chunk, parsed (new reference); RF_ENOTFOUND when the picture has none. */
rf_status rf__png_json(const char *path, json_t **out);

#endif
