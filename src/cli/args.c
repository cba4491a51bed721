/* args.c - one options table feeds argp, the value checks and the help text (args_help.c). */
#include "args.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "args_files.h"
#include "command.h"

/* argp keys of options without a short letter. */
enum { KEY_TABLE = 0x1000, KEY_COMMON = 0x2000, MOST_GIVEN = 0x1000 };

const rf_arg rf__common_args[] = {
    {"json", 0, NULL, RF_ARG_OUTPUT, offsetof(rf_common, json), .value = "FILE", .help = "write a JSON report to FILE, - is standard output"},
    {"quiet", 'q', NULL, RF_ARG_FLAG, offsetof(rf_common, quiet), .help = "errors only"},
    {"verbose", 'v', NULL, RF_ARG_FLAG, offsetof(rf_common, verbose), .help = "more detail on standard error"},
    {"help", 'h', NULL, RF_ARG_FLAG, offsetof(rf_common, help), .help = "this list"},
    {NULL},
};

const char *rf__args_word(const char **rest, size_t *length) {
    const char *word = *rest;
    if (!word || !*word) return NULL;
    *length = strcspn(word, " ");
    *rest = word + *length + (word[*length] == ' ');
    return word;
}

const char *rf__args_value_name(const rf_arg *arg) { return arg->type == RF_ARG_FLAG ? NULL : arg->value ? arg->value : "VALUE"; }

/* ---- values ---- */
static void expected(const rf_arg *arg, char *text, size_t size) {
    bool bounded = arg->min != 0 || arg->max != 0;
    bool whole = arg->type == RF_ARG_INT || arg->type == RF_ARG_INTS;
    const char *what = whole ? "a whole number" : "a number";
    if (arg->type == RF_ARG_INTS || arg->type == RF_ARG_FLOATS)
        what = whole ? "whole numbers separated by commas" : "numbers separated by commas";
    if (bounded && isinf(arg->max))
        snprintf(text, size, "%s of at least %.12g", what, arg->min);
    else if (bounded)
        snprintf(text, size, "%s from %.12g to %.12g", what, arg->min, arg->max);
    else
        snprintf(text, size, "%s", what);
}

static bool in_range(const rf_arg *arg, double value) {
    return (arg->min == 0 && arg->max == 0) || (value >= arg->min && value <= arg->max);
}

static bool parse_int(const rf_arg *arg, const char *text, int64_t *out) {
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || !in_range(arg, (double)value)) return false;
    *out = value;
    return true;
}

static bool parse_number(const rf_arg *arg, const char *text, char **end, double *out) {
    errno = 0;
    *out = strtod(text, end);
    bool whole = arg->type == RF_ARG_INTS;
    return !errno && *end != text && isfinite(*out) && in_range(arg, *out) && (!whole || *out == rint(*out));
}

static bool parse_list(const rf_arg *arg, const char *text, rf_arg_list *out) {
    int count = 1;
    for (const char *c = text; *c; c++) count += *c == ',';
    double *at = calloc((size_t)count, sizeof *at);
    if (!at) return false;
    const char *cursor = text;
    for (int i = 0; i < count; i++) {
        char *end = NULL;
        if (!parse_number(arg, cursor, &end, &at[i]) || *end != (i + 1 < count ? ',' : '\0')) {
            free(at);
            return false;
        }
        cursor = end + 1;
    }
    free(out->at);
    *out = (rf_arg_list){count, at};
    return true;
}

static bool parse_choice(const rf_arg *arg, const char *text, const char **out) {
    for (int i = 0; arg->choices[i]; i++)
        if (strcmp(arg->choices[i], text) == 0) {
            *out = arg->choices[i];
            return true;
        }
    return false;
}

static void list_choices(const rf_arg *arg, char *text, size_t size) {
    size_t used = 0;
    for (int i = 0; arg->choices[i] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", arg->choices[i]);
}

bool rf__args_set(const rf_arg *arg, void *settings, const char *text, const char *label, char *error,
                  size_t error_size) {
    void *place = (char *)settings + arg->offset;
    char wanted[400] = "";
    bool good = true;
    switch (arg->type) {
    case RF_ARG_FLAG:
        good = strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
        if (good) *(bool *)place = text[0] == 't';
        snprintf(wanted, sizeof wanted, "true or false");
        break;
    case RF_ARG_INT:
        good = parse_int(arg, text, place);
        break;
    case RF_ARG_FLOAT: {
        char *end = NULL;
        double value;
        good = parse_number(arg, text, &end, &value) && *end == '\0';
        if (good) *(double *)place = value;
        break;
    }
    case RF_ARG_STRING:
    case RF_ARG_OUTPUT:
        good = text[0] != '\0';
        if (good) *(const char **)place = text;
        snprintf(wanted, sizeof wanted, "%s", arg->value ? arg->value : "a text");
        break;
    case RF_ARG_CHOICE:
        good = parse_choice(arg, text, place);
        snprintf(wanted, sizeof wanted, "one of ");
        list_choices(arg, wanted + 7, sizeof wanted - 7);
        break;
    case RF_ARG_INTS:
    case RF_ARG_FLOATS:
        good = parse_list(arg, text, place);
        break;
    }
    if (good) return true;
    if (!wanted[0]) expected(arg, wanted, sizeof wanted);
    snprintf(error, error_size, "%s is %.80s, expected %s", label, text[0] ? text : "empty", wanted);
    return false;
}

static size_t value_size(rf_arg_type type) {
    switch (type) {
    case RF_ARG_FLAG: return sizeof(bool);
    case RF_ARG_INT: return sizeof(int64_t);
    case RF_ARG_FLOAT: return sizeof(double);
    case RF_ARG_STRING:
    case RF_ARG_OUTPUT:
    case RF_ARG_CHOICE: return sizeof(const char *);
    case RF_ARG_INTS:
    case RF_ARG_FLOATS: break;
    }
    return sizeof(rf_arg_list);
}

void rf__args_defaults(const rf_arg *table, void *settings) {
    char error[600];
    for (const rf_arg *arg = table; arg->name; arg++) {
        memset((char *)settings + arg->offset, 0, value_size(arg->type));
        if (!arg->preset || rf__args_set(arg, settings, arg->preset, arg->name, error, sizeof error))
            continue;
        fprintf(stderr, "strait: default of %s\n", error); /* a mistake in our own table: seen by every run */
        exit(RF_EXIT_FAILED);
    }
}

void rf__args_fini(const rf_arg *table, void *settings) {
    for (const rf_arg *arg = table; arg->name; arg++) {
        if (arg->type != RF_ARG_INTS && arg->type != RF_ARG_FLOATS) continue;
        rf_arg_list *list = (rf_arg_list *)((char *)settings + arg->offset);
        free(list->at);
        *list = (rf_arg_list){0, NULL};
    }
}

static bool same_name(const char *name, size_t length, const char *other) {
    if (strlen(other) != length) return false;
    for (size_t i = 0; i < length; i++)
        if ((name[i] == '_' ? '-' : name[i]) != (other[i] == '_' ? '-' : other[i])) return false;
    return true;
}

const rf_arg *rf__args_find(const rf_arg *table, const char *name) {
    for (const rf_arg *arg = table; arg->name; arg++) {
        if (same_name(arg->name, strlen(arg->name), name)) return arg;
        size_t length;
        for (const char *rest = arg->aliases, *alias; (alias = rf__args_word(&rest, &length));)
            if (same_name(alias, length, name)) return arg;
    }
    return NULL;
}

/* ---- argp ---- */
typedef struct parse_state {
    const rf_args *spec;
    void *settings;
    rf_common *common;
    rf_arg_rest *rest;
    struct argp_option *options;
    bool given[MOST_GIVEN]; /* by entry of the table */
} parse_state;

static int count_names(const rf_arg *table) {
    int count = 0;
    size_t length;
    for (const rf_arg *arg = table; arg->name; arg++) {
        count++;
        for (const char *rest = arg->aliases; rf__args_word(&rest, &length);) count++;
    }
    return count;
}

/* argp wants one entry a name; aliases follow their option. */
static struct argp_option *add_options(struct argp_option *next, const rf_arg *table, int first_key) {
    for (int i = 0; table[i].name; i++) {
        const rf_arg *arg = &table[i];
        *next++ = (struct argp_option){.name = arg->name, .key = arg->key ? arg->key : first_key + i, .arg = rf__args_value_name(arg)};
        size_t length;
        for (const char *rest = arg->aliases, *alias; next[-1].name && (alias = rf__args_word(&rest, &length)); next++)
            *next = (struct argp_option){.name = strndup(alias, length), .flags = OPTION_ALIAS};
        if (next[-1].name) continue;
        fprintf(stderr, "strait: out of memory\n");
        exit(RF_EXIT_FAILED);
    }
    return next;
}

static void free_options(struct argp_option *options) {
    for (struct argp_option *option = options; option && option->key + option->flags; option++)
        if (option->flags & OPTION_ALIAS) free((char *)option->name);
    free(options);
}

static const rf_arg *entry_of_key(const rf_arg *table, int first_key, int key) {
    for (int i = 0; table[i].name; i++)
        if (key == (table[i].key ? table[i].key : first_key + i)) return &table[i];
    return NULL;
}

static void usage_exit(const parse_state *state, const char *sentence) {
    exit(rf__cli_usage(state->spec->command, "%s", sentence));
}

static void take_option(parse_state *state, const rf_arg *arg, void *settings, const char *text) {
    char label[80], error[600];
    snprintf(label, sizeof label, "--%s", arg->name);
    if (!rf__args_set(arg, settings, text ? text : "true", label, error, sizeof error))
        usage_exit(state, error);
}

/* At once, so that help comes even before a mistake that follows. */
static void obey(const parse_state *state) {
    const rf_common *common = state->common;
    if (common->help) {
        rf__args_help(state->spec, stdout);
        exit(fflush(stdout) == 0 ? RF_EXIT_DONE : RF_EXIT_FAILED);
    }
    if (common->verbose || common->quiet) rf__log_set_level(common->quiet ? RF_LOG_QUIET : RF_LOG_DEBUG);
}

static void take_positional(parse_state *state, char *text) {
    const rf_args *spec = state->spec;
    char error[400];
    if (!spec->positional || !state->rest) {
        snprintf(error, sizeof error, "'%.80s' is not an option, and this command takes no other arguments",
                 text);
        usage_exit(state, error);
    }
    if (spec->positional_max >= 0 && state->rest->count >= spec->positional_max) {
        snprintf(error, sizeof error, "'%.80s' is one argument too many, expected %s", text,
                 spec->positional);
        usage_exit(state, error);
    }
    state->rest->at[state->rest->count++] = text;
}

static error_t parse_one(int key, char *text, struct argp_state *argp) {
    parse_state *state = argp->input;
    const rf_arg *arg = entry_of_key(state->spec->table, KEY_TABLE, key);
    if (arg) {
        take_option(state, arg, state->settings, text);
        state->given[arg - state->spec->table] = true;
        return 0;
    }
    arg = entry_of_key(rf__common_args, KEY_COMMON, key);
    if (arg) {
        take_option(state, arg, state->common, text);
        obey(state);
        return 0;
    }
    switch (key) {
    case ARGP_KEY_INIT:
        argp->err_stream = NULL; /* getopt says the sentence; no second line after it */
        return 0;
    case ARGP_KEY_ARG:
        take_positional(state, text);
        return 0;
    case ARGP_KEY_END:
        if (state->rest && state->rest->count < state->spec->positional_min) {
            char error[400];
            snprintf(error, sizeof error, "an argument is missing, expected %s", state->spec->positional);
            usage_exit(state, error);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Whether a word of `needs`, "grid" or "strategy=rf_inversion", is so; *known: the command has such an option. */
static bool met(const parse_state *state, const char *word, size_t length, bool *known) {
    const char *sign = memchr(word, '=', length);
    const size_t name = sign ? (size_t)(sign - word) : length;
    const rf_arg *arg = state->spec->table;
    while (arg->name && !same_name(word, name, arg->name)) arg++;
    *known = arg->name != NULL;
    if (!*known || !sign) return *known && state->given[arg - state->spec->table];
    const char *chosen = *(const char *const *)((const char *)state->settings + arg->offset);
    return chosen && strlen(chosen) == length - name - 1 && strncmp(chosen, sign + 1, length - name - 1) == 0;
}

/* An option that nothing reads is a mistake of the one who gave it. */
static void check_needs(const parse_state *state) {
    for (const rf_arg *arg = state->spec->table; arg->name; arg++) {
        if (!arg->needs || !state->given[arg - state->spec->table]) continue;
        char error[600];
        int used = snprintf(error, sizeof error, "--%s is given, and nothing reads it without", arg->name);
        bool read = false, known;
        size_t length;
        const char *word, *sign = " --";
        for (const char *rest = arg->needs; !read && (word = rf__args_word(&rest, &length));) {
            read = met(state, word, length, &known);
            if (known) used += snprintf(error + used, sizeof error - (size_t)used, "%s%.*s", sign, (int)length, word), sign = " or --";
        }
        if (!read) usage_exit(state, error);
    }
}

void rf__args_parse(const rf_args *spec, int argc, char **argv, void *settings, rf_common *common,
                    rf_arg_rest *rest) {
    parse_state state = {.spec = spec, .settings = settings, .common = common, .rest = rest};
    char *name = NULL;
    rf__args_defaults(spec->table, settings);
    rf__args_defaults(rf__common_args, common);
    if (rest) {
        rest->count = 0;
        rest->at = calloc((size_t)argc + 1, sizeof *rest->at);
    }
    state.options = calloc((size_t)(count_names(spec->table) + count_names(rf__common_args)) + 1, sizeof *state.options);
    if ((rest && !rest->at) || !state.options || asprintf(&name, "strait %s", spec->command) < 0) {
        fprintf(stderr, "strait %s: out of memory\n", spec->command);
        exit(RF_EXIT_FAILED);
    }
    add_options(add_options(state.options, spec->table, KEY_TABLE), rf__common_args, KEY_COMMON);
    struct argp argp = {.options = state.options, .parser = parse_one};
    char *own_name = argv[0];
    argv[0] = name; /* argp names the program by it */
    if (argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &state) != 0) exit(RF_EXIT_USAGE);
    argv[0] = own_name;
    check_needs(&state);
    char error[600];
    if (rf__args_clash(spec, settings, common, rest, error, sizeof error)) usage_exit(&state, error);
    free_options(state.options);
    free(name);
}
