/* Commands as data: one table parses a command line, prints its help, and makes the man page and the completion. */
#ifndef PB_CLI_CLI_H
#define PB_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* One option of a command. A row with a NULL name ends the table. */
struct pb_cli_option {
    const char *name; /* "batch" for --batch */
    char letter; /* 'j' for -j; 0: none */
    const char *argument; /* "N": takes a value; NULL: a switch */
    const char *help; /* one sentence, no full stop */
};

/* A parsed command line. Strings are argv's. */
struct pb_arguments {
    const struct pb_cli_option *options;
    const char ***values; /* per option: every value given ("" for a switch), NULL-terminated; NULL: not given */
    const char **words; /* positional arguments, NULL-terminated */
    size_t word_count;
    bool quiet; /* --quiet, which every command knows */
};

/* A subcommand. */
struct pb_command {
    const char *name;
    const char *usage; /* "MATRIX -o OUT [-j N] [--only GLOB]…" */
    const char *summary; /* one line */
    const char *details; /* for --help and the man page: paragraphs; may be NULL */
    const struct pb_cli_option *options; /* its own; --help and --quiet are everybody's */
    size_t min_words, max_words; /* positional arguments */
    /* Does the work; prints its results to standard output. The caller prints error and exits. *exit_code is 0 at
     * first; 1 says "a cell failed or a check fell short" without an error. */
    enum pb_status (*run)(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error);
};

extern const struct pb_command pb_command_run, pb_command_worker, pb_command_check, pb_command_cell, pb_command_report,
    pb_command_plugins, pb_command_count, pb_command_verify, pb_command_bench, pb_command_synth, pb_command_doctor,
    pb_command_help, pb_command_score, pb_command_compare, pb_command_history, pb_command_audit, pb_command_status,
    pb_command_show, pb_command_plan;
/* All of them, NULL-terminated, in the order of the help. */
extern const struct pb_command *const pb_commands[];
/* The command of that name, else an error that suggests one. */
PB_MUST_CHECK enum pb_status pb_command_find(const char *name, const struct pb_command **command,
                                             struct pb_error *error);

/* What 'report --format' takes; up to NULL. */
extern const char *const pb_report_format_names[];

/* The last value of an option; NULL when it was not given, "" for a switch that was. The name must be in the table. */
const char *pb_argument(const struct pb_arguments *arguments, const char *name);
/* Every value, NULL-terminated; NULL when it was not given. */
const char *const *pb_argument_list(const struct pb_arguments *arguments, const char *name);
/* The name of a folder, which cannot be empty; *value stays as it is when the option was not given. */
PB_MUST_CHECK enum pb_status pb_argument_folder(const struct pb_arguments *arguments, const char *name,
                                                const char **value, struct pb_error *error);
/* Numbers in a range; *value stays as it is when the option was not given; else "--batch: '0' is not a whole number from 1 to 4096". */
PB_MUST_CHECK enum pb_status pb_argument_size(const struct pb_arguments *arguments, const char *name, size_t min,
                                              size_t max, size_t *value, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_argument_duration(const struct pb_arguments *arguments, const char *name,
                                                  double *seconds, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_argument_real(const struct pb_arguments *arguments, const char *name, double min,
                                              double max, double *value, struct pb_error *error);
/* One of names (NULL-terminated): its index; the message lists them. */
PB_MUST_CHECK enum pb_status pb_argument_choice(const struct pb_arguments *arguments, const char *name,
                                                const char *const *names, uint32_t *index, struct pb_error *error);
/* "1024x768": a width and a height from 1 to max; both stay as they are when the option was not given. */
PB_MUST_CHECK enum pb_status pb_argument_sides(const struct pb_arguments *arguments, const char *name, uint32_t max,
                                               uint32_t *width, uint32_t *height, struct pb_error *error);

/* Writes text to standard output and frees it. */
PB_MUST_CHECK enum pb_status pb_print_text(struct pb_text *text, struct pb_error *error);

#endif
