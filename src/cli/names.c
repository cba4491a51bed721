/* names.c - from plug-in tables to lists of names. */
#include "names.h"

#include <stddef.h>

#include "../flow/admission.h"
#include "../flow/edit.h"
#include "../flow/guidance.h"
#include "../flow/policy.h"
#include "../flow/schedule.h"
#include "../flow/solver.h"
#include "../models/features.h"

#define LIST(table)                                                                                          \
    do {                                                                                                     \
        int count = 0;                                                                                       \
        for (; (table)[count] && count + 1 < RF_NAMES_MAX; count++) names[count] = (table)[count]->name;     \
        names[count] = NULL;                                                                                 \
    } while (0)

void rf__names_of_guidances(const char *names[RF_NAMES_MAX]) {
    int count = 0;
    for (const rf_guidance *const *at = rf__guidances(); *at && count + 1 < RF_NAMES_MAX; at++)
        if (!(*at)->edits) names[count++] = (*at)->name;
    names[count] = NULL;
}
void rf__names_of_solvers(const char *names[RF_NAMES_MAX]) {
    LIST(rf__solvers());
}
void rf__names_of_schedules(const char *names[RF_NAMES_MAX]) {
    LIST(rf__schedules());
}
void rf__names_of_policies(const char *names[RF_NAMES_MAX]) {
    int count = 0;
    for (const rf_policy *const *at = rf__policies(); *at && count + 1 < RF_NAMES_MAX; at++)
        if (!(*at)->internal) names[count++] = (*at)->name;
    names[count] = NULL;
}
void rf__names_of_edits(const char *names[RF_NAMES_MAX]) {
    LIST(rf__edit_strategies());
}
void rf__names_of_extractors(const char *names[RF_NAMES_MAX]) {
    LIST(rf__feature_nets());
}
void rf__names_of_admissions(const char *names[RF_NAMES_MAX]) {
    LIST(rf__admissions());
}
