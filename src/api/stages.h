/* stages.h - a list of coarse-to-fine stages (flow/stages.h) from a file: opens the networks and refiners it names, makes the grids. */
#ifndef RF_API_STAGES_H
#define RF_API_STAGES_H
#include <jansson.h>

#include "sampler.h"

typedef struct rf_stage_set rf_stage_set;

/* list: what stands behind `stages:` (README of recipes/stages). The last stage makes pictures of the sampler's model; a stage that names
 * no model takes that one, at its own `resolution` where it has one (kinds that can). where: begins the sentences. sampler: must outlive
 * the set. errors: a key, a file, a hole, re-noising outside (0, 1), a refiner of another predictor or for other gaps: nothing is run. */
rf_status rf__stage_set_open(rf_stage_set **out, const json_t *list, const char *where, rf_sampler *sampler);
rf_status rf__stage_set_read(rf_stage_set **out, const char *path, rf_sampler *sampler); /* a YAML file with the one key `stages` */
void rf__stage_set_close(rf_stage_set **set);
/* Put the stages in place of field, refiner, solver, grid and blocks. */
void rf__stage_set_describe(const rf_stage_set *set, rf_job_spec *spec);
int64_t rf__stage_set_answers(const rf_stage_set *set); /* of one job */
/* The list with every key and the hashes of the files, such that rf__stage_set_open makes the same again. Borrowed. */
const json_t *rf__stage_set_json(const rf_stage_set *set);

#endif
