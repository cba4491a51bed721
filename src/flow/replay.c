/* replay.c - see replay.h. */
#include "replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/number.h"

static bool wanted(const rf_replay *replay, int block) {
    return block >= replay->first_block && (replay->last_block < 0 || block <= replay->last_block);
}

static rf_feature_key key_of(const rf_replay *replay, int block, int tensor) {
    return (rf_feature_key){.interval = replay->interval, .inside = replay->inside, .block = block, .tensor = tensor};
}

static void record(void *self, int block, int64_t tokens, int64_t width, const float *own) {
    rf_replay *replay = self;
    for (int k = 0; k < 3 && wanted(replay, block); k++)
        if (replay->rule.mix[k] != 0) rf__feature_store_put(replay->store, key_of(replay, block, k), tokens, width, 3 * width, own + k * width);
}

static void inject(void *self, int block, int64_t tokens, int64_t width, float *given, float keep[3], float mix[3]) {
    rf_replay *replay = self;
    for (int k = 0; k < 3 && wanted(replay, block); k++) {
        if (replay->rule.mix[k] == 0) continue;
        if (!rf__feature_store_get(replay->store, key_of(replay, block, k), tokens, width, 3 * width, given + k * width)) continue;
        keep[k] = replay->rule.keep[k];
        mix[k] = replay->rule.mix[k];
    }
}

const rf_hook *rf__replay_at(rf_replay *replay, const rf_job *job, const rf_request *ask) {
    bool forward = job->grid[job->steps] > job->grid[0];
    replay->interval = forward ? job->position : job->steps - 1 - job->position;
    replay->inside = !ask->on_path;
    if (replay->interval >= replay->inject) return NULL;
    replay->hook = (rf_hook){.self = replay, .before = replay->record ? NULL : inject, .after = replay->record ? record : NULL};
    return &replay->hook;
}

/* "OPERATION_TENSOR[:STRENGTH]" */
static rf_status parse_part(rf_replay_rule *rule, const char *part, size_t length) {
    char text[64];
    if (length < sizeof text) {
        memcpy(text, part, length);
        text[length] = 0;
        char *colon = strchr(text, ':'), *end = NULL, *under;
        double strength = colon ? rf__number_read(colon + 1, &end) : 1;
        bool number = !colon || (end != colon + 1 && !*end && isfinite(strength));
        if (colon) *colon = 0;
        under = strchr(text, '_');
        const char *tensors = "qkv", *tensor = under && under[1] && !under[2] ? strchr(tensors, under[1]) : NULL;
        if (under) *under = 0;
        bool replace = !strcmp(text, "replace"), adds = !strcmp(text, "add");
        if (number && tensor && (replace || adds)) {
            rule->keep[tensor - tensors] = replace ? (float)(1 - strength) : 1;
            rule->mix[tensor - tensors] = (float)strength;
            return RF_OK;
        }
    }
    return rf__fail(RF_EINVAL, "injection is '%.*s', expected replace_v, add_q, replace_k:0.5 or the like, joined by +", (int)length, part);
}

rf_status rf__replay_rule_parse(rf_replay_rule *out, const char *text) {
    *out = (rf_replay_rule){.keep = {1, 1, 1}};
    for (const char *part = text;;) {
        size_t length = strcspn(part, "+");
        RF_TRY(parse_part(out, part, length));
        part += length;
        if (!*part) return RF_OK;
        part++;
    }
}
