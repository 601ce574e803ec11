/* Help and man page, from the command tables. */
#ifndef PB_CLI_HELP_H
#define PB_CLI_HELP_H

#include <stdio.h>

#include "cli/cli.h"

void pb_help_program(FILE *out, const struct pb_command *const *commands);
void pb_help_command(FILE *out, const struct pb_command *command);
void pb_help_man(FILE *out, const struct pb_command *const *commands);

#endif
