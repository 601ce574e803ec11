/* A command line, to be typed again. */
#include <string.h>

#include "base/memory.h"
#include "cli/arguments.h"

static void append_option(struct pb_text *text, const struct pb_cli_option *option, const char *const *values)
{
    for (; values && *values; values++) {
        pb_text_append(text, option->letter ? " -%c" : " --", option->letter);
        pb_text_append(text, "%s", option->letter ? "" : option->name);
        if (!option->argument)
            continue;
        pb_text_append(text, " ");
        pb_shell_word(text, *values);
    }
}

char *pb_command_line(const char *command, const struct pb_arguments *arguments)
{
    struct pb_text text = {0};
    pb_text_append(&text, "prunebench %s", command);
    for (size_t i = 0; i < arguments->word_count; i++) {
        pb_text_append(&text, " ");
        pb_shell_word(&text, arguments->words[i]);
    }
    for (size_t i = 0; arguments->options && arguments->options[i].name; i++)
        append_option(&text, &arguments->options[i], (const char *const *)arguments->values[i]);
    if (text.failed)
        pb_text_free(&text);
    return text.data;
}
