/* dopri5.c - Dormand-Prince 5(4) with step control of each job by itself; the last stage is the first of the next step.
 *
 * The time grid gives the two ends and, by its first interval, the first step; inner points are not met. The error of a step is the root
 * mean square of (5th - 4th order) / (atol + rtol max(|x|, |x'|)) over the scalars of the job (Hairer, Norsett & Wanner, section II.4);
 * RectifiedFlow's own code flattens a batch into one problem, so that there a sample's steps depend on its neighbours. */
#include <math.h>

#include "../solver.h"

enum { STAGES = 7, BUFFER_STAGE = 6 /* 0 .. 5: the slopes k1 .. k6 */, BUFFERS };
enum { NUMBER_STEP, NUMBER_REFUSED /* 1: the newest attempt was */ };

enum { OPTION_RTOL, OPTION_ATOL, OPTION_ATTEMPTS };

static const rf_option options[] = {
    {"rtol", 1e-4, 1e-7, 1, NULL, "allowed error of a step, times the size of x"},
    {"atol", 1e-5, 1e-9, 1, NULL, "allowed error of a step where x is small"},
    {"attempts", 10000, 1, 1e6, NULL, "most steps tried before the walk is given up", .whole = true},
    {NULL},
};

static const double node[STAGES] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
static const double row[STAGES][6] = {
    {0},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
};
/* fifth minus fourth order */
static const double difference[STAGES] = {71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

static double end_of(const rf_job *job) { return job->grid[job->steps]; }

static void begin(rf_job *job) {
    job->number[NUMBER_STEP] = job->steps > 0 && job->grid[1] != job->grid[0] ? job->grid[1] - job->grid[0] : end_of(job) - job->grid[0];
    job->number[NUMBER_REFUSED] = 0;
}

/* The step at hand, never past the end; what is left is taken whole when it is hardly more than a step. */
static double step_of(const rf_job *job) {
    double left = end_of(job) - job->t, h = job->number[NUMBER_STEP];
    return fabs(h) * 1.0000001 >= fabs(left) ? left : h;
}

static bool next(rf_job *job, rf_request *out) {
    if (job->position == job->steps) return false;
    if (job->stage == 0 && end_of(job) == job->t) {
        job->position = job->steps;
        return false;
    }
    if (job->stage == 0 && job->carried) job->stage = 1; /* k1 is the last slope of the step before */
    if (job->stage == 0) {
        *out = (rf_request){job->x, job->t, true};
        return true;
    }
    double h = step_of(job);
    float *at = job->buffer[BUFFER_STAGE];
    for (int64_t i = 0; i < job->scalars; i++) {
        double sum = 0;
        for (int k = 0; k < job->stage; k++) sum += row[job->stage][k] * (double)job->buffer[k][i];
        at[i] = (float)((double)job->x[i] + h * sum);
    }
    bool whole = h == end_of(job) - job->t;
    double t = node[job->stage] == 1 && whole ? end_of(job) : job->t + node[job->stage] * h;
    *out = (rf_request){at, t, false};
    return true;
}

/* k7 is v, measured at the fifth order result, which lies in the stage buffer. */
static double error_of(const rf_job *job, const float *v, double h) {
    const float *result = job->buffer[BUFFER_STAGE];
    double rtol = rf__job_option(job, OPTION_RTOL), atol = rf__job_option(job, OPTION_ATOL), sum = 0;
    for (int64_t i = 0; i < job->scalars; i++) {
        double e = difference[6] * (double)v[i], size = fmax(fabs((double)job->x[i]), fabs((double)result[i]));
        for (int k = 0; k < 6; k++) e += difference[k] * (double)job->buffer[k][i];
        e *= h / (atol + rtol * size);
        sum += e * e;
    }
    return sqrt(sum / (double)job->scalars);
}

static void accept(rf_job *job, const float *v) {
    job->calls++;
    if (job->stage < STAGES - 1) {
        for (int64_t i = 0; i < job->scalars; i++) job->buffer[job->stage][i] = v[i];
        job->stage++;
        return;
    }
    double h = step_of(job), error = error_of(job, v, h), most = job->number[NUMBER_REFUSED] ? 1 : 5;
    double factor = error > 0 ? 0.9 * pow(error, -0.2) : most;
    factor = factor < 0.2 ? 0.2 : factor > most ? most : factor;
    bool tiny = fabs(h) < 1e-6 * fabs(end_of(job) - job->grid[0]); /* below f32's own rounding nothing gets better */
    bool taken = error <= 1 || tiny;
    job->number[NUMBER_STEP] = h * factor;
    job->number[NUMBER_REFUSED] = !taken;
    job->attempts++;
    job->rejected += !taken;
    job->stage = 1; /* k1 stays after a refusal, and is k7 after a step */
    bool last = h == end_of(job) - job->t;
    if (job->attempts >= rf__job_option(job, OPTION_ATTEMPTS) && !(taken && last))
        job->failure = rf__fail(RF_ENUMERIC, "dopri5 gave up at t = %g after %d attempts (option attempts), %d of them refused", job->t,
                                job->attempts, job->rejected);
    if (!taken) return;
    for (int64_t i = 0; i < job->scalars; i++) {
        job->x[i] = job->buffer[BUFFER_STAGE][i];
        job->buffer[0][i] = v[i];
    }
    job->t = last ? end_of(job) : job->t + h;
    job->carried = true;
    job->stage = 0;
    if (last) job->position = job->steps;
}

const rf_solver rf__solver_dopri5 = {
    .name = "dopri5",
    .source = "Dormand & Prince 1980",
    .help = "adaptive, fifth order: options rtol, atol; six calls an attempt, the grid gives the ends and the first step",
    .order = 5,
    .calls_per_step = 6,
    .extra_calls = 1,
    .adaptive = true,
    .buffers = BUFFERS,
    .options = options,
    .begin = begin,
    .next = next,
    .accept = accept,
};
