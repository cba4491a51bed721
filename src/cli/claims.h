/* claims.h - the files of a run, by who names them: what is written is named by nobody else, under whatever spelling. */
#ifndef RF_CLI_CLAIMS_H
#define RF_CLI_CLAIMS_H
#include <stdbool.h>
#include <stdint.h>

#include "../base/status.h"

/* Whether two names lead to one file or folder, there already or not yet. Never for - and devices. */
bool rf__same_file(const char *a, const char *b);

typedef struct rf_claim rf_claim;
typedef struct rf_claims {
    rf_claim *at;
    int count, room;
} rf_claims; /* zero: none. rf__claims_fini */

/* who: "--model", "request 3"; copied. path NULL, - and devices claim nothing. */
rf_status rf__claims_read(rf_claims *claims, const char *path, const char *who);
/* The files of pictures 0 .. count-1 of a pattern (outpath.h), or one file. errors: RF_EINVAL when another claim has one of them, naming both. Two patterns
 * with numbers are one only when they are the same text. */
rf_status rf__claims_write(rf_claims *claims, const char *pattern, int64_t count, const char *who);
void rf__claims_fini(rf_claims *claims);

#endif
