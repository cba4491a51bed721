/* args_files.c - see args_files.h. */
#include "args_files.h"

#include <stdio.h>

#include "claims.h"

typedef struct named {
    const char *path, *option; /* option "": a positional argument */
} named;

static bool clashes(named written, named other, char *error, size_t size) {
    if (!other.path || !rf__same_file(written.path, other.path)) return false;
    snprintf(error, size, "--%s is %.200s, which %s%s names too, expected another file", written.option, written.path, *other.option ? "--" : "an argument",
             other.option);
    return true;
}

static const char *text_of(const rf_arg *arg, const void *settings) {
    bool text = arg->type == RF_ARG_STRING || arg->type == RF_ARG_OUTPUT;
    return text ? *(const char *const *)((const char *)settings + arg->offset) : NULL;
}

/* Whether something in `table` other than the option itself names what is written. */
static bool table_names(const rf_arg *table, const void *settings, named written, char *error, size_t size) {
    for (const rf_arg *arg = table; arg->name; arg++)
        if (arg->name != written.option && clashes(written, (named){text_of(arg, settings), arg->name}, error, size)) return true;
    return false;
}

bool rf__args_clash(const rf_args *spec, const void *settings, const rf_common *common, const rf_arg_rest *rest, char *error, size_t error_size) {
    const struct {
        const rf_arg *table;
        const void *settings;
    } all[] = {{spec->table, settings}, {rf__common_args, common}};
    for (int k = 0; k < 2; k++)
        for (const rf_arg *out = all[k].table; out->name; out++) {
            const named written = {text_of(out, all[k].settings), out->name};
            if (out->type != RF_ARG_OUTPUT || !written.path) continue;
            for (int i = 0; i < 2; i++)
                if (table_names(all[i].table, all[i].settings, written, error, error_size)) return true;
            for (int i = 0; rest && i < rest->count; i++)
                if (clashes(written, (named){rest->at[i], ""}, error, error_size)) return true;
        }
    return false;
}
