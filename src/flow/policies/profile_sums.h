/* profile_sums.h - what full walks add up to before it becomes a profile's tables. */
#ifndef RF_FLOW_PROFILE_SUMS_H
#define RF_FLOW_PROFILE_SUMS_H
#include "profile.h"

void rf__profile_sums_free(rf_profile_sums **sums); /* NULL-safe */

/* Place (k, gap, m) of profile->shift; (k, m) of profile->error. */
static inline size_t rf__shift_at(int k, int gap, int m) {
    return ((size_t)k * RF_PROFILE_GAPS + (size_t)gap) * (RF_PROFILE_MOST + 1) + (size_t)m;
}
static inline size_t rf__error_at(int k, int m) { return (size_t)k * (RF_PROFILE_MOST + 1) + (size_t)m; }

#endif
