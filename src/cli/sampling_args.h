/* sampling_args.h - the flags that say how to sample, the same for every command that does. */
#ifndef RF_CLI_SAMPLING_ARGS_H
#define RF_CLI_SAMPLING_ARGS_H
#include "order.h"

#define RF_ARGS_MAX 80

/* own: the command's table; its settings begin with an rf_sampling_flags. Fills `table` with both, ended by an entry without a name; without: names of
 * flags that this command does not read, separated by one space. */
void rf__sampling_args(rf_arg table[RF_ARGS_MAX], const rf_arg *own, const char *without);
/* The entry of this name in the filled table, for a command that has another default or another use of it. */
rf_arg *rf__sampling_arg(rf_arg table[RF_ARGS_MAX], const char *name);

#endif
