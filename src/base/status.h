/* status.h - how the library reports a failure: a code, and one sentence kept per thread. */
#ifndef RF_BASE_STATUS_H
#define RF_BASE_STATUS_H
#include "strait.h"

/* Record the sentence and return `status`, so that callers write `return rf__fail(RF_EFORMAT, ...)`.
 * The sentence names the thing, what it had and what was expected; no trailing newline or period. */
rf_status rf__fail(rf_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put context in front of the sentence already recorded ("models/a.safetensors: ..."). */
rf_status rf__fail_in(rf_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Return early on failure. */
#define RF_TRY(call)                                                                               \
    do {                                                                                           \
        rf_status rf_try_status_ = (call);                                                         \
        if (rf_try_status_ != RF_OK) return rf_try_status_;                                        \
    } while (0)

#endif
