/* ladder.c - see ladder.h. Rungs run as processes of this program, so that one that fails or is stopped takes nothing with it. */
#include "ladder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "command.h"
#include "ladder_table.h"

enum { WORDS = 128, TEXT = 4096 };

bool rf__ladder_is(const json_t *file) { return json_is_array(json_object_get(file, "rungs")); }

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- what stands for what ---- */

static const json_t *rung_named(const rf_ladder *l, const char *name, size_t length) {
    for (size_t i = 0; i < json_array_size(l->rungs); i++) {
        const json_t *rung = json_array_get(l->rungs, i);
        const char *own = text_of(rung, "name");
        if (strlen(own) == length && !strncmp(own, name, length)) return rung;
    }
    return NULL;
}

static void product_of(const rf_ladder *l, const json_t *rung, char out[TEXT]) {
    if (*text_of(rung, "model")) snprintf(out, TEXT, "%s", text_of(rung, "model"));
    else snprintf(out, TEXT, "%s/%s%s", l->folder, text_of(rung, "name"), *text_of(rung, "pairs") ? ".pairs" : "/model.safetensors");
}

/* {NAME} replaced by what the rung made. */
static rf_status expand(const rf_ladder *l, const char *text, char out[TEXT]) {
    size_t used = 0;
    for (const char *p = text; *p; p++) {
        char made[TEXT];
        const char *piece = p;
        size_t length = 1, name = strcspn(p + 1, "}");
        if (*p == '{') {
            const json_t *rung = rung_named(l, p + 1, name);
            if (!rung || p[1 + name] != '}') return rf__fail(RF_EFORMAT, "%s: {%.*s} is not a rung", l->name, (int)name, p + 1);
            product_of(l, rung, made);
            piece = made;
            length = strlen(made);
            p += name + 1;
        }
        if (used + length >= TEXT) return rf__fail(RF_EFORMAT, "%s: \"%.60s...\" is too long", l->name, text);
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used] = 0;
    return RF_OK;
}

/* ---- running ---- */

/* text: the words of a command line; it is cut up. */
static rf_status run(const rf_ladder *l, const char *what, char *text) {
    char *words[WORDS + 1] = {(char *)"strait"}, *rest = NULL;
    int count = 1;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (count == WORDS) return rf__fail(RF_EFORMAT, "%s: %s has more than %d words", l->name, what, WORDS);
        words[count++] = word;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) return rf__fail(RF_EIO, "%s: no process for %s", l->name, what);
    if (child == 0) {
        execv("/proc/self/exe", words);
        _exit(127);
    }
    int state;
    pid_t ended;
    do ended = waitpid(child, &state, 0);
    while (ended < 0 && errno == EINTR); /* Ctrl-C reaches both: the child saves what it has */
    if (ended < 0 || !WIFEXITED(state)) return rf__fail(RF_EIO, "%s: %s ended without a word", l->name, what);
    if (WEXITSTATUS(state) == RF_EXIT_INTERRUPTED) return rf__fail(RF_EINTERRUPTED, "%s: interrupted in %s; the same command goes on", l->name, what);
    if (WEXITSTATUS(state)) return rf__fail(RF_EIO, "%s: %s failed (see above); the same command goes on from there", l->name, what);
    return RF_OK;
}

/* Whether this was done before, by the same words; RF_EMISMATCH: by others. words are kept beside the report. */
static rf_status done_before(const rf_ladder *l, const char *what, const char *words, bool *done) {
    char path[TEXT], report[TEXT];
    uint8_t *old = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s.words", l->folder, what);
    snprintf(report, sizeof report, "%s/%s.json", l->folder, what);
    *done = rf__file_exists(report);
    if (!rf__file_exists(path)) return rf__file_write(path, words, strlen(words));
    RF_TRY(rf__file_read(path, 1 << 20, &old, &size));
    bool same = size == strlen(words) && !memcmp(old, words, size);
    rf__free(old);
    if (same) return RF_OK;
    return rf__fail(RF_EMISMATCH, "%s: %s was begun with other words, which are in %s, expected \"%.200s\"; remove its files to make it anew", l->name, what, path,
                    words);
}

static rf_status step(const rf_ladder *l, const char *what, const char *words) {
    bool done;
    char all[5 * TEXT];
    RF_TRY(done_before(l, what, words, &done));
    if (done) return RF_OK;
    rf__info("%s: strait %s", what, words);
    snprintf(all, sizeof all, "%s -q -t %d --json %s/%s.json", words, l->threads, l->folder, what);
    return run(l, what, all);
}

static rf_status make(const rf_ladder *l, const json_t *rung) {
    char words[TEXT], whole[2 * TEXT];
    const char *name = text_of(rung, "name"), *train = text_of(rung, "train"), *pairs = text_of(rung, "pairs");
    if (*text_of(rung, "model")) return RF_OK;
    RF_TRY(expand(l, *train ? train : pairs, words));
    if (*train) snprintf(whole, sizeof whole, "train %s --resume -o %s/%s", words, l->folder, name);
    else snprintf(whole, sizeof whole, "pairs %s -o %s/%s.pairs", words, l->folder, name);
    return step(l, name, whole);
}

static rf_status judge(const rf_ladder *l, const json_t *rung) {
    const char *name = text_of(rung, "name"), *as = text_of(rung, "judge");
    const json_t *steps = json_object_get(l->evaluate, "steps");
    char model[TEXT], how[TEXT], words[2 * TEXT + 64], what[256];
    if (!*text_of(l->evaluate, "run") || *text_of(rung, "pairs") || !strcmp(as, "none")) return RF_OK;
    if (*as) RF_TRY(expand(l, as, model));
    else product_of(l, rung, model);
    RF_TRY(expand(l, text_of(l->evaluate, "run"), how));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        long long n = (long long)json_integer_value(json_array_get(steps, i));
        snprintf(words, sizeof words, "eval %s %s --steps %lld", model, how, n);
        snprintf(what, sizeof what, "%s-eval-%lld", name, n);
        RF_TRY(step(l, what, words));
    }
    return RF_OK;
}

/* ---- the file ---- */

/* steps: whole numbers; run: the flags of an eval; number: the key of its report that the table shows. */
static rf_status check_evaluate(const rf_ladder *l) {
    const json_t *steps = json_object_get(l->evaluate, "steps");
    const char *key;
    json_t *value;
    if (!l->evaluate) return RF_OK;
    json_object_foreach((json_t *)l->evaluate, key, value)
        if (strcmp(key, "run") && strcmp(key, "steps") && strcmp(key, "number"))
            return rf__fail(RF_EFORMAT, "%s: evaluate has %.40s, expected run, steps, number", l->name, key);
    if (!*text_of(l->evaluate, "run") || !json_is_array(steps) || json_array_size(steps) == 0)
        return rf__fail(RF_EFORMAT, "%s: evaluate has no %s", l->name, *text_of(l->evaluate, "run") ? "steps, expected a list of whole numbers" : "run, expected the flags of strait eval");
    for (size_t i = 0; i < json_array_size(steps); i++)
        if (json_integer_value(json_array_get(steps, i)) < 1) return rf__fail(RF_EFORMAT, "%s: number %zu of evaluate.steps is none from 1 on", l->name, i + 1);
    return RF_OK;
}

static rf_status check(const rf_ladder *l) {
    if (json_array_size(l->rungs) == 0) return rf__fail(RF_EFORMAT, "%s: rungs is empty, expected a list of them", l->name);
    RF_TRY(check_evaluate(l));
    for (size_t i = 0; i < json_array_size(l->rungs); i++) {
        const json_t *rung = json_array_get(l->rungs, i);
        const char *name = text_of(rung, "name"), *key;
        json_t *value;
        int makes = (*text_of(rung, "model") != 0) + (*text_of(rung, "pairs") != 0) + (*text_of(rung, "train") != 0);
        if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+") != strlen(name) || makes != 1)
            return rf__fail(RF_EFORMAT, "%s: rung %zu is \"%.40s\", expected a name of letters and digits and one of model, pairs, train", l->name, i + 1, name);
        json_object_foreach((json_t *)rung, key, value)
            if (strcmp(key, "name") && strcmp(key, "model") && strcmp(key, "pairs") && strcmp(key, "train") && strcmp(key, "judge"))
                return rf__fail(RF_EFORMAT, "%s: rung %s has %.40s, expected name, model, pairs, train, judge", l->name, name, key);
        if (!strcmp(name, "ladder")) return rf__fail(RF_EFORMAT, "%s: a rung is named ladder, which the table is, expected another name", l->name);
        if (rung_named(l, name, strlen(name)) != rung) return rf__fail(RF_EFORMAT, "%s: two rungs are named %s", l->name, name);
        char text[TEXT];
        RF_TRY(expand(l, *text_of(rung, "train") ? text_of(rung, "train") : text_of(rung, "pairs"), text)); /* before anything is made */
        RF_TRY(expand(l, !strcmp(text_of(rung, "judge"), "none") ? "" : text_of(rung, "judge"), text));
    }
    return RF_OK;
}

rf_status rf__ladder_check(const json_t *ladder, const char *name) {
    const rf_ladder l = {.name = name, .folder = "", .rungs = json_object_get(ladder, "rungs"), .evaluate = json_object_get(ladder, "evaluate")};
    return check(&l);
}

rf_status rf__ladder_run(const json_t *ladder, const char *name, const char *folder, int threads) {
    const rf_ladder l = {.name = name, .folder = folder, .rungs = json_object_get(ladder, "rungs"), .evaluate = json_object_get(ladder, "evaluate"),
                         .threads = threads};
    RF_TRY(check(&l));
    if (strchr(folder, ' ')) return rf__fail(RF_EINVAL, "-o is \"%s\", expected a folder without blanks: the rungs' commands are parted by them", folder);
    RF_TRY(rf__make_dirs(folder));
    for (size_t i = 0; i < json_array_size(l.rungs); i++) {
        RF_TRY(make(&l, json_array_get(l.rungs, i)));
        RF_TRY(judge(&l, json_array_get(l.rungs, i)));
        RF_TRY(rf__ladder_table(&l)); /* so far */
    }
    return rf__ladder_print(&l);
}
