/* log.h - messages to stderr; the level is process-wide and set by -q / -v. */
#ifndef RF_BASE_LOG_H
#define RF_BASE_LOG_H

typedef enum rf_log_level { RF_LOG_QUIET, RF_LOG_WARN, RF_LOG_INFO, RF_LOG_DEBUG } rf_log_level;

void rf__log_set_level(rf_log_level level);
rf_log_level rf__log_get_level(void);
void rf__log(rf_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Not 0 while a progress line stands on the terminal (progress.c): a message wipes it first. */
extern volatile int rf__log_live_line;

#define rf__warn(...) rf__log(RF_LOG_WARN, __VA_ARGS__)
#define rf__info(...) rf__log(RF_LOG_INFO, __VA_ARGS__)
#define rf__debug(...) rf__log(RF_LOG_DEBUG, __VA_ARGS__)

#endif
