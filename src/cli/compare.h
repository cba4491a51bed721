/* compare.h - `strait compare`: rows of sampling settings on one checkpoint, the same seeds for all.
 *
 *   compare_grid    FILE.yaml -> settings and rows
 *   compare_engine  rows -> networks ready to sample
 *   compare_run     rows -> numbers; adds the controls: Euler and Heun at the same number of network answers
 *   compare_keep    finished rows in a file, for --resume
 *   compare_report  numbers -> table, JSON, figure
 *   compare_waterfall  rows in which each adds one thing to the one before: factors and their figure */
#ifndef RF_CLI_COMPARE_H
#define RF_CLI_COMPARE_H
#include <jansson.h>
#include <stdio.h>

#include "../eval/measure.h"
#include "../eval/paired.h"
#include "../io/fields.h"
#include "shoot.h"

enum { RF_COMPARE_ROWS = 512, RF_COMPARE_SEEDS = 32, RF_COMPARE_LABEL = 120 };

/* The plain keys of the grid file. */
typedef struct rf_compare_settings {
    int64_t images, paired, seeds, reference_steps, data_limit;
    char reference_solver[RF_FIELD_STRING_MAX], data[RF_FIELD_STRING_MAX], data_path[RF_FIELD_STRING_MAX], split[RF_FIELD_STRING_MAX],
        extractor[RF_FIELD_STRING_MAX], weights[RF_FIELD_STRING_MAX];
    bool waterfall, controls;
} rf_compare_settings;
extern const rf_field_desc rf__compare_fields[];

/* What one row gave for one group of seeds. */
typedef struct rf_compare_result {
    double seconds; /* an image, sampling alone */
    double nfe;     /* network answers an image, refiner included */
    double refined, extrapolated;
    double frechet, kid, accuracy; /* NAN: not measured */
    double mse, psnr, ssim;        /* against the reference solve of the same seeds */
} rf_compare_result;

typedef struct rf_compare_row {
    json_t *wanted;                     /* sampling flags by their names, with underscores; owned */
    char label[RF_COMPARE_LABEL];       /* "heun 8, cfg 1.5, bf16" */
    char series[RF_COMPARE_LABEL];      /* the same without the steps: one line of the figure */
    rf_dtype dtype;
    const char *model, *refiner;        /* paths of its own networks, borrowed from wanted; NULL: the command's */
    int batch;                          /* rows of a call; 0: the command's */
    bool control;                       /* added by us */
    rf_compare_result result[RF_COMPARE_SEEDS];
} rf_compare_row;

/* A network made ready for one dtype and size of call; opened on first use. */
typedef struct rf_compare_engine {
    const char *path, *refiner_path; /* borrowed; NULL: the command's model; its refiner, or with an own model none */
    rf_dtype dtype;
    int batch;
    rf_model *own, *own_refiner; /* NULL when the model is the command's */
    rf_sampler *sampler;
} rf_compare_engine;
enum { RF_COMPARE_ENGINES = 64 };

typedef struct rf_compare {
    rf_compare_settings settings;
    rf_compare_row *row; /* [RF_COMPARE_ROWS] */
    int rows;
    rf_model *model, *refiner; /* refiner NULL: none */
    const rf_arg *table; /* the sampling flags */
    const rf_sampling_flags *base;
    rf_compare_engine engine[RF_COMPARE_ENGINES];
    int engines;
    int threads, batch;
    const char *folder; /* made once everything that can be checked is */
    json_t *protocol; /* filled by the run; owned */
    bool resume;      /* rows that `folder` has of an earlier run are not made again */
    json_t *kept;     /* lines of folder/rows.jsonl; owned by compare_keep */
    FILE *keeper;
} rf_compare;

/* Sampling flags that say how a row is solved, in the spelling of rows. Every row says all of them, those of the command line too, so that nothing
 * but its own words reaches a row, and nothing of them the reference and the controls. The other flags (guidance, classes) are the same for all. */
enum { RF_COMPARE_HOW = 12 };
extern const char *const rf__compare_how[RF_COMPARE_HOW + 1];
/* Keys of rows that are no sampling flags. */
extern const char *const rf__compare_own[];

/* errors: a sentence with FILE:LINE or the key. Settings of the command line that were given replace those of the file. */
rf_status rf__compare_read(rf_compare *compare, const char *path);
/* Add a row unless an equal one is there. wanted: stolen. */
rf_status rf__compare_add(rf_compare *compare, json_t *wanted, bool control, const char *where);
/* The engine of a row; model: of the engine, or the command's. errors: the file, or too many engines. */
rf_status rf__compare_engine(rf_compare *compare, const rf_compare_row *row, const rf_model **model, rf_sampler **sampler);
void rf__compare_engines_close(rf_compare *compare);
rf_status rf__compare_run(rf_compare *compare);
/* Begin folder/rows.jsonl, with resume: from what it has. errors: it cannot be written. */
rf_status rf__compare_kept_open(rf_compare *compare, bool resume);
/* Whether the numbers of this row and seed group are known. key: everything they depend on, as JSON. */
bool rf__compare_recall(const rf_compare *compare, const json_t *key, rf_compare_result *out);
rf_status rf__compare_keep(rf_compare *compare, json_t *key, const rf_compare_result *result);
void rf__compare_kept_close(rf_compare *compare);
void rf__compare_print(const rf_compare *compare, FILE *stream);
json_t *rf__compare_json(const rf_compare *compare); /* new reference */
/* compare.png in `folder`; false when it could not be drawn. */
bool rf__compare_draw(const rf_compare *compare, const char *folder);
/* NAME.dat as `write` has it, and NAME.png, which the script draws of it; both inside folder. */
bool rf__compare_figure(const rf_compare *compare, const char *folder, const char *name, void (*write)(const rf_compare *, FILE *),
                        const char *script);
/* Of a waterfall: factors over the first row and the row before. */
void rf__compare_waterfall_print(const rf_compare *compare, FILE *stream);
bool rf__compare_waterfall_draw(const rf_compare *compare, const char *folder); /* waterfall.png */
void rf__compare_fini(rf_compare *compare);

/* Mean and standard deviation of one member over the seeds; NAN when it was not measured, the deviation also when there is one group of seeds. */
typedef struct rf_spread { double mean, deviation; } rf_spread;
rf_spread rf__compare_spread(const rf_compare *compare, const rf_compare_row *row, size_t member);
/* The deviation as an error bar: none where there is none, because gnuplot leaves out a point whose bar is not a number. */
double rf__compare_bar(rf_spread spread);

#endif
