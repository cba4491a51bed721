/* couplings.h - the entries of the table of couplings that live in files of their own, and what they share. */
#ifndef RF_TRAIN_COUPLINGS_H
#define RF_TRAIN_COUPLINGS_H
#include "batch.h"

extern const rf_coupling rf__coupling_perflow, rf__coupling_annealed, rf__coupling_guided;

/* A way to make a refiner's examples (refine.h). */
typedef struct rf_refine_way {
    rf_coupling is;
    bool grouped; /* examples of one step stand together, because they share a gap */
    bool guides;  /* a refiner that is told guidance scales sees some */
    bool of_data; /* its points lie between noise and data */
    rf_status (*fill)(rf_refine *refine, uint64_t seed, uint64_t first);
} rf_refine_way;
extern const rf_refine_way rf__refine_published, rf__refine_simulated, rf__refine_walked;

#endif
