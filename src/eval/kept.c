/* kept.c - see kept.h. */
#include "kept.h"

#include <string.h>

#include "../base/memory.h"

rf_status rf__kept_init(rf_kept *kept, int64_t expected, int64_t width, int64_t room) {
    *kept = (rf_kept){.width = width, .expected = expected, .room = room < expected ? room : expected};
    if (kept->room <= 0) return RF_OK;
    kept->rows = rf__alloc_array((size_t)kept->room, (size_t)width * sizeof(float));
    return kept->rows ? RF_OK : rf__fail(RF_ENOMEM, "no memory for %lld rows of %lld numbers", (long long)kept->room, (long long)width);
}

void rf__kept_fini(rf_kept *kept) {
    rf__free(kept->rows);
    *kept = (rf_kept){0};
}

rf_status rf__kept_add(rf_kept *kept, int64_t n, const float *rows) {
    if (kept->seen + n > kept->expected)
        return rf__fail(RF_EINVAL, "a set of %lld pictures was given %lld", (long long)kept->expected, (long long)(kept->seen + n));
    for (int64_t r = 0; r < n; r++) {
        int64_t i = kept->seen++;
        /* Row i is kept when the count i * room / expected rises with it. */
        if (kept->room <= 0 || (i + 1) * kept->room / kept->expected == i * kept->room / kept->expected) continue;
        memcpy(kept->rows + kept->count++ * kept->width, rows + r * kept->width, (size_t)kept->width * sizeof *rows);
    }
    return RF_OK;
}
