/* profile_json.c - a profile as a file: JSON with a format number and a CRC-32 of everything else. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../../base/file.h"
#include "../../base/memory.h"
#include "profile_sums.h"

enum { FORMAT = 1, MOST_BYTES = 16 << 20 };

/* ---- out ---- */

/* JSON has no NaN: null. */
static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *numbers(const double *values, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, number(values[i]));
    return list;
}

static json_t *bandit_json(const rf_profile_bandit *bandit) {
    json_t *pulls = json_array(), *reward = json_array();
    for (int i = 0; i < bandit->rows * RF_PROFILE_ARMS; i++) {
        json_array_append_new(pulls, json_integer((json_int_t)bandit->arm[i].pulls));
        json_array_append_new(reward, json_integer((json_int_t)bandit->arm[i].reward));
    }
    return json_pack("{s:s, s:f, s:I, s:I, s:o, s:o}", "policy", bandit->name, "e_tol", bandit->tolerance, "jumps", (json_int_t)bandit->jumps, "walks",
                     (json_int_t)bandit->walks, "pulls", pulls, "reward", reward);
}

static json_t *rung_json(const rf_profile_rung *rung) {
    return json_pack("{s:s, s:f, s:I, s:f, s:o, s:o, s:o}", "policy", rung->policy, "value", rung->value, "images", (json_int_t)rung->images, "calls",
                     rung->calls, "predicted", number(rung->predicted), "mean", numbers(rung->mean, RF_BUDGETS), "bound",
                     numbers(rung->bound, RF_BUDGETS));
}

json_t *rf__profile_json(const rf_profile *p) {
    json_t *bandits = json_array(), *rungs = json_array();
    for (int b = 0; b < RF_BANDITS; b++)
        if (p->bandit[b].tolerance > 0) json_array_append_new(bandits, bandit_json(&p->bandit[b]));
    for (int i = 0; i < p->rungs; i++) json_array_append_new(rungs, rung_json(&p->rung[i]));
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "strait_profile", FORMAT, "model", p->key.model, "solver",
                     p->key.solver, "guidance", p->key.guidance, "task", p->key.task, "times", numbers(p->times, (size_t)p->steps + 1), "walks",
                     (json_int_t)p->walks, "fresh", p->fresh, "shift", numbers(p->shift, rf__shift_at(p->steps, 0, 0)), "error",
                     numbers(p->error, rf__error_at(p->steps, 0)), "edge", numbers(p->edge[0], RF_PROFILE_AGES * (RF_PROFILE_CHANGES - 1)), "context",
                     numbers(p->context, RF_PROFILE_AGES * RF_PROFILE_CHANGES * (RF_PROFILE_MOST + 1)), "bandits", bandits, "rungs", rungs);
    if (json && p->mixes) json_object_set_new(json, "mixed", rf__profile_mixes_json(p));
    return json;
}

/* ---- in ---- */

static rf_status read_text(const json_t *json, const char *key, char *out, size_t size) {
    const char *text = json_string_value(json_object_get(json, key));
    if (!text || strlen(text) >= size) return rf__fail(RF_EFORMAT, "%s is %s, expected a text of less than %zu bytes", key, text ? "too long" : "missing", size);
    strcpy(out, text);
    return RF_OK;
}

/* gaps: null is allowed and becomes NaN. */
static rf_status read_numbers(const json_t *json, const char *key, double *out, size_t count, bool gaps) {
    const json_t *list = json_object_get(json, key);
    if (!json_is_array(list) || json_array_size(list) != count)
        return rf__fail(RF_EFORMAT, "%s has %zu numbers, expected %zu", key, json_array_size(list), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_number(value) && !(gaps && json_is_null(value))) return rf__fail(RF_EFORMAT, "%s: entry %zu is no number", key, i);
        out[i] = json_is_number(value) ? json_number_value(value) : NAN;
        if (isinf(out[i]) || (!gaps && isnan(out[i]))) return rf__fail(RF_EFORMAT, "%s: entry %zu is not finite", key, i);
    }
    return RF_OK;
}

static rf_status read_bandit(rf_profile *p, const json_t *json) {
    const char *name = json_string_value(json_object_get(json, "policy"));
    int b = 0;
    while (b < RF_BANDITS && !(name && !strcmp(name, p->bandit[b].name))) b++;
    if (b == RF_BANDITS) return rf__fail(RF_EFORMAT, "bandit '%.30s', expected fastflow or contextual", name ? name : "without a name");
    rf_profile_bandit *bandit = &p->bandit[b];
    const json_t *pulls = json_object_get(json, "pulls"), *reward = json_object_get(json, "reward");
    size_t cells = (size_t)bandit->rows * RF_PROFILE_ARMS;
    bandit->tolerance = json_number_value(json_object_get(json, "e_tol"));
    bandit->jumps = (int64_t)json_integer_value(json_object_get(json, "jumps"));
    bandit->walks = (int64_t)json_integer_value(json_object_get(json, "walks"));
    if (!isfinite(bandit->tolerance) || bandit->tolerance <= 0 || json_array_size(pulls) != cells || json_array_size(reward) != cells)
        return rf__fail(RF_EFORMAT, "bandit '%s' has e_tol %g and %zu arms, expected a positive number and %zu", name, bandit->tolerance,
                        json_array_size(pulls), cells);
    for (size_t i = 0; i < cells; i++) {
        const json_int_t n = json_integer_value(json_array_get(pulls, i)), sum = json_integer_value(json_array_get(reward, i));
        if (n < 0 || n > (1LL << 31) || sum > n * (1LL << 30) || sum < -n * (1LL << 30))
            return rf__fail(RF_EFORMAT, "bandit '%s': arm %zu has %lld pulls with rewards outside -1 .. 1", name, i, (long long)n);
        bandit->saved_walks = bandit->walks;
        bandit->arm[i] = bandit->base[i] = (rf_profile_arm){n, sum};
    }
    return RF_OK;
}

static rf_status read_rung(rf_profile *p, const json_t *json) {
    rf_profile_rung rung = {.images = (int64_t)json_integer_value(json_object_get(json, "images"))};
    RF_TRY(read_text(json, "policy", rung.policy, sizeof rung.policy));
    rung.value = json_number_value(json_object_get(json, "value"));
    rung.calls = json_number_value(json_object_get(json, "calls"));
    const json_t *predicted = json_object_get(json, "predicted");
    rung.predicted = json_is_number(predicted) ? json_number_value(predicted) : NAN;
    if (!isfinite(rung.value) || !isfinite(rung.calls)) return rf__fail(RF_EFORMAT, "a setting of '%s' is not finite", rung.policy);
    RF_TRY(read_numbers(json, "mean", rung.mean, RF_BUDGETS, true));
    RF_TRY(read_numbers(json, "bound", rung.bound, RF_BUDGETS, true));
    return rf__profile_add_rung(p, &rung);
}

static rf_status read_parts(rf_profile *p, const json_t *json) {
    size_t index;
    const json_t *entry;
    const char *fresh = json_string_value(json_object_get(json, "fresh"));
    if (!fresh || strlen(fresh) != (size_t)p->steps || strspn(fresh, "01") != (size_t)p->steps)
        return rf__fail(RF_EFORMAT, "fresh is not one 0 or 1 for each of %d steps", p->steps);
    strcpy(p->fresh, fresh);
    p->walks = (int64_t)json_integer_value(json_object_get(json, "walks"));
    if (p->walks < 0 || p->walks > (1LL << 31)) return rf__fail(RF_EFORMAT, "walks is %lld", (long long)p->walks);
    RF_TRY(read_numbers(json, "shift", p->shift, rf__shift_at(p->steps, 0, 0), true));
    RF_TRY(read_numbers(json, "error", p->error, rf__error_at(p->steps, 0), true));
    RF_TRY(read_numbers(json, "edge", p->edge[0], RF_PROFILE_AGES * (RF_PROFILE_CHANGES - 1), false));
    RF_TRY(read_numbers(json, "context", p->context, RF_PROFILE_AGES * RF_PROFILE_CHANGES * (RF_PROFILE_MOST + 1), true));
    json_array_foreach(json_object_get(json, "bandits"), index, entry) RF_TRY(read_bandit(p, entry));
    json_array_foreach(json_object_get(json, "rungs"), index, entry) RF_TRY(read_rung(p, entry));
    RF_TRY(rf__profile_mixes_read(p, json_object_get(json, "mixed")));
    return p->walks ? rf__profile_plan(p) : RF_OK;
}

rf_status rf__profile_decode(rf_profile **out, const json_t *json) {
    rf_profile_key key;
    double times[RF_PROFILE_STEPS + 1];
    const json_t *format = json_object_get(json, "strait_profile");
    size_t count = json_array_size(json_object_get(json, "times"));
    *out = NULL;
    if (!json_is_integer(format)) return rf__fail(RF_EFORMAT, "is no profile");
    if (json_integer_value(format) != FORMAT)
        return rf__fail(RF_EFORMAT, "is of format %lld, expected %d; make it again with `strait tune`", (long long)json_integer_value(format), FORMAT);
    RF_TRY(read_text(json, "model", key.model, sizeof key.model));
    RF_TRY(read_text(json, "solver", key.solver, sizeof key.solver));
    RF_TRY(read_text(json, "guidance", key.guidance, sizeof key.guidance));
    RF_TRY(read_text(json, "task", key.task, sizeof key.task));
    if (count < 2 || count > RF_PROFILE_STEPS + 1) return rf__fail(RF_EFORMAT, "times has %zu numbers, expected 2 .. %d", count, RF_PROFILE_STEPS + 1);
    RF_TRY(read_numbers(json, "times", times, count, false));
    RF_TRY(rf__profile_create(out, &key, times, (int)count - 1));
    rf_status status = read_parts(*out, json);
    if (status != RF_OK) rf__profile_free(out);
    return status;
}

/* ---- files ---- */

/* CRC-32 of the object without its own "crc", in one canonical form. */
static rf_status checksum(const json_t *json, uint32_t *out) {
    json_t *rest = json_copy((json_t *)json);
    json_object_del(rest, "crc");
    char *text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(rest);
    if (!text) return rf__fail(RF_ENOMEM, "no memory for the checksum of a profile");
    *out = (uint32_t)crc32(0, (const Bytef *)text, (uInt)strlen(text));
    free(text);
    return RF_OK;
}

static rf_status decode_checked(rf_profile **out, const json_t *json) {
    uint32_t crc = 0;
    const json_t *said = json_object_get(json, "crc");
    if (!json_is_object(json)) return rf__fail(RF_EFORMAT, "is no JSON object");
    RF_TRY(checksum(json, &crc));
    if (!json_is_integer(said) || json_integer_value(said) != (json_int_t)crc) return rf__fail(RF_EFORMAT, "is damaged: its checksum is not that of its content");
    RF_TRY(rf__profile_decode(out, json));
    (*out)->crc = crc;
    return RF_OK;
}

rf_status rf__profile_read(rf_profile **out, const char *path) {
    uint8_t *bytes;
    size_t size;
    json_error_t error;
    *out = NULL;
    RF_TRY(rf__file_read(path, MOST_BYTES, &bytes, &size));
    json_t *json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &error);
    rf__free(bytes);
    rf_status status = json ? decode_checked(out, json) : rf__fail(RF_EFORMAT, "is damaged: %s", error.text);
    json_decref(json);
    return status == RF_OK ? RF_OK : rf__fail_in(status, "%s: ", path);
}

/* Whether both rest on the same measurements. */
static bool same_tables(const rf_profile *a, const rf_profile *b) {
    return a->steps == b->steps && a->walks == b->walks && memcmp(a->times, b->times, ((size_t)a->steps + 1) * sizeof *a->times) == 0 &&
           memcmp(a->error, b->error, rf__error_at(a->steps, 0) * sizeof *a->error) == 0;
}

/* Add to `ours` what others saved since we read. */
static void merge(rf_profile *ours, const rf_profile *theirs) {
    for (int b = 0; b < RF_BANDITS; b++) {
        rf_profile_bandit *mine = &ours->bandit[b];
        const rf_profile_bandit *saved = &theirs->bandit[b];
        int64_t walks = 0, jumps = 0;
        if (saved->tolerance <= 0) continue;
        if (mine->tolerance <= 0) mine->tolerance = saved->tolerance;
        if (saved->tolerance != mine->tolerance) continue; /* learned for another e_tol: ours replaces it */
        for (int i = 0; i < mine->rows * RF_PROFILE_ARMS; i++) {
            int64_t pulls = mine->arm[i].pulls - mine->base[i].pulls, reward = mine->arm[i].reward - mine->base[i].reward;
            jumps += pulls;
            mine->arm[i] = (rf_profile_arm){saved->arm[i].pulls + pulls, saved->arm[i].reward + reward};
            mine->base[i] = saved->arm[i];
        }
        walks = mine->walks - mine->saved_walks;
        mine->walks = saved->walks + walks;
        mine->saved_walks = saved->walks;
        mine->jumps = saved->jumps + jumps;
    }
}

/* What is in the file now is not added to it again. */
static void settle(rf_profile *profile) {
    for (int b = 0; b < RF_BANDITS; b++) {
        rf_profile_bandit *bandit = &profile->bandit[b];
        for (int i = 0; i < bandit->rows * RF_PROFILE_ARMS; i++) bandit->base[i] = bandit->arm[i];
        bandit->saved_walks = bandit->walks;
    }
}

static rf_status write_json(const rf_profile *profile, const char *path) {
    uint32_t crc = 0;
    json_t *json = rf__profile_json(profile);
    rf_status status = json ? checksum(json, &crc) : rf__fail(RF_ENOMEM, "no memory for a profile");
    if (status == RF_OK) json_object_set_new(json, "crc", json_integer((json_int_t)crc));
    char *text = status == RF_OK ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (status == RF_OK) status = text ? rf__file_write(path, text, strlen(text)) : rf__fail(RF_ENOMEM, "no memory for a profile");
    free(text);
    return status;
}

rf_status rf__profile_save(rf_profile *profile, const char *path) {
    char folder[4096];
    rf_profile *theirs = NULL;
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int lock;
    RF_TRY(rf__path_lock(&lock, folder, true)); /* not the file: it is replaced under the lock */
    /* A file that cannot be read, or is of another kind, is replaced. */
    if (rf__file_exists(path) && rf__profile_read(&theirs, path) == RF_OK && rf__profile_same(profile, &theirs->key, path) == RF_OK &&
        same_tables(profile, theirs))
        merge(profile, theirs);
    rf__profile_free(&theirs);
    rf_status status = write_json(profile, path);
    if (status == RF_OK) settle(profile);
    rf__path_unlock(&lock);
    return status;
}
