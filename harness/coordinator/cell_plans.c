/* Plans of all cells, made by a child process. */
#include "coordinator/cell_plans.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "coordinator/plan_lines.h"
#include "coordinator/queue.h"
#include "coordinator/worker.h"
#include "coordinator/worker_end.h"

/* A growing list of words; NULL-terminated. */
struct words {
    char **list;
    size_t count;
};

/* A planning under way. */
struct planner {
    const struct pb_matrix *matrix;
    const struct pb_planning *planning;
    pb_plan_function *on_plan;
    void *argument;
    struct pb_cell_plan plan; /* of the cell that is being planned, as far as its lines have come */
    struct pb_text lines; /* these */
    struct pb_error failure;
    uint32_t next; /* the first cell whose plan is not complete */
    uint32_t killed_at; /* the cell at which a child was killed from outside; PB_NONE */
    bool chained; /* its schedule has run */
    double heard; /* when the last line came */
    struct words skipped; /* labels of schedules, and in reasons: why */
    struct words reasons;
    struct words without_costs;
    enum pb_status status;
    struct pb_error *error;
};

static enum pb_status add_word(struct words *words, char *word, struct pb_error *error)
{
    char **grown = word ? pb_realloc(words->list, words->count, words->count + 2, sizeof *grown) : NULL;
    if (!grown) {
        pb_free(word);
        return pb_fail_memory(error, (words->count + 2) * sizeof *grown);
    }
    words->list = grown;
    grown[words->count++] = word;
    return PB_OK;
}

static void free_words(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        pb_free(words->list[i]);
    pb_free(words->list);
}

/* Why the schedule's cells get no plan; NULL where it has one. */
static const char *reason_to_skip(const struct planner *planner, const char *schedule)
{
    for (size_t i = 0; i < planner->skipped.count; i++)
        if (strcmp(planner->skipped.list[i], schedule) == 0)
            return planner->reasons.list[i];
    return NULL;
}

static void end_cell(struct planner *planner)
{
    const char *skipped = reason_to_skip(planner, planner->matrix->cells[planner->next]->schedule.label);
    if (skipped)
        (void)pb_fail(&planner->failure, PB_ERROR_RUN, "%s", skipped);
    const bool planned = planner->failure.status == PB_OK;
    planner->status = planner->lines.failed
                          ? pb_fail_memory(planner->error, planner->lines.capacity)
                          : planner->on_plan(planner->argument, planner->next, planned ? &planner->plan : NULL,
                                             &planner->lines, &planner->failure, planner->error);
    pb_cell_plan_free(&planner->plan);
    planner->lines.length = 0;
    planner->failure = (struct pb_error){0};
    planner->chained = false;
    planner->next++;
}

static void on_line(void *argument, char *line)
{
    struct planner *planner = argument;
    planner->heard = pb_clock();
    if (planner->status != PB_OK || planner->next == planner->matrix->cell_count)
        return;
    if (strcmp(line, PB_PLAN_END) == 0)
        end_cell(planner);
    else if (strcmp(line, PB_PLAN_CHAIN) == 0)
        planner->chained = true;
    else {
        planner->status = pb_plan_lines_read(line, &planner->plan, &planner->failure, planner->error);
        pb_text_append_bytes(&planner->lines, line, strlen(line));
        pb_text_append_bytes(&planner->lines, "\n", 1);
    }
}

/* Appends "OPTION WORD" for every word. */
static void append_options(const char **made, size_t *count, const char *option, const char *const *words)
{
    for (size_t i = 0; words && words[i]; i++) {
        made[(*count)++] = option;
        made[(*count)++] = words[i];
    }
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words && words[count])
        count++;
    return count;
}

static enum pb_status start_child(struct planner *planner, struct pb_worker *child)
{
    const struct pb_planning *planning = planner->planning;
    char first[16], threads[16];
    snprintf(first, sizeof first, "%u", planner->next);
    snprintf(threads, sizeof threads, "%u", planning->threads);
    const char *const fixed[] = {
        "cell", planning->matrix_path, PB_WORKER_PIPE_OPTION, "--plan", "--threads", threads, "--first", first};
    const char *const *skipped = (const char *const *)planner->skipped.list;
    const char *const *without_costs = (const char *const *)planner->without_costs.list;
    size_t count = sizeof fixed / sizeof *fixed;
    const size_t more = count_words(planning->plugin_files) + count_words(planning->costs_of) + planner->skipped.count +
                        planner->without_costs.count;
    const char **words = pb_calloc(count + 2 * more + 1, sizeof *words);
    if (!words)
        return pb_fail_memory(planner->error, (count + 2 * more) * sizeof *words);
    memcpy(words, fixed, sizeof fixed);
    append_options(words, &count, "--plugin-file", planning->plugin_files);
    append_options(words, &count, "--costs-of", planning->costs_of);
    append_options(words, &count, "--skip", skipped);
    append_options(words, &count, "--without-costs", without_costs);
    const enum pb_status status =
        pb_worker_start(&(struct pb_worker_spec){planning->program, words, planning->log, planning->threads, 0, 0},
                        child, planner->error);
    pb_free(words);
    return status;
}

static double time_limit(void)
{
    const char *text = getenv("PRUNEBENCH_PLAN_SECONDS");
    double seconds;
    return text && pb_parse_real(text, &seconds) && seconds > 0 ? seconds : 20;
}

/* The child writes after every cell. To wake up for each would cost as much as planning them. */
static void let_lines_gather(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static enum pb_status run_child(struct planner *planner, struct pb_worker *child)
{
    const double limit = time_limit();
    const enum pb_status status = start_child(planner, child);
    if (status != PB_OK)
        return status;
    planner->heard = pb_clock();
    planner->chained = false;
    (void)fcntl(child->pipe, F_SETPIPE_SZ, 1 << 20); /* so that the child need not wait meanwhile */
    while (!pb_worker_attend(child, on_line, planner)) {
        struct pollfd waiting[] = {{.fd = child->pipe, .events = POLLIN}, {.fd = child->log.pipe, .events = POLLIN}};
        if (poll(waiting, 2, child->pipe < 0 ? 5 : 100) > 0)
            let_lines_gather();
        if (child->shared && child->shared->depth == 0) /* no plugin runs: it may read all images of a large data set */
            planner->heard = pb_clock();
        if (pb_clock() - planner->heard > limit || planner->status != PB_OK)
            pb_worker_end(child, PB_WORKER_TIME_LIMIT, true);
    }
    return planner->status;
}

/* How the child ended before all cells were planned: "it died of SIGSEGV". From pb_calloc. */
static char *describe_end(const struct pb_worker *child)
{
    char name[32];
    if (child->stop == PB_WORKER_TIME_LIMIT)
        return pb_format("did not return within %g seconds", time_limit());
    if (!WIFSIGNALED(child->wait_status))
        return pb_format("ended the process with exit code %d", WEXITSTATUS(child->wait_status));
    pb_signal_name(WTERMSIG(child->wait_status), name);
    return pb_format("died of %s", name);
}

/* The child could not even begin: nobody's plugin is to blame. */
static enum pb_status fail_start(const struct planner *planner, const struct pb_worker *child)
{
    char *end = describe_end(child);
    const enum pb_status status = pb_fail(
        planner->error, PB_ERROR_RUN, "the cells cannot be planned: the planning process %s%s%s", end ? end : "ended",
        planner->planning->log ? "; see " : "", planner->planning->log ? planner->planning->log : "");
    pb_free(end);
    return status;
}

/* The child ended at cell next: with its schedule, or with its data set or backend while costs were estimated. */
static enum pb_status blame(struct planner *planner, const struct pb_worker *child)
{
    const struct pb_cell_config *cell = planner->matrix->cells[planner->next];
    char place[800];
    pb_worker_describe_place(child, place, sizeof place);
    char *end = describe_end(child);
    if (planner->chained) {
        pb_log(PB_LOG_WARNING,
               "what cells with data set '%s' and backend '%s' cost is not known: the planning process %s%s%s",
               cell->dataset.label, cell->backend.label, end ? end : "ended", place[0] ? ": " : "", place);
        pb_free(end);
        return add_word(&planner->without_costs, pb_format("%s/%s", cell->dataset.label, cell->backend.label),
                        planner->error);
    }
    if (reason_to_skip(planner, cell->schedule.label)) {
        pb_free(end);
        return fail_start(planner, child);
    }
    char *reason = end ? pb_format("schedule '%s' %s while it was planned%s%s", cell->schedule.label, end,
                                   place[0] ? ": " : "", place)
                       : NULL;
    pb_free(end);
    const enum pb_status status = add_word(&planner->reasons, reason, planner->error);
    return status == PB_OK ? add_word(&planner->skipped, pb_strdup(cell->schedule.label), planner->error) : status;
}

/*
 * Nothing that a plugin computes ends in one of these signals: somebody killed the child, or memory ran out. Once per cell that is
 * nobody's fault; again at the same cell, what runs there is to blame.
 */
static bool was_killed_from_outside(struct planner *planner, const struct pb_worker *child)
{
    const int signal = WIFSIGNALED(child->wait_status) ? WTERMSIG(child->wait_status) : 0;
    if (child->stop != PB_WORKER_ON_ITS_OWN || planner->killed_at == planner->next ||
        (signal != SIGKILL && signal != SIGTERM && signal != SIGINT && signal != SIGHUP))
        return false;
    planner->killed_at = planner->next;
    char name[32];
    pb_signal_name(signal, name);
    pb_log(PB_LOG_WARNING, "the planning process died of %s, which no plugin causes; it is started again", name);
    return true;
}

enum pb_status pb_plan_cells(const struct pb_matrix *matrix, const struct pb_planning *planning,
                             pb_plan_function *on_plan, void *argument, struct pb_error *error)
{
    struct planner planner = {.matrix = matrix,
                              .planning = planning,
                              .on_plan = on_plan,
                              .argument = argument,
                              .error = error,
                              .killed_at = PB_NONE};
    enum pb_status status = PB_OK;
    while (status == PB_OK && planner.next < matrix->cell_count) {
        struct pb_worker child;
        status = run_child(&planner, &child);
        pb_cell_plan_free(&planner.plan);
        planner.lines.length = 0;
        planner.failure = (struct pb_error){0};
        if (status == PB_OK && planner.next < matrix->cell_count && !was_killed_from_outside(&planner, &child))
            status = blame(&planner, &child);
    }
    pb_text_free(&planner.lines);
    free_words(&planner.skipped);
    free_words(&planner.reasons);
    free_words(&planner.without_costs);
    return status;
}
