/* args.h - the options of a command come from one table: parser (argp), aliases, defaults, range checks, help
 * and the keys of request files. An error is one sentence that names the flag, the value and what was
 * expected; the program then exits with 2. */
#ifndef RF_CLI_ARGS_H
#define RF_CLI_ARGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum rf_arg_type {
    RF_ARG_FLAG,   /* bool: no value, sets true */
    RF_ARG_INT,    /* int64_t */
    RF_ARG_FLOAT,  /* double */
    RF_ARG_STRING, /* const char *, borrowed from argv; NULL when not given and without default */
    RF_ARG_OUTPUT, /* the same, a file that is written: none that another option or argument names */
    RF_ARG_CHOICE, /* const char *: one of `choices` (the entry itself) */
    RF_ARG_INTS,   /* rf_arg_list of whole numbers, "3,5" */
    RF_ARG_FLOATS, /* rf_arg_list */
} rf_arg_type;

typedef struct rf_arg_list {
    int count;
    double *at;
} rf_arg_list; /* owned: rf__args_fini */
typedef struct rf_arg_rest {
    int count;
    char **at;
} rf_arg_rest; /* positional arguments: texts borrowed from argv, free(at) */

/* A table ends with an entry whose name is NULL. */
typedef struct rf_arg {
    const char *name;    /* "batch-size" */
    char key;            /* short letter, 0: none */
    const char *aliases; /* other long names, separated by one space; NULL: none */
    rf_arg_type type;
    size_t offset;              /* of the value in the settings struct */
    const char *preset;         /* default as text, parsed like a value; NULL: zero */
    double min, max;            /* of a number or each list item; both 0: any */
    const char *const *choices; /* NULL-terminated, for CHOICE */
    const char *value;          /* name of the value in help: "N", "FILE" */
    const char *help;
    const char *needs; /* options of which one must be given with it, or have a value, as "grid" or "guidance=endpoint guidance=onetime"; NULL: none */
} rf_arg;

/* What every command takes. */
typedef struct rf_common {
    const char *json; /* --json FILE|-, NULL: none */
    bool quiet, verbose, help;
} rf_common;
extern const rf_arg rf__common_args[]; /* of an rf_common */

typedef struct rf_args {
    const char *command;                /* "generate" */
    const char *summary;                /* first line of help */
    const char *positional;             /* "FILE.png", "RECIPE.yaml [KEY=VALUE...]"; NULL: none are taken */
    int positional_min, positional_max; /* max -1: any number */
    const rf_arg *table;
    const char *examples;
} rf_args;

/* Fill `settings` with the defaults, then with argv. Sets the log level from -q and -v. Does not return after
 * --help (exit 0) or a usage error (exit 2). rest: may be NULL when spec->positional is. */
void rf__args_parse(const rf_args *spec, int argc, char **argv, void *settings, rf_common *common,
                    rf_arg_rest *rest);
/* What --help prints: usage, summary, options, examples. */
void rf__args_help(const rf_args *spec, FILE *stream);
/* The word at *rest, not ended by a zero byte, its length, and *rest moved behind it; NULL after the last. Words are separated by one space. */
const char *rf__args_word(const char **rest, size_t *length);
/* What stands for the value in help; NULL: it takes none. */
const char *rf__args_value_name(const rf_arg *arg);
/* Frees the lists. */
void rf__args_fini(const rf_arg *table, void *settings);

/* Fill with the defaults alone. */
void rf__args_defaults(const rf_arg *table, void *settings);
/* The entry with this long name or alias; '_' counts as '-'. NULL when there is none. */
const rf_arg *rf__args_find(const rf_arg *table, const char *name);
/* Parse one value into settings. On failure returns false and writes a sentence that starts with `label`
 * ("--steps"). */
bool rf__args_set(const rf_arg *arg, void *settings, const char *text, const char *label, char *error,
                  size_t error_size);

#endif
