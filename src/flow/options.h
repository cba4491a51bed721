/* options.h - the settings of plug-ins (solvers, policies) as a table of numbers, so that a new entry brings its own and nobody
 * else learns their names. Times and tolerances are numbers, switches are 0 or 1, a choice is the index of its name. */
#ifndef RF_FLOW_OPTIONS_H
#define RF_FLOW_OPTIONS_H
#include "../base/status.h"

#define RF_MAX_OPTIONS 16

/* A table ends with an entry whose name is NULL; a plug-in without options has the table NULL. */
typedef struct rf_option {
    const char *name;
    double preset, min, max;    /* min and max ignored when there are choices */
    const char *const *choices; /* NULL-terminated; NULL: a number */
    const char *help;
    bool whole;                 /* only whole numbers mean something */
} rf_option;

/* Values in the order of the table. */
typedef struct rf_options {
    double at[RF_MAX_OPTIONS];
} rf_options;

rf_options rf__options_defaults(const rf_option *table);
/* values NULL: the default. */
double rf__option(const rf_option *table, const rf_options *values, int index);
/* "name=value". owner: the plug-in, for the sentence. errors: RF_EINVAL: unknown name, not a number, out of range; *values is then
 * unchanged. */
rf_status rf__options_set(const rf_option *table, rf_options *values, const char *owner, const char *text);
/* The same for a list "a=1,b=2"; starts from the defaults. text NULL or empty: the defaults. */
rf_status rf__options_parse(const rf_option *table, rf_options *values, const char *owner, const char *text);
/* The list of all entries, such that rf__options_parse reads the same numbers; "" without options. */
void rf__options_text(const rf_option *table, const rf_options *values, char *out, size_t size);
/* "name=value" of entry `index`, such that rf__options_set reads the same number. */
void rf__options_print(const rf_option *table, const rf_options *values, int index, char *out, size_t size);

#endif
