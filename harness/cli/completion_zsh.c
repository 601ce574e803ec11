/* Completion for zsh: a specification of _arguments for every option and word. */
#include <string.h>

#include "cli/completion.h"
#include "cli/print_schema.h"

/* A part of a specification between single quotes: what _arguments or the shell would take as its own is escaped. */
static void put_part(FILE *out, const char *words)
{
    for (; *words; words++)
        if (*words == '\'')
            fputs("'\\''", out);
        else
            fprintf(out, strchr(":[]\\", *words) ? "\\%c" : "%c", *words);
}

/* ":NAME:ACTION" */
static void put_value(FILE *out, const char *name, const struct pb_value *value)
{
    fputc(':', out);
    put_part(out, name);
    fputc(':', out);
    switch (value->kind) {
    case PB_VALUE_ANY:
        fputc(' ', out);
        break;
    case PB_VALUE_FILE:
        fputs("_files", out);
        break;
    case PB_VALUE_FOLDER:
        fputs("_files -/", out);
        break;
    case PB_VALUE_WORDS:
        fputc('(', out);
        for (const char *const *word = value->words; *word; word++)
            fprintf(out, "%s%s", word == value->words ? "" : " ", *word);
        fputc(')', out);
        break;
    case PB_VALUE_ASKED:
        fprintf(out, " _prunebench_names %s", value->what);
        break;
    case PB_VALUE_ASKED_OF:
        fprintf(out, " _prunebench_names %s $line[1]", value->what);
        break;
    }
}

/* Every option may be repeated: some may, and others take the last value. */
static void put_option(FILE *out, const struct pb_cli_option *option)
{
    const struct pb_value value = pb_value_of_option(option);
    for (int letter = option->letter ? 0 : 1; letter < 2; letter++) {
        fputs(" \\\n            '*", out);
        if (letter == 0)
            fprintf(out, "-%c", option->letter);
        else
            fprintf(out, "--%s%s", option->name, option->argument ? "=" : "");
        fputc('[', out);
        put_part(out, option->help);
        fputc(']', out);
        if (option->argument)
            put_value(out, option->argument, &value);
        fputc('\'', out);
    }
}

static void put_command(FILE *out, const struct pb_command *command)
{
    enum { NAMED = 3 };
    fprintf(out, "    %s)\n        _arguments -S", command->name);
    for (const struct pb_cli_option *option = command->options; option && option->name; option++)
        put_option(out, option);
    for (const struct pb_cli_option *option = pb_common_options; option->name; option++)
        put_option(out, option);
    for (size_t place = 0; place < command->max_words && place < NAMED; place++) {
        const struct pb_value value = pb_value_of_word(command, place);
        fprintf(out, " \\\n            '%zu", place + 1);
        if (place >= command->min_words)
            fputc(':', out);
        put_value(out, "argument", &value);
        fputc('\'', out);
    }
    if (command->max_words > NAMED)
        fputs(" \\\n            '*:file:_files'", out);
    fputs(" ;;\n", out);
}

void pb_complete_zsh(FILE *out, const struct pb_command *const *commands)
{
    fputs("#compdef prunebench\n# zsh completion for prunebench\n\n"
          "# The program's own names: KIND [WORD].\n_prunebench_names() {\n"
          "    local -a names\n"
          "    names=(\"${(@f)$($_prunebench_program --complete $1 ${(Q)2} 2>/dev/null)}\")\n"
          "    compadd -a names\n}\n\n"
          "_prunebench() {\n"
          "    local curcontext=$curcontext _prunebench_program=${(Q)words[1]} state\n"
          "    local -a line commands\n"
          "    commands=(\n",
          out);
    for (const struct pb_command *const *command = commands; *command; command++) {
        fprintf(out, "        '%s:", (*command)->name);
        put_part(out, (*command)->summary);
        fputs("'\n", out);
    }
    fputs("    )\n    if ((CURRENT == 2)); then\n"
          "        _describe command commands\n        return\n    fi\n"
          "    if [[ $words[2] == --schema ]]; then\n        compadd",
          out);
    for (const char *const *name = pb_schema_names; *name; name++)
        fprintf(out, " %s", *name);
    fputs("\n        return\n    fi\n    shift words\n    ((CURRENT--))\n    case $words[1] in\n", out);
    for (; *commands; commands++)
        put_command(out, *commands);
    fputs("    esac\n}\n\n"
          "if [[ $funcstack[1] == _prunebench ]]; then\n    _prunebench \"$@\"\nelse\n"
          "    compdef _prunebench prunebench\nfi\n",
          out);
}
