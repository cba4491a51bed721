/* command.h - the table of commands. A new command is one file `cmd_NAME.c` that defines `rf__cmd_NAME`, and
 * one line in RF_COMMANDS below; `strait help`, the dispatch and the usage errors follow from that. */
#ifndef RF_CLI_COMMAND_H
#define RF_CLI_COMMAND_H
#include "../base/status.h"

/* Exit codes of the program. */
enum { RF_EXIT_DONE = 0, RF_EXIT_FAILED = 1, RF_EXIT_USAGE = 2, RF_EXIT_INTERRUPTED = 130 };

typedef struct rf_command {
    const char *name;
    const char *help;                  /* one line for `strait help` */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit code */
    const char *examples;              /* lines shown at the end of `strait NAME --help` */
} rf_command;

/* In the order of `strait help`. */
/* clang-format off */
#define RF_COMMANDS(X) \
    X(generate)        \
    X(stream)          \
    X(invert)          \
    X(edit)            \
    X(train)           \
    X(info)            \
    X(replay)          \
    X(convert)         \
    X(delta)           \
    X(eval)            \
    X(compare)         \
    X(tune)            \
    X(pairs)           \
    X(bench)
/* clang-format on */

#define X(name) extern const rf_command rf__cmd_##name;
RF_COMMANDS(X)
#undef X


/* Print "strait NAME: <last error>" and return the exit code that belongs to `status`. */
int rf__cli_failed(const char *command, rf_status status);
/* Print "strait NAME: <sentence>" and return RF_EXIT_USAGE. */
int rf__cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
