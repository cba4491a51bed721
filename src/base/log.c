/* log.c - one line a message, on stderr. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

volatile int rf__log_live_line;
static rf_log_level log_level = RF_LOG_QUIET; /* a library says nothing; the program asks for more */

void rf__log_set_level(rf_log_level level) { log_level = level; }
rf_log_level rf__log_get_level(void) { return log_level; }

void rf__log(rf_log_level level, const char *format, ...) {
    if (level > log_level) return;
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fprintf(stderr, "%sstrait: %s%s\n", rf__log_live_line ? "\r\033[K" : "", level == RF_LOG_WARN ? "warning: " : "", text);
}
