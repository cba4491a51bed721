/* windows.c - see windows.h. */
#include "windows.h"

#include <math.h>
#include <string.h>

rf_status rf__windows_uniform(rf_windows *out, int count) {
    if (count < 1 || count > RF_MAX_WINDOWS) return rf__fail(RF_EINVAL, "windows is %d, expected 1 .. %d", count, RF_MAX_WINDOWS);
    double edge[RF_MAX_WINDOWS + 1];
    for (int k = 0; k <= count; k++) edge[k] = (double)k / count;
    return rf__windows_between(out, edge, count);
}

rf_status rf__windows_between(rf_windows *out, const double *edge, int count) {
    if (count < 1 || count > RF_MAX_WINDOWS) return rf__fail(RF_EINVAL, "windows is %d, expected 1 .. %d", count, RF_MAX_WINDOWS);
    if (edge[0] != 0 || edge[count] != 1)
        return rf__fail(RF_EINVAL, "windows run from %g to %g, expected from 0 (noise) to 1 (data)", edge[0], edge[count]);
    *out = (rf_windows){.count = count};
    for (int k = 0; k < count; k++) {
        /* a window must be wider than the slack on its two edges, or no time would belong to it */
        if (!(edge[k + 1] - edge[k] > 4 * RF_WINDOW_SLACK))
            return rf__fail(RF_EINVAL, "edges %d and %d of the windows are %g and %g, expected the second more than %g above the first", k, k + 1,
                            edge[k], edge[k + 1], 4 * RF_WINDOW_SLACK);
        out->lambda[k] = 1;
        out->eta[k] = edge[k + 1] - edge[k];
    }
    memcpy(out->edge, edge, ((size_t)count + 1) * sizeof *edge);
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
double rf__alpha_bar_at(const double *alpha_bar, int count, double t) {
    int index = (int)(count * (1 - t) + 1e-9) - 1;
    return alpha_bar[index < 0 ? 0 : index];
}

rf_status rf__windows_schedule(rf_windows *windows, const double *alpha_bar, int count, rf_window_target target) {
    windows->noise = target != RF_WINDOW_VELOCITY;
    for (int k = 0; k < windows->count && windows->noise; k++) {
        double a = rf__alpha_bar_at(alpha_bar, count, windows->edge[k]), b = rf__alpha_bar_at(alpha_bar, count, windows->edge[k + 1]);
        double gamma = sqrt(a / b);
        bool ddim = target == RF_WINDOW_DDIM_EPS;
        windows->lambda[k] = 1 / gamma;
        windows->eta[k] = ddim ? sqrt(1 - b) - sqrt(1 - a) / gamma : -sqrt(1 - gamma * gamma) / gamma;
        if (!isfinite(windows->eta[k]) || windows->eta[k] == 0)
            return rf__fail(RF_EINVAL, "window %d, %g to %g, lies between two steps of a schedule of %d, expected a wider one", k, windows->edge[k], windows->edge[k + 1],
                            count);
    }
    return RF_OK;
}

int rf__windows_find(const rf_windows *windows, double t) {
    int k = 0;
    while (k + 1 < windows->count && t >= windows->edge[k + 1] - RF_WINDOW_SLACK) k++;
    return k;
}

int rf__windows_find_exact(const rf_windows *windows, double t) {
    int k = 0;
    while (k + 1 < windows->count && t >= windows->edge[k + 1]) k++;
    return k;
}

void rf__windows_features(const rf_windows *windows, int k, double t, float *out) {
    for (int i = 0; i < windows->count; i++) out[i] = i == k;
    double part = (t - windows->edge[k]) / (windows->edge[k + 1] - windows->edge[k]);
    out[windows->count] = (float)fmin(fmax(part, 0), 1);
}

rf_status rf__windows_grid(const rf_windows *windows, double from, int steps, double *times) {
    int first = rf__windows_find(windows, from), left = windows->count - first, at = 0;
    if (steps < left && from == 0)
        return rf__fail(RF_EINVAL, "steps is %d, expected at least %d: the model is straight only inside its %d windows", steps, left, left);
    if (steps < left)
        return rf__fail(RF_EINVAL, "steps is %d, expected at least %d: from %g on the model is straight only inside %d windows", steps, left,
                        from, left);
    for (int k = 0; k < left; k++) {
        int mine = steps / left + (k < steps % left);
        double a = k ? windows->edge[first + k] : from, b = windows->edge[first + k + 1];
        for (int i = 0; i < mine; i++) times[at++] = a + (b - a) * i / mine;
    }
    times[at] = 1;
    return RF_OK;
}

double rf__window_prediction(const rf_windows *windows, int k, double t, double x, double v) {
    double lambda = windows->lambda[k], a = windows->edge[k], b = windows->edge[k + 1];
    return (v * (lambda * (t - a) + (b - t)) - (lambda - 1) * x) / windows->eta[k];
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
    double first = fmin(times[0], times[steps]), last = fmax(times[0], times[steps]);
    int crossed = rf__windows_find_exact(windows, last - 2 * RF_WINDOW_SLACK) - rf__windows_find(windows, first) + 1;
    if (steps < crossed)
        return rf__fail(RF_EINVAL, "steps is %d, expected at least %d: the model is straight only inside its %d windows", steps, crossed,
                        windows->count);
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
