/* profile_fuzz.c - any JSON as a profile of skipping; what is accepted must come out as it went in. */
#include <stdlib.h>

#include "flow/policies/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rf_profile *profile, *again;
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL); /* past the checksum, which nobody would guess */
    if (json && rf__profile_decode(&profile, json) == RF_OK) {
        json_t *out = rf__profile_json(profile);
        if (rf__profile_decode(&again, out) != RF_OK) abort();
        json_t *twice = rf__profile_json(again);
        if (!json_equal(out, twice)) abort();
        json_decref(out);
        json_decref(twice);
        rf__profile_free(&again);
        rf__profile_free(&profile);
    }
    json_decref(json);
    return 0;
}
