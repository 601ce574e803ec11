/* Completion for bash. Names that the program tells are never expanded by the shell: compgen -W would. */
#include <string.h>

#include "cli/completion.h"
#include "cli/print_schema.h"

static void put_list(FILE *out, const char *const *words)
{
    fputs("plain='", out);
    for (const char *const *word = words; *word; word++)
        fprintf(out, "%s%s", word == words ? "" : " ", *word);
    fputs("'", out);
}

/* What a value's branch of case does. */
static void put_value(FILE *out, const struct pb_value *value)
{
    switch (value->kind) {
    case PB_VALUE_ANY:
        fputs("return", out);
        break;
    case PB_VALUE_FILE:
        fputs("compopt -o default; return", out);
        break;
    case PB_VALUE_FOLDER:
        fputs("compopt -o dirnames; return", out);
        break;
    case PB_VALUE_WORDS:
        put_list(out, value->words);
        break;
    case PB_VALUE_ASKED:
        fprintf(out, "words=$(\"$program\" --complete %s 2>/dev/null)", value->what);
        break;
    case PB_VALUE_ASKED_OF:
        fprintf(out, "words=$(\"$program\" --complete %s \"$first\" 2>/dev/null)", value->what);
        break;
    }
    fputs(" ;;\n", out);
}

/* "run:-o|run:--output" */
static void put_pattern(FILE *out, const struct pb_command *command, const struct pb_cli_option *option)
{
    if (option->letter)
        fprintf(out, "%s:-%c|", command->name, option->letter);
    fprintf(out, "%s:--%s", command->name, option->name);
}

static void put_option_values(FILE *out, const struct pb_command *command)
{
    for (const struct pb_cli_option *option = command->options; option && option->name; option++) {
        const struct pb_value value = pb_value_of_option(option);
        if (!option->argument)
            continue;
        fputs("        ", out);
        put_pattern(out, command, option);
        fputs(") ", out);
        put_value(out, &value);
    }
}

static void put_option_names(FILE *out, const struct pb_command *command)
{
    fprintf(out, "        %s) plain='", command->name);
    for (const struct pb_cli_option *option = command->options; option && option->name; option++)
        fprintf(out, "--%s ", option->name);
    for (const struct pb_cli_option *option = pb_common_options; option->name; option++)
        fprintf(out, "%s--%s", option == pb_common_options ? "" : " ", option->name);
    fputs("' ;;\n", out);
}

/* Options whose value is the next word, which is none of the command's own; or, behind =, the next but one. */
static void put_skipped(FILE *out, const struct pb_command *command)
{
    bool any = false;
    for (const struct pb_cli_option *option = command->options; option && option->name; option++) {
        if (!option->argument)
            continue;
        fputs(any ? "|" : "            ", out);
        put_pattern(out, command, option);
        any = true;
    }
    if (any)
        fputs(") if [[ ${COMP_WORDS[i + 1]} == = ]]; then ((i += 2)); else ((i++)); fi ;;\n", out);
}

/* A command that takes many words takes many files. */
static void put_words(FILE *out, const struct pb_command *command)
{
    enum { NAMED = 3 };
    for (size_t place = 0; place < command->max_words && place < NAMED; place++) {
        const struct pb_value value = pb_value_of_word(command, place);
        fprintf(out, "        %s:%zu) ", command->name, place);
        put_value(out, &value);
    }
    if (command->max_words > NAMED)
        fprintf(out, "        %s:*) compopt -o default; return ;;\n", command->name);
}

void pb_complete_bash(FILE *out, const struct pb_command *const *commands)
{
    fputs("# bash completion for prunebench\n_prunebench()\n{\n"
          "    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]}\n"
          "    local previous=${COMP_WORDS[COMP_CWORD - 1]} plain='' words='' first='' place=0 i word\n"
          "    COMPREPLY=()\n"
          "    if [[ $current == = ]]; then # bash cuts --option=value at the sign\n"
          "        current=''\n"
          "    elif [[ $previous == = ]]; then\n"
          "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    if ((COMP_CWORD == 1)); then\n        plain='",
          out);
    for (const struct pb_command *const *command = commands; *command; command++)
        fprintf(out, "%s ", (*command)->name);
    fputs("--help --version'\n    elif [[ $current == -* ]]; then\n        case $command in\n", out);
    for (const struct pb_command *const *command = commands; *command; command++)
        put_option_names(out, *command);
    fputs("        esac\n    else\n        case $command:$previous in\n        --schema:--schema) ", out);
    put_list(out, pb_schema_names);
    fputs(" ;;\n", out);
    for (const struct pb_command *const *command = commands; *command; command++)
        put_option_values(out, *command);
    fputs("        *) place=-1 ;;\n        esac\n    fi\n"
          "    if ((place < 0)); then\n        place=0\n"
          "        for ((i = 2; i < COMP_CWORD; i++)); do\n            case $command:${COMP_WORDS[i]} in\n",
          out);
    for (const struct pb_command *const *command = commands; *command; command++)
        put_skipped(out, *command);
    fputs("            *:-*) ;;\n            *) ((place++)) || first=${COMP_WORDS[i]} ;;\n            esac\n        "
          "done\n"
          "        case $command:$place in\n",
          out);
    for (const struct pb_command *const *command = commands; *command; command++)
        put_words(out, *command);
    fputs("        esac\n    fi\n"
          "    [[ $plain ]] && words=${plain// /$'\\n'}\n"
          "    while IFS= read -r word; do\n"
          "        [[ $word && $word == \"$current\"* ]] || continue\n"
          "        printf -v word %q \"$word\"\n"
          "        COMPREPLY+=(\"$word\")\n"
          "    done <<<\"$words\"\n}\n"
          "complete -F _prunebench prunebench\n",
          out);
}
