/* What can be completed where. */
#include "cli/completion.h"

#include <string.h>

#include "settings/names.h"

static const char *const plugin_words[] = {"list", "describe", NULL};

const struct pb_cli_option pb_common_options[] = {
    {"help", 'h', NULL, "show this help"},
    {"quiet", 'q', NULL, "print only what went wrong"},
    {0},
};

/* Options by name: in every command that has them they take the same. */
static const struct {
    const char *option;
    struct pb_value value;
} by_option[] = {
    {"backend", {.kind = PB_VALUE_ASKED, .what = "backends"}},
    {"criterion", {.kind = PB_VALUE_ASKED, .what = "criteria"}},
    {"dataset", {.kind = PB_VALUE_ASKED, .what = "datasets"}},
    {"model", {.kind = PB_VALUE_ASKED, .what = "models"}},
    {"format", {.kind = PB_VALUE_WORDS, .words = pb_report_format_names}},
    {"scope", {.kind = PB_VALUE_WORDS, .words = pb_scope_names}},
    {"normalise", {.kind = PB_VALUE_WORDS, .words = pb_normalise_names}},
    {"coupling", {.kind = PB_VALUE_WORDS, .words = pb_coupling_names}},
};

struct pb_value pb_value_of_option(const struct pb_cli_option *option)
{
    for (size_t i = 0; i < sizeof by_option / sizeof *by_option; i++)
        if (strcmp(by_option[i].option, option->name) == 0)
            return by_option[i].value;
    if (!option->argument)
        return (struct pb_value){.kind = PB_VALUE_ANY};
    const bool folder = strcmp(option->argument, "DIR") == 0 || strcmp(option->argument, "OUT") == 0;
    const bool file = strcmp(option->argument, "FILE") == 0;
    return (struct pb_value){.kind = folder ? PB_VALUE_FOLDER : file ? PB_VALUE_FILE : PB_VALUE_ANY};
}

/* Words that are no files. */
static const struct {
    const char *command;
    size_t place;
    struct pb_value value;
} by_word[] = {
    {"status", 0, {.kind = PB_VALUE_FOLDER}},
    {"show", 0, {.kind = PB_VALUE_FOLDER}},
    {"show", 1, {.kind = PB_VALUE_ASKED_OF, .what = "cells"}},
    {"cell", 1, {.kind = PB_VALUE_ASKED_OF, .what = "matrix-cells"}},
    {"report", 0, {.kind = PB_VALUE_FOLDER}},
    {"audit", 0, {.kind = PB_VALUE_FOLDER}},
    {"synth", 0, {.kind = PB_VALUE_FOLDER}},
    {"help", 0, {.kind = PB_VALUE_ASKED, .what = "topics"}},
    {"plugins", 0, {.kind = PB_VALUE_WORDS, .words = plugin_words}},
    {"plugins", 1, {.kind = PB_VALUE_ASKED, .what = "plugins"}},
};

struct pb_value pb_value_of_word(const struct pb_command *command, size_t place)
{
    for (size_t i = 0; i < sizeof by_word / sizeof *by_word; i++)
        if (strcmp(by_word[i].command, command->name) == 0 && by_word[i].place == place)
            return by_word[i].value;
    return (struct pb_value){.kind = place < command->max_words ? PB_VALUE_FILE : PB_VALUE_ANY};
}
