/* prunebench: finds the subcommand, parses its arguments, prints its error, exits. */
#include <stdio.h>
#include <string.h>

#include "base/lease.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/spinning.h"
#include "base/version.h"
#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/print_schema.h"

/* What a shell asks for while a command line is typed; it shows no error. */
static int complete(const char *what, const char *word)
{
    struct pb_error error = {0};
    const enum pb_status status =
        what ? pb_complete_values(what, word, &error)
             : pb_fail(&error, PB_ERROR_INPUT, "--complete is for the shell completions; it takes a kind of names");
    if (status != PB_OK)
        fprintf(stderr, "prunebench: %s\n", error.text);
    return pb_exit_code(status);
}

/* What scripts and packages ask for. True when word was one of these. */
static bool print_about(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        pb_help_program(stdout, pb_commands);
    else if (strcmp(word, "--version") == 0)
        printf("prunebench %s (%s)\n", pb_version, pb_git);
    else if (strcmp(word, "--man-page") == 0)
        pb_help_man(stdout, pb_commands);
    else if (strcmp(word, "--bash-completion") == 0)
        pb_complete_bash(stdout, pb_commands);
    else if (strcmp(word, "--zsh-completion") == 0)
        pb_complete_zsh(stdout, pb_commands);
    else if (strcmp(word, "--fish-completion") == 0)
        pb_complete_fish(stdout, pb_commands);
    else
        return false;
    return true;
}

static int run_command(const struct pb_command *command, int argc, char **argv)
{
    struct pb_arguments arguments;
    enum pb_parse_outcome outcome;
    struct pb_error error = {0};
    int exit_code = 0;
    enum pb_status status = pb_fault_watch(&error);
    if (status == PB_OK)
        status = pb_arguments_parse(command, argc, argv, &arguments, &outcome, &error);
    if (status == PB_OK && outcome == PB_PARSE_HELP) {
        pb_help_command(stdout, command);
        return 0;
    }
    if (status == PB_OK) {
        if (arguments.quiet)
            pb_log_set_level(PB_LOG_WARNING);
        status = command->run(&arguments, &exit_code, &error);
        pb_arguments_free(&arguments);
    }
    if (status != PB_OK) {
        fprintf(stderr, "prunebench: %s\n", error.text);
        return pb_exit_code(status);
    }
    if (fflush(stdout) != 0) {
        perror("prunebench: standard output");
        return pb_exit_code(PB_ERROR_RUN);
    }
    return exit_code;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        pb_help_program(stderr, pb_commands);
        return pb_exit_code(PB_ERROR_INPUT);
    }
    if (print_about(argv[1]))
        return 0;
    if (strcmp(argv[1], "--schema") == 0)
        return pb_print_schema(argv[2]);
    if (strcmp(argv[1], "--complete") == 0)
        return complete(argv[2], argc > 2 ? argv[3] : NULL);
    pb_limit_spinning(argv);
    const struct pb_command *command;
    struct pb_error error = {0};
    enum pb_status status = pb_lease_times_from_environment(&error);
    if (status == PB_OK)
        status = pb_command_find(argv[1], &command, &error);
    if (status == PB_OK)
        return run_command(command, argc - 2, argv + 2);
    fprintf(stderr, "prunebench: %s\n", error.text);
    return pb_exit_code(status);
}
