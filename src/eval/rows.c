/* rows.c - see rows.h. */
#include "rows.h"

#include <string.h>

enum { PIXELS_AT_ONCE = 1 << 19, MOST_ROWS = 64 };

int64_t rf__rows_at_once(int height, int width) {
    int64_t pixels = (int64_t)height * width, rows = MOST_ROWS;
    while (rows > 1 && rows * pixels > PIXELS_AT_ONCE) rows /= 2;
    return rows;
}

static void gather(rf_exec *exec, const rf_row_port *port, int64_t bucket, int64_t first, int64_t rows) {
    float *to = rf__exec_buffer(exec, port->name);
    for (int64_t r = 0; r < bucket; r++) {
        int64_t from = first + (r < rows ? r : rows - 1);
        memcpy(to + r * port->scalars, port->from + from * port->scalars, (size_t)port->scalars * sizeof *to);
    }
}

rf_status rf__rows_run(rf_plan_cache *plans, rf_plan_key key, int64_t most, int64_t n, const rf_row_port *ports, rf_pool *pool) {
    for (int64_t first = 0; first < n;) {
        int64_t rows = n - first < most ? n - first : most;
        for (key.rows = 1; key.rows < rows;) key.rows *= 2;
        rf_exec *exec;
        RF_TRY(rf__plan_cache_get(plans, &key, &exec));
        for (const rf_row_port *p = ports; p->name; p++)
            if (p->from) gather(exec, p, key.rows, first, rows);
        RF_TRY(rf__exec_run(exec, pool));
        for (const rf_row_port *p = ports; p->name; p++)
            if (p->to) memcpy(p->to + first * p->scalars, rf__exec_buffer(exec, p->name), (size_t)(rows * p->scalars) * sizeof *p->to);
        first += rows;
    }
    return RF_OK;
}
