/* Parsing of one command's arguments by its table: long and short options, anywhere among the words. */
#include "cli/arguments.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static size_t option_count(const struct pb_cli_option *options)
{
    size_t count = 0;
    while (options && options[count].name)
        count++;
    return count;
}

static const struct pb_cli_option *find_long(const struct pb_command *command, const char *name, size_t length)
{
    for (const struct pb_cli_option *option = command->options; option && option->name; option++)
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

static const struct pb_cli_option *find_letter(const struct pb_command *command, char letter)
{
    for (const struct pb_cli_option *option = command->options; option && option->name; option++)
        if (option->letter && option->letter == letter)
            return option;
    return NULL;
}

static enum pb_status fail_unknown(const struct pb_command *command, const char *argument, struct pb_error *error)
{
    const size_t count = option_count(command->options);
    const char **names = pb_calloc(count + 3, sizeof *names);
    if (!names)
        return pb_fail_memory(error, (count + 3) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = command->options[i].name;
    names[count] = "help";
    names[count + 1] = "quiet";
    const char *word = argument + strspn(argument, "-");
    const char *closest = pb_closest(word, names, count + 2);
    const enum pb_status status =
        closest ? pb_fail(error, PB_ERROR_INPUT, "%s: unknown option '%s'; did you mean '--%s'?", command->name,
                          argument, closest)
                : pb_fail(error, PB_ERROR_INPUT, "%s: unknown option '%s'; 'prunebench %s --help' lists them",
                          command->name, argument, command->name);
    pb_free(names);
    return status;
}

static enum pb_status add_value(struct pb_arguments *arguments, const struct pb_cli_option *option, const char *value,
                                struct pb_error *error)
{
    const char ***list = &arguments->values[option - arguments->options];
    size_t count = 0;
    while (*list && (*list)[count])
        count++;
    const char **grown = pb_realloc(*list, *list ? count + 1 : 0, count + 2, sizeof **list);
    if (!grown)
        return pb_fail_memory(error, (count + 2) * sizeof **list);
    grown[count] = value;
    *list = grown;
    return PB_OK;
}

/* One argument that begins with '-'. *index moves on when the value is the next argument. */
static enum pb_status parse_option(const struct pb_command *command, int argc, char **argv, int *index,
                                   struct pb_arguments *arguments, struct pb_error *error)
{
    const char *argument = argv[*index];
    const struct pb_cli_option *option;
    const char *value = NULL;
    if (argument[1] == '-') {
        const char *equals = strchr(argument, '=');
        const size_t length = equals ? (size_t)(equals - argument) - 2 : strlen(argument + 2);
        option = find_long(command, argument + 2, length);
        value = equals ? equals + 1 : NULL;
    } else {
        option = find_letter(command, argument[1]);
        if (option && argument[2])
            value = argument + 2;
    }
    if (!option)
        return fail_unknown(command, argument, error);
    if (!option->argument) {
        if (value)
            return pb_fail(error, PB_ERROR_INPUT, "%s: --%s takes no value", command->name, option->name);
        return add_value(arguments, option, "", error);
    }
    if (!value) {
        if (*index + 1 >= argc)
            return pb_fail(error, PB_ERROR_INPUT, "%s: --%s needs a value: --%s %s", command->name, option->name,
                           option->name, option->argument);
        value = argv[++*index];
    }
    return add_value(arguments, option, value, error);
}

static enum pb_status check_words(const struct pb_command *command, const struct pb_arguments *arguments,
                                  struct pb_error *error)
{
    if (arguments->word_count < command->min_words)
        return pb_fail(error, PB_ERROR_INPUT, "%s: something is missing; usage: prunebench %s %s", command->name,
                       command->name, command->usage);
    if (arguments->word_count > command->max_words)
        return pb_fail(error, PB_ERROR_INPUT, "%s: '%s' is one argument too many; usage: prunebench %s %s",
                       command->name, arguments->words[command->max_words], command->name, command->usage);
    return PB_OK;
}

enum pb_status pb_arguments_parse(const struct pb_command *command, int argc, char **argv,
                                  struct pb_arguments *arguments, enum pb_parse_outcome *outcome,
                                  struct pb_error *error)
{
    struct pb_arguments parsed = {.options = command->options};
    enum pb_status status = PB_OK;
    bool only_words = false;
    const size_t options = option_count(command->options);
    parsed.values = pb_calloc(options + 1, sizeof *parsed.values);
    parsed.words = pb_calloc((size_t)argc + 1, sizeof *parsed.words);
    if (!parsed.values || !parsed.words) {
        status = pb_fail_memory(error, (options + (size_t)argc + 2) * sizeof *parsed.words);
        goto cleanup;
    }
    for (int i = 0; i < argc; i++) {
        if (only_words || argv[i][0] != '-' || !argv[i][1]) {
            parsed.words[parsed.word_count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            *outcome = PB_PARSE_HELP;
            goto cleanup;
        } else if (strcmp(argv[i], "--quiet") == 0 || strcmp(argv[i], "-q") == 0) {
            parsed.quiet = true;
        } else {
            status = parse_option(command, argc, argv, &i, &parsed, error);
            if (status != PB_OK)
                goto cleanup;
        }
    }
    status = check_words(command, &parsed, error);
    if (status != PB_OK)
        goto cleanup;
    *outcome = PB_PARSE_RUN;
    *arguments = parsed;
    return PB_OK;

cleanup:
    pb_arguments_free(&parsed);
    return status;
}

void pb_arguments_free(struct pb_arguments *arguments)
{
    for (size_t i = 0; arguments->values && arguments->options && arguments->options[i].name; i++)
        pb_free(arguments->values[i]);
    pb_free(arguments->values);
    pb_free(arguments->words);
    *arguments = (struct pb_arguments){0};
}

const char *const *pb_argument_list(const struct pb_arguments *arguments, const char *name)
{
    for (size_t i = 0; arguments->options && arguments->options[i].name; i++)
        if (strcmp(arguments->options[i].name, name) == 0)
            return arguments->values[i];
    assert(!"the option is in the command's table");
    return NULL;
}

const char *pb_argument(const struct pb_arguments *arguments, const char *name)
{
    const char *const *list = pb_argument_list(arguments, name);
    if (!list)
        return NULL;
    while (list[1])
        list++;
    return *list;
}

enum pb_status pb_argument_folder(const struct pb_arguments *arguments, const char *name, const char **value,
                                  struct pb_error *error)
{
    const char *text = pb_argument(arguments, name);
    if (text && !text[0])
        return pb_fail(error, PB_ERROR_INPUT, "--%s: the name of the folder is empty", name);
    if (text)
        *value = text;
    return PB_OK;
}

enum pb_status pb_argument_size(const struct pb_arguments *arguments, const char *name, size_t min, size_t max,
                                size_t *value, struct pb_error *error)
{
    const char *text = pb_argument(arguments, name);
    size_t parsed;
    if (!text)
        return PB_OK;
    if (!pb_parse_size(text, &parsed) || parsed < min || parsed > max)
        return pb_fail(error, PB_ERROR_INPUT, "--%s: '%s' is not a whole number from %zu to %zu", name, text, min, max);
    *value = parsed;
    return PB_OK;
}

/* Seconds, or [DAYS-]HOURS:MINUTES:SECONDS. */
static bool parse_duration(const char *text, double *seconds)
{
    unsigned days = 0, hours = 0, minutes = 0, rest = 0;
    int used = 0;
    const bool with_days = strchr(text, '-') != NULL;
    if (strspn(text, "0123456789:-.") != strlen(text))
        return false;
    if (!with_days && !strchr(text, ':'))
        return pb_parse_real(text, seconds);
    if (with_days &&
        sscanf(text, "%4u-%2u:%2u:%2u%n", &days, &hours, &minutes, &rest, &used) != 4) // NOLINT(cert-err34-c)
        return false;
    if (!with_days && sscanf(text, "%4u:%2u:%2u%n", &hours, &minutes, &rest, &used) != 3) // NOLINT(cert-err34-c)
        return false;
    *seconds = ((days * 24.0 + hours) * 60 + minutes) * 60 + rest;
    return text[used] == '\0' && minutes < 60 && rest < 60 && (!with_days || hours < 24);
}

enum pb_status pb_argument_duration(const struct pb_arguments *arguments, const char *name, double *seconds,
                                    struct pb_error *error)
{
    const char *text = pb_argument(arguments, name);
    double parsed;
    if (!text)
        return PB_OK;
    if (!parse_duration(text, &parsed) || !(parsed > 0))
        return pb_fail(error, PB_ERROR_INPUT, "--%s: '%s' is not a time: seconds, or [DAYS-]HOURS:MINUTES:SECONDS",
                       name, text);
    *seconds = parsed;
    return PB_OK;
}

enum pb_status pb_argument_real(const struct pb_arguments *arguments, const char *name, double min, double max,
                                double *value, struct pb_error *error)
{
    const char *text = pb_argument(arguments, name);
    double parsed;
    if (!text)
        return PB_OK;
    if (!pb_parse_real(text, &parsed) || parsed < min || parsed > max)
        return pb_fail(error, PB_ERROR_INPUT, "--%s: '%s' is not a number from %g to %g", name, text, min, max);
    *value = parsed;
    return PB_OK;
}

enum pb_status pb_argument_choice(const struct pb_arguments *arguments, const char *name, const char *const *names,
                                  uint32_t *index, struct pb_error *error)
{
    const char *text = pb_argument(arguments, name);
    struct pb_text list = {0};
    for (uint32_t i = 0; text && names[i]; i++) {
        if (strcmp(names[i], text) == 0) {
            *index = i;
            pb_text_free(&list);
            return PB_OK;
        }
        pb_text_append(&list, "%s%s", i ? ", " : "", names[i]);
    }
    const enum pb_status status =
        text ? pb_fail(error, PB_ERROR_INPUT, "--%s: '%s' is none of %s", name, text, list.data ? list.data : "")
             : PB_OK;
    pb_text_free(&list);
    return status;
}

enum pb_status pb_argument_sides(const struct pb_arguments *arguments, const char *name, uint32_t max, uint32_t *width,
                                 uint32_t *height, struct pb_error *error)
{
    const char *text = pb_argument(arguments, name);
    const char *cross = text ? strchr(text, 'x') : NULL;
    char first[16] = "";
    size_t w = 0, h = 0;
    if (!text)
        return PB_OK;
    if (cross && (size_t)(cross - text) < sizeof first)
        memcpy(first, text, (size_t)(cross - text));
    if (!cross || !pb_parse_size(first, &w) || !pb_parse_size(cross + 1, &h) || w < 1 || w > max || h < 1 || h > max)
        return pb_fail(error, PB_ERROR_INPUT,
                       "--%s: '%s' is not a width and a height from 1 to %u with an x between them, such as 1024x768",
                       name, text, max);
    *width = (uint32_t)w;
    *height = (uint32_t)h;
    return PB_OK;
}
