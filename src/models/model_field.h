/* model_field.h - a model as the sampler sees it: rows in, velocities out, plans by rows bucket behind it. */
#ifndef RF_MODEL_FIELD_H
#define RF_MODEL_FIELD_H
#include "../flow/field.h"
#include "../graph/plan_cache.h"
#include "model.h"

typedef struct rf_model_field rf_model_field;

/* model, pool: borrowed and must outlive the field. max_rows: largest plan; more rows are cut into pieces of it. */
rf_status rf__model_field_open(rf_model_field **out, rf_model *model, rf_dtype dtype, rf_pool *pool, int64_t max_rows);
void rf__model_field_close(rf_model_field **field);
rf_field rf__model_field_view(rf_model_field *field); /* borrows */
rf_plan_cache_stats rf__model_field_stats(const rf_model_field *field);
/* Build the plan of a bucket now (--warm). */
rf_status rf__model_field_warm(rf_model_field *field, int64_t rows);

#endif
