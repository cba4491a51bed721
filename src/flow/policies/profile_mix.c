/* profile_mix.c - walks in which network, refiner and line take turns, as they were found on whole walks, dearest first. */
#include <math.h>
#include <string.h>

#include "profile.h"

void rf__profile_mixes_begin(rf_profile *profile, const char *refiner, double share) {
    profile->mixes = 0;
    profile->share = refiner ? share : 0;
    memset(profile->refiner, 0, sizeof profile->refiner);
    if (refiner) strncpy(profile->refiner, refiner, sizeof profile->refiner - 1);
}

double rf__profile_mix_cost(const rf_profile *profile, const char *kinds) {
    double cost = 0;
    for (; *kinds; kinds++) cost += *kinds == RF_LETTERS[RF_KIND_FULL] ? 1 : *kinds == RF_LETTERS[RF_KIND_REFINE] ? profile->share : 0;
    return cost;
}

rf_status rf__profile_add_mix(rf_profile *profile, const rf_profile_mix *mix) {
    const size_t letters = strspn(mix->kinds, RF_LETTERS);
    if (profile->mixes == RF_PROFILE_RUNGS) return rf__fail(RF_EINVAL, "more than %d mixed walks", RF_PROFILE_RUNGS);
    if (letters != (size_t)profile->steps || mix->kinds[letters] || mix->kinds[0] != RF_LETTERS[RF_KIND_FULL])
        return rf__fail(RF_EFORMAT, "mixed walk '%.60s', expected %d letters 1, r or 0 that begin with 1", mix->kinds, profile->steps);
    if (!profile->refiner[0] && strchr(mix->kinds, RF_LETTERS[RF_KIND_REFINE]))
        return rf__fail(RF_EFORMAT, "mixed walk '%.60s' asks a refiner, and the profile names none", mix->kinds);
    if (!isfinite(mix->away) || mix->away < 0 || !(fabs(mix->cost - rf__profile_mix_cost(profile, mix->kinds)) < 1e-6))
        return rf__fail(RF_EFORMAT, "mixed walk '%.60s' with cost %g and distance %g, expected a cost of %g", mix->kinds, mix->cost, mix->away,
                        rf__profile_mix_cost(profile, mix->kinds));
    if (profile->mixes && mix->cost >= profile->mix[profile->mixes - 1].cost)
        return rf__fail(RF_EFORMAT, "mixed walk '%.60s' costs %g after one of %g, expected less", mix->kinds, mix->cost, profile->mix[profile->mixes - 1].cost);
    profile->mix[profile->mixes++] = *mix;
    return RF_OK;
}

const rf_profile_mix *rf__profile_mix_for(const rf_profile *profile, double calls) {
    for (int i = 0; i < profile->mixes; i++)
        if (profile->mix[i].cost <= calls + 1e-9) return &profile->mix[i];
    return NULL;
}

/* ---- file ---- */

json_t *rf__profile_mixes_json(const rf_profile *profile) {
    json_t *list = json_array();
    for (int i = 0; i < profile->mixes; i++) {
        const rf_profile_mix *mix = &profile->mix[i];
        json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "kinds", mix->kinds, "cost", mix->cost, "away", mix->away));
    }
    return json_pack("{s:s, s:f, s:o}", "refiner", profile->refiner, "share", profile->share, "walks", list);
}

rf_status rf__profile_mixes_read(rf_profile *profile, const json_t *json) {
    size_t index;
    const json_t *entry;
    if (!json) return RF_OK;
    const char *refiner = json_string_value(json_object_get(json, "refiner"));
    const double share = json_number_value(json_object_get(json, "share"));
    if (!refiner || strlen(refiner) >= sizeof profile->refiner || !isfinite(share) || share < 0)
        return rf__fail(RF_EFORMAT, "mixed: refiner or share is missing, expected a hash or nothing, and a number that is not negative");
    rf__profile_mixes_begin(profile, refiner[0] ? refiner : NULL, share);
    json_array_foreach(json_object_get(json, "walks"), index, entry) {
        const char *kinds = json_string_value(json_object_get(entry, "kinds"));
        rf_profile_mix mix = {.cost = json_number_value(json_object_get(entry, "cost")), .away = json_number_value(json_object_get(entry, "away"))};
        if (!kinds || strlen(kinds) >= sizeof mix.kinds) return rf__fail(RF_EFORMAT, "mixed: walk %zu has no letters, or too many", index);
        strcpy(mix.kinds, kinds);
        RF_TRY(rf__profile_add_mix(profile, &mix));
    }
    return RF_OK;
}
