/* couplings.h - the entries of the table of couplings that live in files of their own, and what they share. */
#ifndef RF_TRAIN_COUPLINGS_H
#define RF_TRAIN_COUPLINGS_H
#include "batch.h"

extern const rf_coupling rf__coupling_perflow, rf__coupling_annealed, rf__coupling_guided;

#endif
