/* prunebench history: the runs of many nights, and since when something is better or worse. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/history_report.h"
#include "cli/print_json.h"
#include "history/history_add.h"
#include "report/nights.h"
#include "results/json_values.h"
#include "summary/summary.h"

static const struct pb_cli_option options[] = {
    {"history", 0, "DIR", "the folder of the history (history)"},
    {"name", 0, "NAME", "add: what the run is called; else its folder's name"},
    {"note", 0, "TEXT", "add: a line about the run"},
    {"state", 0, "STATE", "add: how a comparison judged it: good, regression, not-comparable, failed"},
    {"cell", 0, "GLOB", "trend: only cells whose id, with or without the seed, matches"},
    {"measure", 0, "NAME",
     "trend: accuracy, loss, bytes, memory, ms, images, training, scoring or another column of 'show --json'; ms is "
     "all of "
     "ms.STAGE.bBATCH"},
    {"keep", 0, "N", "prune: the newest N runs stay whole (30)"},
    {"dry-run", 'n', NULL, "prune: only say what would be removed"},
    {"json", 0, NULL, "print one JSON object"},
    {0},
};

/* What every action gets. */
struct request {
    const struct pb_arguments *arguments;
    const char *folder;
    const char *const *words; /* behind the action */
    bool json;
};

struct action {
    const char *name, *usage;
    size_t words; /* behind the action */
    const char *const *options; /* its own, up to NULL */
    enum pb_status (*run)(const struct request *request, struct pb_error *error);
};

/* Of a run that began before the one that was added before it. */
static void warn_of_clock(const struct pb_history *history, const struct pb_history_run *run)
{
    if (pb_history_is_backwards(history, run))
        pb_log(PB_LOG_WARNING,
               "history '%s': run '%s' began at %s, before '%s' (%s), which was added before it: did a clock run "
               "backwards? Runs stay in the order in which they are added",
               history->folder, run->name, run->time, run[-1].name, run[-1].time);
}

static enum pb_status print_added(const struct request *request, const char *file, bool known, struct pb_error *error)
{
    struct pb_history history = {0};
    const struct pb_history_run *run = NULL;
    enum pb_status status = pb_history_open(request->folder, &history, error);
    if (status == PB_OK)
        status = pb_history_find(&history, file, &run, error);
    if (status == PB_OK && !known)
        warn_of_clock(&history, run);
    if (status == PB_OK && request->json) {
        status = pb_history_report_run(&history, run, NULL, true, error);
    } else if (status == PB_OK && !request->arguments->quiet) {
        struct pb_text text = {0};
        pb_text_append(&text, "%s: run '%s' %s%s.\n", request->folder, run->name,
                       known ? "is there already, as " : "is ", run->file);
        status = pb_print_text(&text, error);
    }
    pb_history_close(&history);
    return status;
}

static enum pb_status add(const struct request *request, struct pb_error *error)
{
    struct pb_summary summary = {0};
    uint32_t state = 0;
    char *file = NULL;
    bool known = false;
    enum pb_status status = pb_argument_choice(request->arguments, "state", pb_run_states, &state, error);
    if (status == PB_OK)
        status = pb_summary_read(request->words[0], &summary, error);
    if (status == PB_OK) {
        const struct pb_history_entry entry = {.run = &summary,
                                               .folder = request->words[0],
                                               .name = pb_argument(request->arguments, "name"),
                                               .note = pb_argument(request->arguments, "note"),
                                               .judged = pb_argument(request->arguments, "state") != NULL,
                                               .state = (enum pb_run_state)state};
        status = pb_history_add(request->folder, &entry, &file, &known, error);
    }
    if (status == PB_OK)
        status = print_added(request, file, known, error);
    pb_free(file);
    pb_summary_free(&summary);
    return status;
}

static enum pb_status list(const struct request *request, struct pb_error *error)
{
    struct pb_history history = {0};
    enum pb_status status = pb_history_open(request->folder, &history, error);
    if (status == PB_OK)
        status = pb_history_report_list(&history, request->json, error);
    pb_history_close(&history);
    return status;
}

static enum pb_status show(const struct request *request, struct pb_error *error)
{
    struct pb_history history = {0};
    const struct pb_history_run *run = NULL;
    struct pb_night_numbers numbers = {0};
    char *data = NULL;
    size_t length = 0;
    enum pb_status status = pb_history_open(request->folder, &history, error);
    if (status == PB_OK)
        status = pb_history_find(&history, request->words[0], &run, error);
    if (status == PB_OK)
        status = pb_history_read(&history, run, PB_PART_NUMBERS, &data, &length, error);
    if (status == PB_OK)
        status = pb_night_numbers_parse(run->file, data, length, &numbers, error);
    if (status == PB_OK)
        status = pb_history_report_run(&history, run, &numbers, request->json, error);
    pb_free(data);
    pb_night_numbers_free(&numbers);
    pb_history_close(&history);
    return status;
}

static enum pb_status find_trend(const struct request *request, struct pb_error *error)
{
    const struct pb_trend_options asked = {.cell = pb_argument(request->arguments, "cell"),
                                           .measure = pb_argument(request->arguments, "measure")};
    struct pb_history history = {0};
    struct pb_trend trend = {0};
    enum pb_status status = pb_history_open(request->folder, &history, error);
    if (status == PB_OK)
        status = pb_trend_find(&history, &asked, &trend, error);
    if (status == PB_OK)
        status = pb_history_report_trend(&history, &trend, request->json, error);
    pb_trend_free(&trend);
    pb_history_close(&history);
    return status;
}

static enum pb_status make_page(const struct request *request, struct pb_error *error)
{
    const char *path = request->words[0];
    struct pb_history history = {0};
    enum pb_status status = pb_history_open(request->folder, &history, error);
    if (status == PB_OK)
        status = pb_nights_page(&history, path, error);
    pb_history_close(&history);
    if (status == PB_OK && request->json)
        return pb_print_json(json_pack("{s:o}", "page", pb_json_text(path)), error);
    if (status == PB_OK && !request->arguments->quiet) {
        struct pb_text text = {0};
        pb_text_append(&text, "%s\n", path);
        status = pb_print_text(&text, error);
    }
    return status;
}

static enum pb_status annotate(const struct request *request, struct pb_error *error)
{
    struct pb_history history = {0};
    const struct pb_history_run *run = NULL;
    enum pb_status status = pb_history_open(request->folder, &history, error);
    if (status == PB_OK)
        status = pb_history_find(&history, request->words[0], &run, error);
    if (status == PB_OK)
        status = pb_history_annotate(&history, run, request->words[1], error);
    if (status == PB_OK)
        status = print_added(request, run->file, true, error);
    pb_history_close(&history);
    return status;
}

static enum pb_status prune(const struct request *request, struct pb_error *error)
{
    struct pb_history history = {0};
    enum pb_kept *kept = NULL;
    uint64_t freed = 0;
    size_t newest = 30;
    const bool dry = pb_argument(request->arguments, "dry-run") != NULL;
    enum pb_status status = pb_argument_size(request->arguments, "keep", 1, 1000000, &newest, error);
    if (status == PB_OK) {
        const struct pb_retention retention = {.newest = (uint32_t)newest, .dry = dry};
        status = pb_history_prune(request->folder, &retention, &history, &kept, &freed, error);
    }
    if (status == PB_OK && (request->json || !request->arguments->quiet))
        status = pb_history_report_pruned(&history, kept, freed, dry, request->json, error);
    pb_free(kept);
    pb_history_close(&history);
    return status;
}

static const char *const OF_ADD[] = {"name", "note", "state", NULL}, *const OF_TREND[] = {"cell", "measure", NULL},
                         *const OF_PRUNE[] = {"keep", "dry-run", NULL}, *const NONE[] = {NULL};
static const struct action ACTIONS[] = {
    {"add", "add OUT [--name NAME] [--note TEXT] [--state STATE]", 1, OF_ADD, add},
    {"list", "list", 0, NONE, list},
    {"show", "show NAME", 1, NONE, show},
    {"trend", "trend [--cell GLOB] [--measure NAME]", 0, OF_TREND, find_trend},
    {"page", "page FILE", 1, NONE, make_page},
    {"annotate", "annotate NAME TEXT", 2, NONE, annotate},
    {"prune", "prune [--keep N] [--dry-run]", 0, OF_PRUNE, prune},
};
enum { ACTION_COUNT = sizeof ACTIONS / sizeof *ACTIONS };

static enum pb_status find_action(const char *name, const struct action **action, struct pb_error *error)
{
    const char *names[ACTION_COUNT];
    for (int i = 0; i < ACTION_COUNT; i++) {
        names[i] = ACTIONS[i].name;
        if (strcmp(name, names[i]) == 0) {
            *action = &ACTIONS[i];
            return PB_OK;
        }
    }
    const char *closest = pb_closest(name, names, ACTION_COUNT);
    return pb_fail(error, PB_ERROR_INPUT,
                   "history: '%s' is none of add, list, show, trend, page, annotate and prune%s%s%s", name,
                   closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
}

/* An option that another action has is refused, not ignored. */
static enum pb_status check_options(const struct pb_arguments *arguments, const struct action *action,
                                    struct pb_error *error)
{
    for (const struct pb_cli_option *option = options; option->name; option++) {
        bool own = strcmp(option->name, "history") == 0 || strcmp(option->name, "json") == 0;
        for (const char *const *name = action->options; *name; name++)
            own = own || strcmp(*name, option->name) == 0;
        if (!own && pb_argument(arguments, option->name))
            return pb_fail(error, PB_ERROR_INPUT, "history %s takes no --%s", action->name, option->name);
    }
    return PB_OK;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    const struct action *action = NULL;
    const char *folder = pb_argument(arguments, "history");
    const struct request request = {.arguments = arguments,
                                    .folder = folder ? folder : PB_HISTORY_FOLDER,
                                    .words = arguments->words + 1,
                                    .json = pb_argument(arguments, "json") != NULL};
    (void)exit_code;
    enum pb_status status = find_action(arguments->words[0], &action, error);
    if (status == PB_OK)
        status = check_options(arguments, action, error);
    if (status == PB_OK && arguments->word_count != action->words + 1)
        status = pb_fail(error, PB_ERROR_INPUT, "usage: prunebench history %s [--history DIR] [--json]", action->usage);
    return status == PB_OK ? action->run(&request, error) : status;
}

const struct pb_command pb_command_history = {
    .name = "history",
    .usage = "add OUT | list | show NAME | trend | page FILE | annotate NAME TEXT | prune [--history DIR] [--json]",
    .summary = "the runs of many nights: since when is something better or worse?",
    .details =
        "A history is a folder with one compact file for each run; files are only added. A run that is cut or "
        "damaged is "
        "skipped with a warning, and harms no other. NAME is a run's name or number as in 'list', 'last', or "
        "'last-good': the "
        "last run that was good, or whose change is known. 'prunebench compare' takes the same names.\n"
        "\n"
        "add puts a folder that 'prunebench run' made into the history. What is left out is what only a report "
        "draws; the "
        "folder may be removed afterwards.\n"
        "\n"
        "trend finds the nights from which on a number has another level (change points), and says between "
        "which commits "
        "that was: accuracy, loss, sizes, memory, latencies, seconds of training and scoring; over all cells, "
        "and over the "
        "seeds of each group. A level has three nights at least, and so many that ranks can "
        "distinguish it: seven nights before and seven after, or twenty-two and three. Times and memory are "
        "compared among nights on "
        "the last "
        "night's processor, threads and kernel sets. Smaller changes than .5 points, or 3 % of times and "
        "memory, are not "
        "reported.\n"
        "\n"
        "page writes FILE, an HTML page that can be copied alone: how the last night ended, since when something is "
        "worse, what is best, every method and every night. Nights whose report is in FILE's folder or below are "
        "linked.\n"
        "\n"
        "annotate says that a run's change is known: trend says so, and the run counts as good, so that the "
        "next night is "
        "compared with it.\n"
        "\n"
        "prune removes the result documents of old runs, which only compare reads, and leaves the numbers that "
        "trend reads. "
        "Whole stay the newest runs, the first one, the last good one, those that were annotated, and two on "
        "each side of "
        "every change.",
    .options = options,
    .min_words = 1,
    .max_words = 3,
    .run = run,
};
