/* command.c - how a command ends: the sentence on standard error and the exit code. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>

#include "../base/file.h"

int rf__cli_failed(const char *command, rf_status status) {
    if (status == RF_OK) return RF_EXIT_DONE;
    const char *sentence = rf_last_error();
    if (status == RF_EINTERRUPTED || rf__interrupted) sentence = "interrupted";
    fprintf(stderr, "strait %s: %s\n", command, sentence);
    return status == RF_EINTERRUPTED || rf__interrupted ? RF_EXIT_INTERRUPTED : RF_EXIT_FAILED;
}

int rf__cli_usage(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "strait %s: ", command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return RF_EXIT_USAGE;
}
