/* Completion for fish. */
#include <string.h>

#include "cli/completion.h"
#include "cli/print_schema.h"

/* Between single quotes. */
static void put_quoted(FILE *out, const char *words)
{
    fputc('\'', out);
    for (; *words; words++)
        fprintf(out, strchr("'\\", *words) ? "\\%c" : "%c", *words);
    fputc('\'', out);
}

/* " -x -a '(…)'": what follows, and whether files do. */
static void put_value(FILE *out, const struct pb_value *value)
{
    switch (value->kind) {
    case PB_VALUE_ANY:
        fputs(" -x", out);
        break;
    case PB_VALUE_FILE:
        fputs(" -r -F", out);
        break;
    case PB_VALUE_FOLDER:
        fputs(" -x -a '(__fish_complete_directories)'", out);
        break;
    case PB_VALUE_WORDS:
        fputs(" -x -a '", out);
        for (const char *const *word = value->words; *word; word++)
            fprintf(out, "%s%s", word == value->words ? "" : " ", *word);
        fputc('\'', out);
        break;
    case PB_VALUE_ASKED:
        fprintf(out, " -x -a '(__prunebench_names %s)'", value->what);
        break;
    case PB_VALUE_ASKED_OF:
        fprintf(out, " -x -a '(__prunebench_names %s (__prunebench_words)[1])'", value->what);
        break;
    }
}

static void put_option(FILE *out, const struct pb_command *command, const struct pb_cli_option *option)
{
    const struct pb_value value = pb_value_of_option(option);
    fprintf(out, "complete -c prunebench -n '__prunebench_is %s' -l %s", command->name, option->name);
    if (option->letter)
        fprintf(out, " -s %c", option->letter);
    if (option->argument)
        put_value(out, &value);
    fputs(" -d ", out);
    put_quoted(out, option->help);
    fputc('\n', out);
}

/* The command's own words; behind the last that is named, files. */
static void put_words(FILE *out, const struct pb_command *command)
{
    enum { NAMED = 3 };
    for (size_t place = 0; place < command->max_words && place < NAMED; place++) {
        const struct pb_value value = pb_value_of_word(command, place);
        fprintf(out, "complete -c prunebench -n '__prunebench_is %s %zu'", command->name, place);
        put_value(out, &value);
        fputc('\n', out);
    }
    if (command->max_words > NAMED)
        fprintf(out,
                "complete -c prunebench -n '__prunebench_is %s; and test (count (__prunebench_words)) -ge %d' -F\n",
                command->name, NAMED);
}

static void put_takes_value(FILE *out, const struct pb_command *command)
{
    for (const struct pb_cli_option *option = command->options; option && option->name; option++) {
        if (!option->argument)
            continue;
        fprintf(out, " %s:--%s", command->name, option->name);
        if (option->letter)
            fprintf(out, " %s:-%c", command->name, option->letter);
    }
}

void pb_complete_fish(FILE *out, const struct pb_command *const *commands)
{
    fputs("# fish completion for prunebench\n\n"
          "# The program's own names: KIND [WORD].\n"
          "function __prunebench_names\n"
          "    set -l tokens (commandline -opc)\n"
          "    $tokens[1] --complete $argv 2>/dev/null\nend\n\n"
          "# The command's words so far: neither options nor their values.\n"
          "function __prunebench_words\n"
          "    set -l tokens (commandline -opc)\n"
          "    set -l skip 0\n"
          "    for token in $tokens[3..-1]\n"
          "        if test $skip -eq 1\n            set skip 0\n"
          "        else if string match -q -- '-*' $token\n"
          "            contains -- \"$tokens[2]:$token\"",
          out);
    for (const struct pb_command *const *command = commands; *command; command++)
        put_takes_value(out, *command);
    fputs("\n            and set skip 1\n        else\n            echo $token\n        end\n    end\nend\n\n"
          "# Is the command NAME, and, with PLACE, the next of its words that number?\n"
          "function __prunebench_is\n"
          "    set -l tokens (commandline -opc)\n"
          "    test \"$tokens[2]\" = $argv[1]\n    or return 1\n"
          "    test (count $argv) -eq 1\n    or test (count (__prunebench_words)) -eq $argv[2]\nend\n\n"
          "complete -c prunebench -f\n",
          out);
    for (const struct pb_command *const *command = commands; *command; command++) {
        fprintf(out, "complete -c prunebench -n 'test (count (commandline -opc)) -eq 1' -a %s -d ", (*command)->name);
        put_quoted(out, (*command)->summary);
        fputc('\n', out);
    }
    fputs("complete -c prunebench -n '__prunebench_is --schema' -a '", out);
    for (const char *const *name = pb_schema_names; *name; name++)
        fprintf(out, "%s%s", name == pb_schema_names ? "" : " ", *name);
    fputs("'\n", out);
    for (; *commands; commands++) {
        for (const struct pb_cli_option *option = (*commands)->options; option && option->name; option++)
            put_option(out, *commands, option);
        for (const struct pb_cli_option *option = pb_common_options; option->name; option++)
            put_option(out, *commands, option);
        put_words(out, *commands);
    }
}
