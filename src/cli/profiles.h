/* profiles.h - the profiles this program works with, one for each file: orders share them, and what was learned goes back to the file. */
#ifndef RF_CLI_PROFILES_H
#define RF_CLI_PROFILES_H
#include "order.h"

/* What the order's walks are, for rf__profile_same. */
void rf__profiles_key(rf_profile_key *out, const rf_order *order, const rf_model *model);
/* path, or beside the model when NULL: MODEL.SOLVER-STEPS[-GUIDANCE].profile. Returned, free with free; NULL: no memory, or the model has
 * no file. */
char *rf__profiles_path(const rf_order *order, const char *path, const rf_model *model);
/* *out: borrowed until rf__profiles_close. errors: not there (a policy that learns may begin with an empty one), damaged, of another
 * model, solver, guidance or grid. */
rf_status rf__profiles_open(rf_profile **out, const rf_order *order, const char *path, const rf_model *model);
/* What a quality budget chose and what it promises, for reports; null without one. New reference. */
json_t *rf__promise_json(const rf_order *order);
/* Write back those that a learning policy used. */
rf_status rf__profiles_save(void);
void rf__profiles_close(void);

#endif
