/* profiles.c - see profiles.h. */
#include "profiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/file.h"
#include "../base/log.h"

typedef struct opened {
    struct opened *next;
    char *path;
    rf_profile *profile;
    bool learning;
} opened;

static opened *first; /* of this process: commands open them from one thread */

void rf__profiles_key(rf_profile_key *out, const rf_order *order, const rf_model *model) {
    rf__profile_key_fill(out, model->sha256, order->solver, order->guide, &order->guidance);
}

char *rf__profiles_path(const rf_order *order, const char *path, const rf_model *model) {
    rf_profile_key key;
    char *guidance = key.guidance, *out = NULL;
    if (path) return strdup(path);
    if (!model->path) return NULL;
    rf__profiles_key(&key, order, model);
    for (char *c = guidance; *c; c++)
        if (*c == ' ') *c = '-';
    const char *dot = strrchr(model->path, '.'), *slash = strrchr(model->path, '/');
    int stem = dot && (!slash || dot > slash) ? (int)(dot - model->path) : (int)strlen(model->path);
    bool none = strcmp(guidance, "none") == 0;
    if (asprintf(&out, "%.*s.%s-%d%s%s.profile", stem, model->path, order->solver->name, order->grid.steps, none ? "" : "-", none ? "" : guidance) < 0)
        return NULL;
    return out;
}

rf_status rf__profiles_open(rf_profile **out, const rf_order *order, const char *path, const rf_model *model) {
    rf_profile_key key;
    rf__profiles_key(&key, order, model);
    char *where = rf__profiles_path(order, path, model);
    *out = NULL;
    if (!where) return rf__fail(RF_EINVAL, "the model has no file to keep a profile beside, expected --profile");
    opened *at = first;
    while (at && strcmp(at->path, where)) at = at->next;
    rf_status status = RF_OK;
    if (at) {
        status = rf__profile_same(at->profile, &key, where);
        free(where);
    } else {
        rf_profile *profile = NULL;
        status = rf__profile_open(&profile, where, &key, order->policy, &order->policy_options, order->solver, order->grid.t, order->grid.steps);
        at = status == RF_OK ? calloc(1, sizeof *at) : NULL;
        if (status == RF_OK && !at) status = rf__fail(RF_ENOMEM, "no memory for a profile");
        if (status == RF_OK) {
            *at = (opened){first, where, profile, false};
            first = at;
        } else {
            rf__profile_free(&profile);
            free(where);
        }
    }
    RF_TRY(status);
    if (rf__policy_learns(order->policy, &order->policy_options)) at->learning = true;
    *out = at->profile;
    return RF_OK;
}

json_t *rf__promise_json(const rf_order *order) {
    const rf_profile_rung *rung = order->promise;
    if (!rung) return json_null();
    json_t *json = json_pack("{s:s, s:s, s:f, s:f, s:I}", "policy", rung->policy, "option", order->policy->options[order->policy->knob - 1].name, "value",
                             rung->value, "calls", rung->calls, "tried_images", (json_int_t)rung->images);
    for (int m = 0; m < RF_BUDGETS; m++)
        if (isfinite(rung->bound[m])) json_object_set_new(json, rf__budget_names[m], json_real(rung->bound[m]));
    return json;
}

rf_status rf__profiles_save(void) {
    for (opened *at = first; at; at = at->next) {
        if (!at->learning) continue;
        RF_TRY(rf__profile_save(at->profile, at->path));
        for (int b = 0; b < RF_BANDITS; b++)
            if (at->profile->bandit[b].tolerance > 0)
                rf__info("%s: %s has learned from %lld walks, %lld jumps", at->path, at->profile->bandit[b].name, (long long)at->profile->bandit[b].walks,
                         (long long)at->profile->bandit[b].jumps);
    }
    return RF_OK;
}

void rf__profiles_close(void) {
    while (first) {
        opened *gone = first;
        first = gone->next;
        rf__profile_free(&gone->profile);
        free(gone->path);
        free(gone);
    }
}
