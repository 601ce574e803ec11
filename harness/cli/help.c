/* Help and man page, from the command tables. */
#include "cli/help.h"

#include <string.h>

#include "base/version.h"
#include "cli/completion.h"
#include "cli/manual.h"

void pb_help_program(FILE *out, const struct pb_command *const *commands)
{
    fprintf(out,
            "prunebench %s: benchmarks for pruning convolutional networks on fine-grained images\n\n"
            "usage: prunebench COMMAND [ARGUMENT]…\n\n",
            pb_version);
    for (; *commands; commands++)
        fprintf(out, "  %-9s %s\n", (*commands)->name, (*commands)->summary);
    fputs("\n'prunebench COMMAND --help' explains a command; 'prunebench --version' prints the version.\n"
          "Exit codes: 0 done; 1 a cell failed or a check fell short; 2 wrong usage or input; 130 interrupted.\n",
          out);
}

static void print_options(FILE *out, const struct pb_cli_option *options)
{
    for (; options && options->name; options++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s --%s%s%s", options->letter ? '-' : ' ',
                 options->letter ? options->letter : ' ', options->letter ? "," : " ", options->name,
                 options->argument ? " " : "", options->argument ? options->argument : "");
        fprintf(out, "  %-30s %s\n", left, options->help);
    }
}

void pb_help_command(FILE *out, const struct pb_command *command)
{
    fprintf(out, "usage: prunebench %s %s\n\n%s\n", command->name, command->usage, command->summary);
    if (command->details)
        fprintf(out, "\n%s\n", command->details);
    fputs("\noptions:\n", out);
    print_options(out, command->options);
    print_options(out, pb_common_options);
}

static void man_text(FILE *out, const char *words)
{
    struct pb_text text = {0};
    pb_manual_troff(&text, words);
    if (text.data)
        fputs(text.data, out);
    pb_text_free(&text);
}

static void man_options(FILE *out, const struct pb_cli_option *options)
{
    for (; options && options->name; options++) {
        fputs(".TP\n", out);
        if (options->letter)
            fprintf(out, "\\fB\\-%c\\fR, ", options->letter);
        fputs("\\fB\\-\\-", out);
        man_text(out, options->name);
        fputs("\\fR", out);
        if (options->argument)
            fprintf(out, " \\fI%s\\fR", options->argument);
        fputc('\n', out);
        man_text(out, options->help);
        fputc('\n', out);
    }
}

void pb_help_man(FILE *out, const struct pb_command *const *commands)
{
    fprintf(
        out,
        ".TH PRUNEBENCH 1 \"\" \"prunebench %s\" \"User commands\"\n.SH NAME\nprunebench \\- benchmarks for pruning "
        "convolutional networks on fine\\-grained images\n.SH SYNOPSIS\n.B prunebench\n\\fICOMMAND\\fR "
        "[\\fIARGUMENT\\fR]…\n.SH DESCRIPTION\nTrains bilinear CNNs, prunes them with every chosen criterion under "
        "every chosen schedule on every chosen backend, removes the channels for real, retrains, measures, and "
        "writes tables and figures.\n.SH COMMANDS\n",
        pb_version);
    for (const struct pb_command *const *command = commands; *command; command++) {
        fprintf(out, ".SS prunebench %s ", (*command)->name);
        man_text(out, (*command)->usage);
        fputc('\n', out);
        man_text(out, (*command)->summary);
        fputs(".\n", out);
        if ((*command)->details) {
            fputs(".PP\n", out);
            man_text(out, (*command)->details);
            fputc('\n', out);
        }
        man_options(out, (*command)->options);
    }
    fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
    man_options(out, pb_common_options);
    fputs(".SH MATRIX DOCUMENTS\n", out);
    struct pb_text manual = {0};
    pb_manual_matrix(&manual, PB_MANUAL_TROFF);
    pb_manual_sections(&manual);
    if (manual.data)
        fputs(manual.data, out);
    pb_text_free(&manual);
}
