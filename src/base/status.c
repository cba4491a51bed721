/* status.c - codes, their texts, and the newest sentence of each thread. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_MAX 1024
static _Thread_local char sentence[SENTENCE_MAX];

const char *rf_version(void) { return RF_VERSION; }
const char *rf_last_error(void) { return sentence; }

const char *rf_status_name(rf_status status) {
    switch (status) {
#define X(name, text) case RF_##name: return #name;
        RF_STATUS_MAP(X)
#undef X
    }
    return "unknown";
}

const char *rf_status_text(rf_status status) {
    switch (status) {
#define X(name, text) case RF_##name: return text;
        RF_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

/* Built aside first: the arguments may point into the sentence itself. */
rf_status rf__fail(rf_status status, const char *format, ...) {
    char text[SENTENCE_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    memcpy(sentence, text, sizeof text);
    return status;
}

rf_status rf__fail_in(rf_status status, const char *format, ...) {
    char text[SENTENCE_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s", sentence);
    memcpy(sentence, text, sizeof text);
    return status;
}
