/* model_field.h - a model as the sampler sees it: rows in, velocities out, plans by rows bucket behind it. */
#ifndef RF_MODEL_FIELD_H
#define RF_MODEL_FIELD_H
#include "../flow/field.h"
#include "conditioning.h"
#include "model.h"

typedef struct rf_model_field rf_model_field;

/* model, pool: borrowed and must outlive the field. max_rows: largest plan; more rows are cut into pieces of it. */
rf_status rf__model_field_open(rf_model_field **out, rf_model *model, rf_dtype dtype, rf_pool *pool, int64_t max_rows);
void rf__model_field_close(rf_model_field **field);
rf_field rf__model_field_view(rf_model_field *field); /* borrows */
rf_plan_cache_stats rf__model_field_stats(const rf_model_field *field);
rf_conditioning_stats rf__model_field_conditioning(const rf_model_field *field); /* zeros where there is nothing to keep */
/* Build the plan of a bucket now, and those of what it is told. */
rf_status rf__model_field_warm(rf_model_field *field, int64_t rows);
/* Build the plans of all buckets up to max_rows now (--warm). */
rf_status rf__model_field_warm_all(rf_model_field *field);
/* Off at first. On: a plan that is not there is built on another thread while the largest smaller one serves in pieces. Has no effect with
 * kernels that are not exact, because a row's bytes would then depend on when the build was done. */
void rf__model_field_build_ahead(rf_model_field *field, bool on);
/* Wait for the thread that builds ahead. */
void rf__model_field_settle(rf_model_field *field);
/* What the batcher should know about speed; borrowed from now on, NULL: nothing. Views taken later carry it. */
void rf__model_field_set_times(rf_model_field *field, const rf_row_times *times);

#endif
