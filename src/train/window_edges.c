/* window_edges.c - windows in which a teacher turns equally much (perflow.md section 6: uniform windows waste where it is straight). */
#include <math.h>
#include <string.h>

#include "../base/memory.h"
#include "online.h"

/* The curve is sampled at `fine` + 1 places; turned[i] is what happened up to place i. */
static rf_status turn_along(const rf_field *field, float *z, const rf_cond *cond, int64_t rows, int fine, double *turned) {
    int64_t all = rows * field->scalars;
    float *v = rf__alloc_array((size_t)(2 * all + rows), sizeof *v), *before = v + all, *t = v + 2 * all;
    if (!v) return rf__fail(RF_ENOMEM, "windows.edges: no memory for %lld velocities", (long long)all);
    rf_status status = RF_OK;
    for (int i = 0; i <= fine && status == RF_OK; i++) {
        for (int64_t r = 0; r < rows; r++) t[r] = (float)i / (float)fine;
        status = field->velocity(field->self, rows, z, t, cond, v);
        double square = 0;
        for (int64_t k = 0; k < all && i > 0; k++) square += ((double)v[k] - (double)before[k]) * ((double)v[k] - (double)before[k]);
        turned[i] = i > 0 ? turned[i - 1] + sqrt(square / (double)all) : 0;
        for (int64_t k = 0; k < all; k++) z[k] += v[k] / (float)fine;
        memcpy(before, v, (size_t)all * sizeof *v);
    }
    rf__free(v);
    return status;
}

rf_status rf__windows_by_curvature(rf_windows *out, int count, const rf_field *field, const float *starts, const rf_cond *cond, int64_t rows, int fine) {
    double edge[RF_MAX_WINDOWS + 1] = {0}, *turned = rf__alloc_array((size_t)fine + 1, sizeof *turned);
    float *z = rf__alloc_array((size_t)(rows * field->scalars), sizeof *z);
    rf_status status = RF_OK;
    if (count < 1 || count > RF_MAX_WINDOWS) status = rf__fail(RF_EINVAL, "windows is %d, expected 1 .. %d", count, RF_MAX_WINDOWS);
    else if (!z || !turned) status = rf__fail(RF_ENOMEM, "windows.edges: no memory for %lld starts", (long long)rows);
    if (status == RF_OK) {
        memcpy(z, starts, (size_t)(rows * field->scalars) * sizeof *z);
        status = turn_along(field, z, cond, rows, fine, turned);
    }
    if (status == RF_OK && !(turned[fine] > 0))
        status = rf__fail(RF_EINVAL, "windows.edges is curvature, and the teacher's velocity turns by %g along its way, expected more than 0", turned[fine]);
    for (int k = 1, i = 0; k < count && status == RF_OK; k++) {
        double wanted = turned[fine] * k / count;
        while (turned[i + 1] < wanted) i++;
        edge[k] = (i + (wanted - turned[i]) / (turned[i + 1] - turned[i])) / fine;
    }
    edge[count > 0 && count <= RF_MAX_WINDOWS ? count : 0] = 1;
    if (status == RF_OK) status = rf__windows_between(out, edge, count);
    rf__free(z);
    rf__free(turned);
    return status;
}
