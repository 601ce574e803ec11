/* Parsing of one command's arguments by its table. */
#ifndef PB_CLI_ARGUMENTS_H
#define PB_CLI_ARGUMENTS_H

#include "cli/cli.h"

enum pb_parse_outcome { PB_PARSE_RUN, PB_PARSE_HELP };

/* argv: behind the command's name. Unknown options suggest the closest. *arguments is to be freed after success. */
PB_MUST_CHECK enum pb_status pb_arguments_parse(const struct pb_command *command, int argc, char **argv,
                                                struct pb_arguments *arguments, enum pb_parse_outcome *outcome,
                                                struct pb_error *error);
void pb_arguments_free(struct pb_arguments *arguments);

/* The command line that these were parsed from, for a shell: "prunebench run m.xml -o out --only '*.s1'". From pb_calloc; NULL
 * when memory is out. */
char *pb_command_line(const char *command, const struct pb_arguments *arguments);

#endif
