/* ladder.h - a training ladder: rungs made one after another by the program's own commands, each judged, ending in a table and a figure.
 *
 *   rungs:
 *     - {name: teacher, model: models/fashion-rf.safetensors}
 *     - {name: pairs, pairs: "-m {teacher} -b 3000 --steps 8"}
 *     - {name: 2rf, train: "recipes/fashion-2rf.yaml data.path={pairs} train.init={teacher}"}
 *   evaluate: {run: "fashion-mnist:test --extractor classifier ...", steps: [1, 2, 4], number: frechet_distance}
 *
 * {NAME} stands for what a rung made: its model.safetensors, or its store of pairs. A rung that makes a network is judged as that file, or as
 * its key `judge` says ("{velocity} --refiner {caf} --sampling-method caf"); `judge: none` leaves it out. A rung that is done (its report is
 * there) is not made again, one that was interrupted goes on, and each keeps its own files, so that one can go back to any. */
#ifndef RF_CLI_LADDER_H
#define RF_CLI_LADDER_H
#include <jansson.h>

#include "../base/status.h"

/* Whether a file that rf__yaml_read gave is a ladder, not a recipe. */
bool rf__ladder_is(const json_t *file);
/* Names, keys and references, without making anything. */
rf_status rf__ladder_check(const json_t *ladder, const char *name);
/* name: of the file, for sentences. Everything goes into `folder`, with the table as ladder.md and ladder.json and the figure ladder.png.
 * errors: a rung's own, named; RF_EMISMATCH when a rung was made with other settings. */
rf_status rf__ladder_run(const json_t *ladder, const char *name, const char *folder, int threads);

#endif
