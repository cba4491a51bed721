/* bench_scheme.h - one load of jobs served by one way of sharing calls; what `strait bench stream` compares. */
#ifndef RF_CLI_BENCH_SCHEME_H
#define RF_CLI_BENCH_SCHEME_H
#include "../flow/batcher.h"
#include "../models/model.h"

typedef enum rf_call_size {
    RF_CALL_ONE,      /* a job at a time */
    RF_CALL_STAGES,   /* as many jobs as a walk has steps: StreamFlow's ring, and the static batch of its size */
    RF_CALL_MEASURED, /* as the row times of this machine say */
} rf_call_size;

typedef struct rf_scheme {
    const char *name, *admission, *help;
    rf_call_size size;
} rf_scheme;
extern const rf_scheme rf__schemes[];
enum { RF_SCHEME_SEQUENTIAL, RF_SCHEME_EQUAL, RF_SCHEME_RING, RF_SCHEME_CONTINUOUS, RF_SCHEMES };

/* Pictures become PNG in memory: not at all, between two calls, or on another thread while the next call runs. */
typedef enum rf_encoding { RF_ENCODE_NONE, RF_ENCODE_INLINE, RF_ENCODE_THREAD } rf_encoding;

typedef struct rf_load {
    const rf_field *field;
    const rf_model_shape *shape;
    const rf_scheme *scheme;
    const double *steps; /* job k takes steps[k mod step_count], a whole number */
    int step_count;
    int64_t best_rows;   /* of RF_CALL_MEASURED */
    int64_t jobs;
    double rate;         /* jobs that arrive in a second, at random times that depend on nothing else; 0: all at once */
    rf_encoding encoding;
    float *pictures;     /* [jobs, scalars]: what comes out, or what is compared with; NULL: neither */
    bool keep;           /* fill pictures */
} rf_load;

typedef struct rf_load_result {
    double seconds, network; /* from the first arrival to the last picture; of that inside calls */
    int64_t calls, rows, computed;
    double difference;       /* largest, from load->pictures */
    rf_histogram latency;    /* from arrival to picture; not emptied before, so that rounds add up */
} rf_load_result;

rf_status rf__load_run(const rf_load *load, rf_load_result *out);
int rf__load_stages(const rf_load *load); /* most steps of a job */

#endif
