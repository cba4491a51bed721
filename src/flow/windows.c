/* windows.c - see windows.h. */
#include "windows.h"

#include <math.h>

rf_status rf__windows_uniform(rf_windows *out, int count) {
    if (count < 1 || count > RF_MAX_WINDOWS) return rf__fail(RF_EINVAL, "windows is %d, expected 1 .. %d", count, RF_MAX_WINDOWS);
    *out = (rf_windows){.count = count};
    for (int k = 0; k <= count; k++) out->edge[k] = (double)k / count;
    for (int k = 0; k < count; k++) out->lambda[k] = 1;
    return RF_OK;
}

void rf__alpha_bar_scaled_linear(double *out, int count, double first, double last) {
    double product = 1;
    for (int i = 0; i < count; i++) {
        double root = sqrt(first) + (sqrt(last) - sqrt(first)) * (count > 1 ? (double)i / (count - 1) : 0);
        product *= 1 - root * root;
        out[i] = product;
    }
}

/* The slack keeps 1000 (1 - 0.75) = 250 from becoming 249. */
static double alpha_bar_at(const double *alpha_bar, int count, double t) {
    int index = (int)(count * (1 - t) + 1e-9) - 1;
    return alpha_bar[index < 0 ? 0 : index];
}

void rf__windows_schedule(rf_windows *windows, const double *alpha_bar, int count, rf_window_target target) {
    for (int k = 0; k < windows->count; k++) {
        double a = alpha_bar_at(alpha_bar, count, windows->edge[k]), b = alpha_bar_at(alpha_bar, count, windows->edge[k + 1]);
        double gamma = sqrt(a / b);
        bool ddim = target == RF_WINDOW_DDIM_EPS;
        windows->lambda[k] = 1 / gamma;
        windows->eta[k] = ddim ? sqrt(1 - b) - sqrt(1 - a) / gamma : -sqrt(1 - gamma * gamma) / gamma;
    }
}

int rf__windows_find(const rf_windows *windows, double t) {
    int k = 0;
    while (k + 1 < windows->count && t >= windows->edge[k + 1] - RF_WINDOW_SLACK) k++;
    return k;
}

double rf__window_velocity(const rf_windows *windows, double t, double x, double eps) {
    int k = rf__windows_find(windows, t);
    double lambda = windows->lambda[k], a = windows->edge[k], b = windows->edge[k + 1];
    return ((lambda - 1) * x + windows->eta[k] * eps) / (lambda * (t - a) + (b - t));
}

bool rf__windows_edge(const rf_windows *windows, double t) {
    for (int k = 1; k < windows->count; k++)
        if (fabs(t - windows->edge[k]) <= RF_WINDOW_SLACK) return true;
    return false;
}

rf_status rf__windows_check(const rf_windows *windows, const double *times, int steps) {
    if (steps < windows->count)
        return rf__fail(RF_EINVAL, "steps is %d, expected at least %d: the model is straight only inside its %d windows", steps,
                        windows->count, windows->count);
    for (int k = 1; k < windows->count; k++) {
        double edge = windows->edge[k];
        for (int i = 0; i < steps; i++) {
            double low = fmin(times[i], times[i + 1]), high = fmax(times[i], times[i + 1]);
            if (low < edge - RF_WINDOW_SLACK && high > edge + RF_WINDOW_SLACK)
                return rf__fail(RF_EINVAL, "step %d of the grid runs from %g to %g, expected a stop at %g, where a window of the model ends",
                                i, times[i], times[i + 1], edge);
        }
    }
    return RF_OK;
}

static rf_status velocity(void *self, int64_t rows, const float *x, const float *t, const rf_cond *cond, float *v) {
    const rf_windows_field *adapter = self;
    RF_TRY(adapter->noise->velocity(adapter->noise->self, rows, x, t, cond, v));
    int64_t n = adapter->noise->scalars;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = r * n; i < (r + 1) * n; i++)
            v[i] = (float)rf__window_velocity(adapter->windows, (double)t[r], (double)x[i], (double)v[i]);
    return RF_OK;
}

rf_field rf__windows_field(const rf_windows_field *adapter) {
    rf_field field = *adapter->noise;
    field.self = (void *)adapter;
    field.velocity = velocity;
    return field;
}
