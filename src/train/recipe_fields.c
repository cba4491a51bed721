/* recipe_fields.c - the keys of a recipe: one table a section makes reader, defaults, range checks and help. */
#include "recipe_fields.h"

#include <stddef.h>

#define AT(type, member) offsetof(type, member)

const rf_field_desc rf__data_fields[] = {
    {"name", RF_FIELD_STRING, AT(rf_data_config, name), NULL, 0, 0, NULL, "data set or toy"},
    {"path", RF_FIELD_STRING, AT(rf_data_config, path), "", 0, 0, NULL, "folder or file of the data set; empty: where it is usually installed"},
    {"split", RF_FIELD_STRING, AT(rf_data_config, split), "train", 0, 0, NULL, "train or test; train:5,7,9 for these classes alone"},
    {"real", RF_FIELD_STRING, AT(rf_data_config, real), "", 0, 0, NULL, "pairs: a second store, of pairs found from data (strait pairs --invert); empty: none"},
    {"real_share", RF_FIELD_FLOAT, AT(rf_data_config, real_share), "0.2", 0, 1, NULL, "pairs: share of samples drawn from it"},
    {"limit", RF_FIELD_INT, AT(rf_data_config, limit), "0", 0, 1e9, NULL, "use only the first so many samples; 0: all"},
    {"flip", RF_FIELD_BOOL, AT(rf_data_config, flip), "false", 0, 0, NULL, "mirror half of the images"},
    {"resolutions", RF_FIELD_INTS, AT(rf_data_config, resolutions), "[]", 1, 4096, NULL,
     "sides of the pictures, a step each in turn ([32, 64]), for a dit: divisors of the set's own, to which they are averaged down; empty: its own"},
    {NULL}};

static const char *const dtypes[] = {"f32", "bf16", NULL}, *const normalisers[] = {"off", "sample", "time", NULL};
#define T(member) AT(rf_train_config, member)
#define CHOICE(key, member, preset, choices, help) {key, RF_FIELD_CHOICE, T(member), preset, 0, 0, choices, help}
#define INT(key, member, preset, low, high, help) {key, RF_FIELD_INT, T(member), preset, low, high, NULL, help}
#define REAL(key, member, preset, low, high, help) {key, RF_FIELD_FLOAT, T(member), preset, low, high, NULL, help}
#define NAME(key, preset, help) {#key, RF_FIELD_STRING, T(key), preset, 0, 0, NULL, help}

const rf_field_desc rf__train_fields[] = {
    INT("steps", steps, NULL, 1, 1e9, "updates of the weights"),
    INT("batch", batch, "128", 1, 65536, "samples of one update; a multiple of micro_batch"),
    INT("micro_batch", micro_batch, "8", 1, 65536, "samples that one thread runs at a time; sets memory and speed, and the rounding"),
    INT("lanes", lanes, "8", 1, 1024, "gradient vectors the micro-batches are dealt to; how many threads can work, never how many do"),
    REAL("lr", lr, "1e-3", 0, 1e3, "learning rate after the warm-up"),
    NAME(schedule, "constant", "what lr does after the warm-up"),
    INT("warmup", warmup, "0", 0, 1e9, "steps in which lr rises linearly from 0"),
    REAL("beta1", beta1, "0.9", 0, 0.999999, "Adam: decay of the mean"),
    REAL("beta2", beta2, "0.999", 0, 0.999999999, "Adam: decay of the square"),
    REAL("eps", eps, "1e-8", 0, 1, "Adam: added to the root"),
    REAL("weight_decay", weight_decay, "0", 0, 10, "AdamW: decoupled decay, times lr"),
    REAL("clip", clip, "1", 0, 1e9, "largest gradient norm; 0: no clip"),
    REAL("ema", ema, "0.9999", 0, 1, "cap of the EMA's decay; below it the decay of update n is (1+n)/(10+n)"),
    CHOICE("dtype", dtype, "bf16", dtypes, "activations and inputs of products; master weights, sums and moments are always f32"),
    {"recompute", RF_FIELD_BOOL, T(recompute), "false", 0, 0, NULL, "hold only what lies between the blocks of the network and compute the rest again backwards: less memory, more time"},
    NAME(init, "", "checkpoint whose weights the network starts from (same kind and settings, perhaps fewer blocks); empty: random"),
    INT("seed", seed, "0", 0, 9e15, "of weights, noise, data order, times, flips and dropout"),
    NAME(coupling, "independent", "who is paired with whom"),
    NAME(time, "uniform", "density of t"),
    REAL("time_eps", time_eps, "0", 0, 0.5, "smallest t: the law is stretched to [time_eps, 1]"),
    REAL("time_shape", time_shape, "0", -1e3, 1e3, "the time law's own number, where it has one"),
    NAME(path, "linear", "from noise to data"),
    NAME(target, "velocity", "what is compared"),
    NAME(loss, "l2", "how it is compared"),
    REAL("loss_shape", loss_shape, "0", 0, 1e9, "the loss's own number, where it has one; 0: its default"),
    NAME(weight, "one", "weight of a time"),
    REAL("label_drop", label_drop, "0", 0, 1, "probability that a label is dropped, so that guidance has a null class"),
    REAL("path_shape", path_shape, "1", 0, 10, "the path's own number, where it has one"),
    REAL("target_shape", target_shape, "0", 0, 1e6, "the target's own number, where it has one; 0: its default"),
    CHOICE("normalise", normalise, "off", normalisers, "divide the loss by its own size: of each sample, or its running mean in 64 bins of t"),
    NAME(initial, "", "checkpoint of the frozen network that a path with a given first velocity asks at (x0, 0)"),
    NAME(premetric, "", "a distance of pictures that is added to the loss, on the predicted data: lpips-vgg ..., classifier; empty: none"),
    NAME(premetric_file, "", "weights of its network"),
    NAME(premetric_heads, "", "LPIPS: its linear heads"),
    {"premetric_any_file", RF_FIELD_BOOL, T(premetric_any_file), "false", 0, 0, NULL, "do not insist on the published files' checksums"},
    INT("premetric_size", premetric_size, "0", 0, 1024, "height and width the pictures are brought to first; 0: as they are"),
    REAL("premetric_scale", premetric_scale, "1", 0, 1e6, "factor of it"),
    NAME(premetric_weight, "one", "weight of a time for it"),
    INT("log_every", log_every, "100", 1, 1e9, "steps between lines of log.jsonl"),
    INT("checkpoint_every", checkpoint_every, "1000", 1, 1e9, "steps between checkpoints"),
    INT("sample_every", sample_every, "0", 0, 1e9, "steps between sample grids; 0: only at the end"),
    CHOICE("save_dtype", save_dtype, "f32", dtypes, "weights of the final model.safetensors"),
    {NULL}};

#define S(member) AT(rf_sample_config, member)
const rf_field_desc rf__sample_fields[] = {
    {"solver", RF_FIELD_STRING, S(solver), "euler", 0, 0, NULL, "as strait generate --sampling-method"},
    {"steps", RF_FIELD_INT, S(steps), "20", 1, 1000, NULL, "steps of the solver"},
    {"cfg", RF_FIELD_FLOAT, S(cfg), "1", 0, 100, NULL, "guidance scale; 1: none"},
    {"columns", RF_FIELD_INT, S(columns), "8", 1, 64, NULL, "images a row; a row a class, or as many rows as columns (flat toys have no grid)"},
    {"seed", RF_FIELD_INT, S(seed), "0", 0, 9e15, NULL, "of the first image; image k has seed + k"},
    {NULL}};

#define E(member) AT(rf_evaluate_config, member)
const rf_field_desc rf__evaluate_fields[] = {
    {"coupling_steps", RF_FIELD_INTS, E(coupling_steps), "[]", 1, 1000, NULL,
     "toys: after training, print the squared error per sample of so many Euler steps against the exact flow"},
    {"samples", RF_FIELD_INT, E(samples), "10000", 1, 1e7, NULL, "noise samples it is averaged over"},
    {"crossing", RF_FIELD_INT, E(crossing), "0", 0, 1e6, NULL, "so many pairs: print how straight the flow is (S) and how much the pairs cross (V); 0: not"},
    {"exact", RF_FIELD_STRING, E(exact), "", 0, 0, NULL, "toy whose exact flow coupling_steps compares with; empty: that of data.name"},
    {"accuracy", RF_FIELD_STRING, E(accuracy), "", 0, 0, NULL, "classifiers: print the share of this split that is named right, e.g. test"},
    {NULL}};
