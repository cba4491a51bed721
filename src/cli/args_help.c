/* args_help.c - `strait COMMAND --help` from the options table. Not argp's own: glibc's loses its place on a line when its buffer is emptied inside one,
 * and then begins an option in column 35. */
#include <stdio.h>
#include <string.h>

#include "args.h"

enum { TEXT_COLUMN = 29, WIDTH = 100 };

static void pad(FILE *stream, int *column, int to) {
    for (; *column < to; ++*column) fputc(' ', stream);
}

/* Words of `text` from TEXT_COLUMN on; `column` is where the line is. */
static void put_words(FILE *stream, const char *text, int *column) {
    size_t length;
    for (const char *word; (word = rf__args_word(&text, &length));) {
        if (*column > TEXT_COLUMN && *column + 1 + (int)length > WIDTH) fputc('\n', stream), *column = 0;
        if (*column > TEXT_COLUMN) fputc(' ', stream), ++*column;
        pad(stream, column, TEXT_COLUMN);
        *column += fprintf(stream, "%.*s", (int)length, word);
    }
}

static void put_entry(FILE *stream, const rf_arg *arg) {
    const char *value = rf__args_value_name(arg), *sign = value ? "=" : "";
    size_t length;
    int column = arg->key ? fprintf(stream, "  -%c, ", arg->key) : fprintf(stream, "      ");
    column += fprintf(stream, "--%s%s%s", arg->name, sign, value ? value : "");
    for (const char *rest = arg->aliases, *alias; (alias = rf__args_word(&rest, &length));)
        column += fprintf(stream, ", --%.*s%s%s", (int)length, alias, sign, value ? value : "");
    if (column >= TEXT_COLUMN) fputc('\n', stream), column = 0;
    put_words(stream, arg->help, &column);
    for (int i = 0; arg->type == RF_ARG_CHOICE && arg->choices[i]; i++) {
        char one[120];
        snprintf(one, sizeof one, "%s%s", arg->choices[i], arg->choices[i + 1] ? "," : "");
        if (i == 0) fputc(':', stream), column++;
        put_words(stream, one, &column);
    }
    if (arg->preset) {
        char preset[120];
        snprintf(preset, sizeof preset, "(default %s)", arg->preset);
        put_words(stream, preset, &column);
    }
    fputc('\n', stream);
}

void rf__args_help(const rf_args *spec, FILE *stream) {
    fprintf(stream, "Usage: strait %s [OPTION...]%s%s\n%s\n\n", spec->command, spec->positional ? " " : "", spec->positional ? spec->positional : "", spec->summary);
    for (const rf_arg *arg = spec->table; arg->name; arg++) put_entry(stream, arg);
    for (const rf_arg *arg = rf__common_args; arg->name; arg++) put_entry(stream, arg);
    if (spec->examples) fprintf(stream, "\nExamples:\n%s", spec->examples);
}
