/* args_files.h - a command's files on its command line: what is written must not be what is read, nor be written twice. */
#ifndef RF_CLI_ARGS_FILES_H
#define RF_CLI_ARGS_FILES_H
#include "args.h"

/* Whether a file that `settings` (filled from spec->table) or --json writes is named by another option or positional argument as well: by the same
 * words, or because both lead to one file or folder. Devices and - may be named twice. Writes a sentence into `error` and returns true. */
bool rf__args_clash(const rf_args *spec, const void *settings, const rf_common *common, const rf_arg_rest *rest, char *error, size_t error_size);

#endif
