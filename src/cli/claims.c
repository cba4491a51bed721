/* claims.c - see claims.h. */
#include "claims.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "outpath.h"

struct rf_claim {
    char *folder, *name; /* without links and dots; name: of a file, or a pattern when `numbers` is not 0 */
    char who[80];
    int64_t numbers;
    bool written;
};

/* ---- one file under many names ---- */

static bool is_device(const char *path) {
    struct stat info;
    return strcmp(path, "-") == 0 || (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
}

/* The folder and the name of what `path` leads to. false: no memory. */
static bool locate(const char *path, char **folder, char **name) {
    char whole[PATH_MAX], where[PATH_MAX];
    const char *leads = realpath(path, whole) ? whole : path, *slash = strrchr(leads, '/');
    char *before = slash ? strndup(leads, (size_t)(slash - leads) + 1) : strdup("./");
    *folder = before ? strdup(realpath(before, where) ? where : before) : NULL;
    *name = strdup(slash ? slash + 1 : leads);
    free(before);
    return *folder && *name;
}

bool rf__same_file(const char *a, const char *b) {
    struct stat one, other;
    const bool first = stat(a, &one) == 0, second = stat(b, &other) == 0;
    if (is_device(a) || is_device(b) || first != second) return false;
    if (first) return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
    char *folder[2] = {NULL}, *name[2] = {NULL};
    bool same = locate(a, &folder[0], &name[0]) && locate(b, &folder[1], &name[1]) && !strcmp(folder[0], folder[1]) && !strcmp(name[0], name[1]);
    for (int i = 0; i < 2; i++) free(folder[i]), free(name[i]);
    return same;
}

/* ---- claims ---- */

/* Whether a picture of the pattern is called that: its number stands where the pattern has its conversion. */
static bool makes(const rf_claim *pattern, const char *name) {
    const size_t before = strcspn(pattern->name, "%");
    if (strncmp(pattern->name, name, before)) return false;
    const long long k = strtoll(name + before, NULL, 10);
    char *made = k >= 0 && k < pattern->numbers ? rf__outpath_name(pattern->name, k) : NULL;
    const bool same = made && !strcmp(made, name);
    free(made);
    return same;
}

static bool meet(const rf_claim *a, const rf_claim *b) {
    if (strcmp(a->folder, b->folder)) return false;
    if (a->numbers && !b->numbers) return makes(a, b->name);
    if (b->numbers && !a->numbers) return makes(b, a->name);
    return !strcmp(a->name, b->name);
}

static void drop(rf_claim *claim) {
    free(claim->folder);
    free(claim->name);
}

static rf_status add(rf_claims *claims, rf_claim *one) {
    for (int i = 0; i < claims->count; i++) {
        const rf_claim *other = &claims->at[i];
        if ((!one->written && !other->written) || !meet(one, other)) continue;
        return rf__fail(RF_EINVAL, "%s: output is %.200s, which %s names too, expected another file", one->who, one->name, other->who);
    }
    if (claims->count == claims->room) {
        const int room = claims->room ? 2 * claims->room : 16;
        rf_claim *wider = realloc(claims->at, (size_t)room * sizeof *wider);
        if (!wider) return rf__fail(RF_ENOMEM, "no memory for the names of files");
        claims->at = wider;
        claims->room = room;
    }
    claims->at[claims->count++] = *one;
    return RF_OK;
}

static rf_status claim(rf_claims *claims, const char *path, int64_t numbers, bool written, const char *who) {
    if (!path || is_device(path)) return RF_OK;
    rf_claim one = {.numbers = numbers, .written = written};
    snprintf(one.who, sizeof one.who, "%s", who);
    rf_status status = locate(path, &one.folder, &one.name) ? add(claims, &one) : rf__fail(RF_ENOMEM, "no memory for the names of files");
    if (status != RF_OK) drop(&one);
    return status;
}

rf_status rf__claims_read(rf_claims *claims, const char *path, const char *who) { return claim(claims, path, 0, false, who); }

rf_status rf__claims_write(rf_claims *claims, const char *pattern, int64_t count, const char *who) {
    char *first = pattern ? rf__outpath_name(pattern, 0) : NULL, *second = pattern ? rf__outpath_name(pattern, 1) : NULL;
    const bool numbered = first && second && strcmp(first, second);
    rf_status status = claim(claims, numbered ? pattern : first, numbered ? count : 0, true, who);
    free(first);
    free(second);
    return status;
}

void rf__claims_fini(rf_claims *claims) {
    for (int i = 0; i < claims->count; i++) drop(&claims->at[i]);
    free(claims->at);
    *claims = (rf_claims){0};
}
