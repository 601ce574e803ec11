/* prunebench compare: two runs or two results, and whether the second is worse. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/compare_report.h"
#include "history/history_side.h"

static const struct pb_cli_option options[] = {
    {"fail-on", 0, "LIST",
     "what is a regression: quality=1pt, speed=5%, memory=5%, bits, with commas between; bits, which means other bits "
     "under the same stage key, always is"},
    {"history", 0, "DIR", "where names are looked for that are no file or folder (history)"},
    {"json", 0, NULL, "print one JSON object"},
    {"markdown", 0, NULL, "print Markdown, for a pull request"},
    {"html", 0, "FILE", "also write a page that needs no other file"},
    {0},
};

/* A measure of --fail-on. */
struct measure {
    const char *name, *unit; /* unit NULL: it takes no value */
    double scale; /* of the unit, as a share */
    double least, most; /* in the unit */
};
static const struct measure MEASURES[] = {
    {"quality", "pt", 0.01, 0, 100},
    {"speed", "%", 0.01, 0, 1000},
    {"memory", "%", 0.01, 0, 1000},
    {"bits", NULL, 0, 0, 0},
};
enum { MEASURE_COUNT = sizeof MEASURES / sizeof *MEASURES };

static enum pb_status fail_measure(const char *word, struct pb_error *error)
{
    const char *names[MEASURE_COUNT];
    char *name = pb_strndup(word, strcspn(word, "="));
    if (!name)
        return pb_fail_memory(error, strlen(word) + 1);
    for (int i = 0; i < MEASURE_COUNT; i++)
        names[i] = MEASURES[i].name;
    const char *closest = pb_closest(name, names, MEASURE_COUNT);
    const enum pb_status status =
        pb_fail(error, PB_ERROR_INPUT, "--fail-on: '%s' is none of quality=1pt, speed=5%%, memory=5%% and bits%s%s%s",
                word, closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
    pb_free(name);
    return status;
}

/* The value of "quality=1pt" as a share. */
static enum pb_status parse_value(const char *word, const struct measure *measure, double *share,
                                  struct pb_error *error)
{
    const char *value = strchr(word, '=') + 1;
    char number[32] = "";
    double parsed = 0;
    const size_t length = strlen(value), unit = strlen(measure->unit);
    if (length > unit && length - unit < sizeof number && strcmp(value + length - unit, measure->unit) == 0)
        memcpy(number, value, length - unit);
    if (!pb_parse_real(number, &parsed) || parsed <= measure->least || parsed > measure->most)
        return pb_fail(error, PB_ERROR_INPUT,
                       "--fail-on: '%s' is not %s=N%s with a number N above %g and up to %g, such as %s=%g%s", word,
                       measure->name, measure->unit, measure->least, measure->most, measure->name,
                       strcmp(measure->unit, "pt") == 0 ? 1.0 : 5.0, measure->unit);
    *share = parsed * measure->scale;
    return PB_OK;
}

static enum pb_status parse_measure(const char *word, struct pb_compare_report *report, struct pb_error *error)
{
    /* bits is a regression in any case, so naming it changes nothing */
    bool *const asked[] = {&report->gate.quality, &report->gate.speed, &report->gate.memory, NULL};
    double *const margins[] = {&report->margins.quality, &report->margins.speed, &report->margins.memory, NULL};
    const size_t length = strcspn(word, "=");
    for (int i = 0; i < MEASURE_COUNT; i++) {
        if (strlen(MEASURES[i].name) != length || strncmp(MEASURES[i].name, word, length) != 0)
            continue;
        if (asked[i])
            *asked[i] = true;
        if (MEASURES[i].unit && !word[length])
            return pb_fail(error, PB_ERROR_INPUT, "--fail-on: '%s' needs a limit: %s=%s%s", word, word,
                           strcmp(MEASURES[i].unit, "pt") == 0 ? "1" : "5", MEASURES[i].unit);
        if (!MEASURES[i].unit && word[length])
            return pb_fail(error, PB_ERROR_INPUT, "--fail-on: '%s': bits takes no limit, for any difference is one",
                           word);
        return MEASURES[i].unit ? parse_value(word, &MEASURES[i], margins[i], error) : PB_OK;
    }
    return fail_measure(word, error);
}

static enum pb_status parse_list(const char *list, struct pb_compare_report *report, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (const char *at = list; status == PB_OK; at++) {
        const size_t length = strcspn(at, ",");
        char *word = pb_strndup(at, length);
        if (!word)
            return pb_fail_memory(error, length + 1);
        status = parse_measure(word, report, error);
        pb_free(word);
        at += length;
        if (!*at)
            break;
    }
    return status;
}

static enum pb_status print_report(const struct pb_compare_report *report, const struct pb_arguments *arguments,
                                   struct pb_error *error)
{
    struct pb_text text = {0};
    if (pb_argument(arguments, "json"))
        return pb_compare_report_json(report, error);
    if (arguments->quiet && report->verdict == PB_VERDICT_GOOD)
        return PB_OK;
    const struct pb_markup markup = {.text = &text,
                                     .style = pb_argument(arguments, "markdown") ? PB_TABLE_MARKDOWN : PB_TABLE_TEXT};
    pb_compare_report_tables(report, &markup);
    return pb_print_text(&text, error);
}

/* What is a file or a folder is that; else it is a name in the history. */
static enum pb_status read_side(const char *word, const char *folder, struct pb_compared_side *side, bool *stored,
                                struct pb_error *error)
{
    struct pb_history history = {0};
    const struct pb_history_run *run = NULL;
    *stored = !pb_file_exists(word);
    if (!*stored)
        return pb_compared_side_read(word, side, error);
    if (!pb_is_dir(folder))
        return pb_fail_at(error, PB_ERROR_INPUT, word, 0,
                          "there is no such folder or file, and no history '%s' with a run of that name; compare takes "
                          "folders that 'prunebench run' made, results in them (OUT/cells/ID.xml), and names of "
                          "'prunebench history list'",
                          folder);
    enum pb_status status = pb_history_open(folder, &history, error);
    if (status == PB_OK)
        status = pb_history_find(&history, word, &run, error);
    if (status == PB_OK)
        status = pb_history_side(&history, run, side, error);
    pb_history_close(&history);
    return status;
}

/* Takes a comparison's sides from wherever they are. Where one is of a history, of the other is left what a history keeps. */
static enum pb_status compare(const struct pb_arguments *arguments, const struct pb_margins *margins,
                              struct pb_comparison *comparison, struct pb_error *error)
{
    const char *folder = pb_argument(arguments, "history");
    struct pb_compared_side sides[2] = {0};
    bool stored[2] = {false, false};
    enum pb_status status = PB_OK;
    for (int i = PB_BEFORE; status == PB_OK && i <= PB_AFTER; i++)
        status = read_side(arguments->words[i], folder ? folder : PB_HISTORY_FOLDER, &sides[i], &stored[i], error);
    for (int i = PB_BEFORE; status == PB_OK && i <= PB_AFTER; i++)
        if (stored[!i] && !stored[i])
            status = pb_history_reduce_side(&sides[i], error);
    if (status == PB_OK)
        return pb_compare_sides(sides, margins, comparison, error);
    pb_compared_side_free(&sides[PB_BEFORE]);
    pb_compared_side_free(&sides[PB_AFTER]);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct pb_comparison comparison = {0};
    struct pb_compare_report report = {.comparison = &comparison,
                                       .margins = {.quality = 0.01, .speed = 0.05, .memory = 0.05}};
    const char *const *lists = pb_argument_list(arguments, "fail-on");
    enum pb_status status = PB_OK;
    if (pb_argument(arguments, "json") && pb_argument(arguments, "markdown"))
        return pb_fail(error, PB_ERROR_INPUT, "compare: --json and --markdown exclude each other");
    for (; status == PB_OK && lists && *lists; lists++)
        status = parse_list(*lists, &report, error);
    if (status == PB_OK)
        status = compare(arguments, &report.margins, &comparison, error);
    if (status == PB_OK) {
        report.verdict = pb_comparison_verdict(&comparison, &report.gate);
        *exit_code = (int)report.verdict;
        if (pb_argument(arguments, "html"))
            status = pb_compare_report_html(&report, pb_argument(arguments, "html"), error);
        if (status == PB_OK)
            status = print_report(&report, arguments, error);
    }
    pb_comparison_free(&comparison);
    return status;
}

const struct pb_command pb_command_compare = {
    .name = "compare",
    .usage = "BEFORE AFTER [--fail-on LIST] [--history DIR] [--json | --markdown] [--html FILE]",
    .summary = "compare two runs or two results: is the second worse?",
    .details =
        "BEFORE and AFTER are two folders that 'prunebench run' made, two of their results (OUT/cells/ID.xml), or "
        "names of a history ('prunebench history list'; last, last-good). A history keeps of each result what is "
        "compared "
        "here: accuracies, losses, sizes, times, settings and provenance. "
        "Cells "
        "are paired by id. Says first whether AFTER is equal, better or worse, by how much and how sure, then what "
        "that "
        "rests on:\n"
        "\n"
        "Bits: what has the same stage key and the same kernel set must have the same numbers, and stored networks of "
        "one key the same bytes. A difference is a defect of any size, named with cell and stage, and always a "
        "regression. Networks are there to compare where <stages keep> keeps them; it is said how many were.\n"
        "\n"
        "Inputs: which code, plugins, data, kernels, machine and options changed, one line for each change.\n"
        "\n"
        "Top-1: cells that differ in the seed alone are one group. A change is judged by how far seeds scatter, pooled "
        "over all groups of one data set and rate, and corrected over all groups (Holm). 'equal' means that a change "
        "of "
        "the limit or more is excluded (two one-sided tests), 'undecided' that neither is shown.\n"
        "\n"
        "Images: where one network was evaluated with two kernel sets, its right and wrong answers are compared image "
        "by "
        "image (McNemar's exact test). Two trainings never are: seeds would alarm every night.\n"
        "\n"
        "Times and sizes: the median ratio with its interval; a rank-sum test within a group only where its seeds can "
        "reach the level. Four measurements are the fewest that are judged.\n"
        "\n"
        "Exit code: 0 equal or better; 1 other bits under the same stage key, or a regression by --fail-on; 2 wrong "
        "usage or input; 3 not comparable: a cell "
        "is "
        "missing or its result is left out, images, kernel sets, processors or numbers of threads differ, or --fail-on "
        "has nothing to judge by; 4 a cell failed. Of several, 3 comes before 4, and 4 before 1.",
    .options = options,
    .min_words = 2,
    .max_words = 2,
    .run = run,
};
