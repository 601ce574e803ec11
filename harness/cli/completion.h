/* Completion for shells, from the command tables: commands, options, and the values of both. */
#ifndef PB_CLI_COMPLETION_H
#define PB_CLI_COMPLETION_H

#include <stdio.h>

#include "cli/cli.h"

enum pb_value_kind {
    PB_VALUE_ANY, /* nothing is offered */
    PB_VALUE_FILE,
    PB_VALUE_FOLDER,
    PB_VALUE_WORDS, /* these */
    PB_VALUE_ASKED, /* the shell asks 'prunebench --complete WHAT': plugins, models, cells */
    PB_VALUE_ASKED_OF, /* the same with the command's first word behind it */
};
struct pb_value {
    enum pb_value_kind kind;
    const char *what;
    const char *const *words; /* up to NULL */
};
/* What an option takes. */
struct pb_value pb_value_of_option(const struct pb_cli_option *option);
/* What the command's word number place, from 0, is; places beyond its last word are PB_VALUE_ANY. */
struct pb_value pb_value_of_word(const struct pb_command *command, size_t place);

/* The options that every command has; a row with a NULL name ends them. */
extern const struct pb_cli_option pb_common_options[];

void pb_complete_bash(FILE *out, const struct pb_command *const *commands);
void pb_complete_zsh(FILE *out, const struct pb_command *const *commands);
void pb_complete_fish(FILE *out, const struct pb_command *const *commands);

/* The candidates of PB_VALUE_ASKED and PB_VALUE_ASKED_OF, one a line. word: NULL, or the command's first. */
PB_MUST_CHECK enum pb_status pb_complete_values(const char *what, const char *word, struct pb_error *error);

#endif
