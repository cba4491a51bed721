/* grow.h - a network that is told more than another, or is deeper, starts where that one stands; and the difference of two such networks as a file that
 * is added to a third (PeRFlow's delta weights, arXiv 2405.07510 section 4). */
#ifndef RF_MODEL_GROW_H
#define RF_MODEL_GROW_H
#include "model.h"

/* The weights of `from` into `to`. They must be of one kind with the same settings but for dropout and either what they are told beside x and t or how deep
 * they are; parameters and columns for what only `to` is told become 0 and new blocks pass on what they get, so that it answers as `from` does. A refiner (`to`) of a predictor (`from`) gets its last layer as 0
 * too: it adds nothing yet to the velocity it is told, and sees as the predictor does. errors: RF_EMISMATCH. */
rf_status rf__model_grow(rf_model *to, rf_model *from);

/* Parameter `index` of `to` from the one of that name in `from`; where there is none it becomes 0, as do columns that only `to` has. */
rf_status rf__param_from(rf_model *to, int index, rf_model *from, const char *name);

/* Hash of the file that a model descends from: what its metadata says (base_sha256), or its own file. */
void rf__model_base(const rf_model *model, char sha256[65]);

/* student - teacher in the student's shape, with its windows and the hash of the base that both descend from. errors: RF_EMISMATCH when the
 * student was not started from the teacher's base, with both hashes. */
rf_status rf__delta_save(rf_model *teacher, rf_model *student, const char *path, rf_dtype dtype);
#define RF_DELTA_KEY "strait.delta" /* in the metadata: the file holds a difference, to be added to this base */
/* As rf__model_open, of a file that holds a difference, which rf__model_open refuses. */
rf_status rf__delta_open(rf_model **out, const char *path);
/* *model becomes the sum: the old one is freed. It keeps its metadata and path; its hash names both files. errors: no delta, or one for
 * another base (with both hashes); *model is then as it was. */
rf_status rf__delta_add(rf_model **model, const char *path);

#endif
