/* infotext.h - the A1111 `parameters` text, taken apart. */
#ifndef RF_CLI_INFOTEXT_H
#define RF_CLI_INFOTEXT_H
#include <jansson.h>

/* "prompt", "negative_prompt" and the "Key: value" pairs of the last line under their own names, all strings.
 * Never NULL but out of memory. */
json_t *rf__infotext_parse(const char *text);

#endif
