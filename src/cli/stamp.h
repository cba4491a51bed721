/* stamp.h - what a picture says about itself: our JSON chunk (enough to make the same bytes again) and the
 * A1111 `parameters` text. */
#ifndef RF_CLI_STAMP_H
#define RF_CLI_STAMP_H
#include "order.h"

/* What one file shows: image k of the order, or with columns > 0 all of them as a grid. */
typedef struct rf_stamp {
    const rf_order *order;
    int64_t k;
    int columns, zoom;
    const rf_sampler *sampler;
    const char *model_path, *refiner_path; /* as the user gave them */
} rf_stamp;

/* New reference; NULL when out of memory. Times of day, durations and machine names stay out: equal requests
 * give equal bytes. */
json_t *rf__stamp_json(const rf_stamp *stamp);
/* A1111 infotext; returned, free with free; NULL when out of memory. */
char *rf__stamp_parameters(const rf_stamp *stamp);

#endif
