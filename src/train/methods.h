/* methods.h - the sections of a recipe that say how pairs are made while training: teacher, windows (PeRFlow), anneal (SlimFlow). */
#ifndef RF_TRAIN_METHODS_H
#define RF_TRAIN_METHODS_H
#include "../io/fields.h"

enum { RF_GUIDANCE_SYNC, RF_GUIDANCE_FIXED }; /* perflow.md section 2, Guidance */

typedef struct rf_teacher_config {
    char model[RF_FIELD_STRING_MAX], solver[RF_FIELD_STRING_MAX];
    int64_t steps, rows;
    double cfg;
    int guidance;
} rf_teacher_config;

enum { RF_EDGES_UNIFORM, RF_EDGES_CURVATURE };

typedef struct rf_windows_config {
    int64_t count;
    int edges;
    bool id;        /* the network is told the window */
    int predicts;   /* rf_window_target */
    double own;     /* share of starts that the student made itself */
} rf_windows_config;

typedef struct rf_anneal_config {
    char schedule[RF_FIELD_STRING_MAX];
    int64_t over;      /* steps from beta 1 to 0 */
    int64_t patience;  /* of `measured`: steps whose mean loss is compared */
    double drop, flat; /* of `measured`: how far beta falls, and below which relative gain a loss counts as flat */
    double pairs;      /* flow-guided distillation: share of rows from stored pairs */
} rf_anneal_config;

extern const rf_field_desc rf__teacher_fields[], rf__windows_fields[], rf__anneal_fields[];

#endif
