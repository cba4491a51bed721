/* methods.c - the keys of those sections. */
#include "methods.h"

#include <stddef.h>

#define T(member) offsetof(rf_teacher_config, member)
static const char *const guidances[] = {"sync", "fixed", NULL};

const rf_field_desc rf__teacher_fields[] = {
    {"model", RF_FIELD_STRING, T(model), "", 0, 0, NULL, "checkpoint that is asked while training; exact: the exact velocity of a toy; empty: none"},
    {"solver", RF_FIELD_STRING, T(solver), "heun", 0, 0, NULL, "as strait generate --sampling-method"},
    {"steps", RF_FIELD_INT, T(steps), "4", 1, 1000, NULL, "steps of the solver inside a window"},
    {"rows", RF_FIELD_INT, T(rows), "64", 1, 4096, NULL, "most rows of one call of the teacher"},
    {"cfg", RF_FIELD_FLOAT, T(cfg), "1", -100, 100, NULL, "guidance scale of the teacher; 1: none"},
    {"guidance", RF_FIELD_CHOICE, T(guidance), "sync", 0, 0, guidances,
     "sync: a dropped label is dropped for the teacher too, so that the student can be guided later; fixed: the teacher keeps every label"},
    {NULL}};

#define W(member) offsetof(rf_windows_config, member)
static const char *const edges[] = {"uniform", "curvature", NULL}, *const targets[] = {"diff_eps", "ddim_eps", "velocity", NULL};

const rf_field_desc rf__windows_fields[] = {
    {"count", RF_FIELD_INT, W(count), "0", 0, 64, NULL, "windows the student is straight in (train.coupling: perflow); 0: none"},
    {"edges", RF_FIELD_CHOICE, W(edges), "uniform", 0, 0, edges, "curvature: the teacher's velocity changes as much in each window as in any other"},
    {"id", RF_FIELD_BOOL, W(id), "true", 0, 0, NULL, "the network is told the window: model.extra is then count + 1"},
    {"predicts", RF_FIELD_CHOICE, W(predicts), "velocity", 0, 0, targets,
     "diff_eps, ddim_eps: noise, constant in a window, with starts on Stable Diffusion's schedule"},
    {"own", RF_FIELD_FLOAT, W(own), "0", 0, 1, NULL, "share of starts that the student made in the windows before, instead of noised data"},
    {NULL}};

#define A(member) offsetof(rf_anneal_config, member)
const rf_field_desc rf__anneal_fields[] = {
    {"schedule", RF_FIELD_STRING, A(schedule), "linear", 0, 0, NULL, "how the share of fresh noise falls (train.coupling: annealed)"},
    {"over", RF_FIELD_INT, A(over), "1000", 1, 1e9, NULL, "steps in which it falls from 1"},
    {"patience", RF_FIELD_INT, A(patience), "200", 1, 1e9, NULL, "of measured: steps whose mean loss is compared with that of as many before"},
    {"drop", RF_FIELD_FLOAT, A(drop), "0.1", 1e-6, 1, NULL, "of measured: how far it falls when the loss is flat"},
    {"flat", RF_FIELD_FLOAT, A(flat), "0.02", 0, 1, NULL, "of measured: a smaller gain than this part of the loss is flat"},
    {"pairs", RF_FIELD_FLOAT, A(pairs), "0.5", 0, 1, NULL, "of train.coupling guided: share of rows from the store; below 0.5 the student may drift"},
    {NULL}};
