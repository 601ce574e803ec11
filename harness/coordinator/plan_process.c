/* Plans of all cells, made by a child process. */
#include "coordinator/plan_process.h"

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
#include "coordinator/child.h"
#include "coordinator/child_end.h"

/* A growing list of words; NULL-terminated. */
struct words {
    char **list;
    size_t count;
};

/* Plans being read from child processes. */
struct reading {
    const struct pb_matrix *matrix;
    const struct pb_plan_process *process;
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
static const char *reason_to_skip(const struct reading *reading, const char *schedule)
{
    for (size_t i = 0; i < reading->skipped.count; i++)
        if (strcmp(reading->skipped.list[i], schedule) == 0)
            return reading->reasons.list[i];
    return NULL;
}

static void end_cell(struct reading *reading)
{
    const char *skipped = reason_to_skip(reading, reading->matrix->cells[reading->next]->schedule.label);
    if (skipped)
        (void)pb_fail(&reading->failure, PB_ERROR_RUN, "%s", skipped);
    const bool planned = reading->failure.status == PB_OK;
    reading->status = reading->lines.failed
                          ? pb_fail_memory(reading->error, reading->lines.capacity)
                          : reading->on_plan(reading->argument, reading->next, planned ? &reading->plan : NULL,
                                             &reading->lines, &reading->failure, reading->error);
    pb_cell_plan_free(&reading->plan);
    reading->lines.length = 0;
    reading->failure = (struct pb_error){0};
    reading->chained = false;
    reading->next++;
}

static void on_line(void *argument, char *line)
{
    struct reading *reading = argument;
    reading->heard = pb_clock();
    if (reading->status != PB_OK || reading->next == reading->matrix->cell_count)
        return;
    if (strcmp(line, PB_PLAN_END) == 0)
        end_cell(reading);
    else if (strcmp(line, PB_PLAN_CHAIN) == 0)
        reading->chained = true;
    else {
        reading->status = pb_plan_lines_read(line, &reading->plan, &reading->failure, reading->error);
        pb_text_append_bytes(&reading->lines, line, strlen(line));
        pb_text_append_bytes(&reading->lines, "\n", 1);
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

static enum pb_status start_child(struct reading *reading, struct pb_child *child)
{
    const struct pb_plan_process *process = reading->process;
    char first[16], threads[16];
    snprintf(first, sizeof first, "%u", reading->next);
    snprintf(threads, sizeof threads, "%u", process->threads);
    const char *const fixed[] = {
        "cell", process->matrix_path, PB_CHILD_PIPE_OPTION, "--plan", "--threads", threads, "--first", first};
    const char *const *skipped = (const char *const *)reading->skipped.list;
    const char *const *without_costs = (const char *const *)reading->without_costs.list;
    size_t count = sizeof fixed / sizeof *fixed;
    const size_t more = count_words(process->plugin_files) + count_words(process->costs_of) + reading->skipped.count +
                        reading->without_costs.count;
    const char **words = pb_calloc(count + 2 * more + 1, sizeof *words);
    if (!words)
        return pb_fail_memory(reading->error, (count + 2 * more) * sizeof *words);
    memcpy(words, fixed, sizeof fixed);
    append_options(words, &count, "--plugin-file", process->plugin_files);
    append_options(words, &count, "--costs-of", process->costs_of);
    append_options(words, &count, "--skip", skipped);
    append_options(words, &count, "--without-costs", without_costs);
    const struct pb_child_spec spec = {
        .program = process->program, .arguments = words, .log = process->log, .threads = process->threads};
    const enum pb_status status = pb_child_start(&spec, child, reading->error);
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

static enum pb_status run_child(struct reading *reading, struct pb_child *child)
{
    const double limit = time_limit();
    const enum pb_status status = start_child(reading, child);
    if (status != PB_OK)
        return status;
    reading->heard = pb_clock();
    reading->chained = false;
    (void)fcntl(child->pipe, F_SETPIPE_SZ, 1 << 20); /* so that the child need not wait meanwhile */
    while (!pb_child_attend(child, on_line, reading)) {
        struct pollfd waiting[] = {{.fd = child->pipe, .events = POLLIN}, {.fd = child->log.pipe, .events = POLLIN}};
        if (poll(waiting, 2, child->pipe < 0 ? 5 : 100) > 0)
            let_lines_gather();
        if (child->shared && child->shared->depth == 0) /* no plugin runs: it may read all images of a large data set */
            reading->heard = pb_clock();
        if (pb_clock() - reading->heard > limit || reading->status != PB_OK)
            pb_child_end(child, PB_CHILD_TIME_LIMIT, true);
    }
    return reading->status;
}

/* How the child ended before all cells were planned: "it died of SIGSEGV". From pb_calloc. */
static char *describe_end(const struct pb_child *child)
{
    char name[32];
    if (child->stop == PB_CHILD_TIME_LIMIT)
        return pb_format("did not return within %g seconds", time_limit());
    if (!WIFSIGNALED(child->wait_status))
        return pb_format("ended the process with exit code %d", WEXITSTATUS(child->wait_status));
    pb_signal_name(WTERMSIG(child->wait_status), name);
    return pb_format("died of %s", name);
}

/* The child could not even begin: nobody's plugin is to blame. */
static enum pb_status fail_start(const struct reading *reading, const struct pb_child *child)
{
    char *end = describe_end(child);
    const enum pb_status status = pb_fail(
        reading->error, PB_ERROR_RUN, "the cells cannot be planned: the planning process %s%s%s", end ? end : "ended",
        reading->process->log ? "; see " : "", reading->process->log ? reading->process->log : "");
    pb_free(end);
    return status;
}

/* The child ended at cell next: with its schedule, or with its data set or backend while costs were estimated. */
static enum pb_status blame(struct reading *reading, const struct pb_child *child)
{
    const struct pb_cell_config *cell = reading->matrix->cells[reading->next];
    char place[800];
    pb_child_describe_place(child, place, sizeof place);
    char *end = describe_end(child);
    if (reading->chained) {
        pb_log(PB_LOG_WARNING,
               "what cells with data set '%s' and backend '%s' cost is not known: the planning process %s%s%s",
               cell->dataset.label, cell->backend.label, end ? end : "ended", place[0] ? ": " : "", place);
        pb_free(end);
        return add_word(&reading->without_costs, pb_format("%s/%s", cell->dataset.label, cell->backend.label),
                        reading->error);
    }
    if (reason_to_skip(reading, cell->schedule.label)) {
        pb_free(end);
        return fail_start(reading, child);
    }
    char *reason = end ? pb_format("schedule '%s' %s while it was planned%s%s", cell->schedule.label, end,
                                   place[0] ? ": " : "", place)
                       : NULL;
    pb_free(end);
    const enum pb_status status = add_word(&reading->reasons, reason, reading->error);
    return status == PB_OK ? add_word(&reading->skipped, pb_strdup(cell->schedule.label), reading->error) : status;
}

/*
 * Nothing that a plugin computes ends in one of these signals: somebody killed the child, or memory ran out. Once per cell that is
 * nobody's fault; again at the same cell, what runs there is to blame.
 */
static bool was_killed_from_outside(struct reading *reading, const struct pb_child *child)
{
    const int signal = WIFSIGNALED(child->wait_status) ? WTERMSIG(child->wait_status) : 0;
    if (child->stop != PB_CHILD_ON_ITS_OWN || reading->killed_at == reading->next ||
        (signal != SIGKILL && signal != SIGTERM && signal != SIGINT && signal != SIGHUP))
        return false;
    reading->killed_at = reading->next;
    char name[32];
    pb_signal_name(signal, name);
    pb_log(PB_LOG_WARNING, "the planning process died of %s, which no plugin causes; it is started again", name);
    return true;
}

enum pb_status pb_plans_request(const struct pb_matrix *matrix, const struct pb_plan_process *process,
                                pb_plan_function *on_plan, void *argument, struct pb_error *error)
{
    struct reading reading = {.matrix = matrix,
                              .process = process,
                              .on_plan = on_plan,
                              .argument = argument,
                              .error = error,
                              .killed_at = PB_NONE};
    enum pb_status status = PB_OK;
    while (status == PB_OK && reading.next < matrix->cell_count) {
        struct pb_child child;
        status = run_child(&reading, &child);
        pb_cell_plan_free(&reading.plan);
        reading.lines.length = 0;
        reading.failure = (struct pb_error){0};
        if (status == PB_OK && reading.next < matrix->cell_count && !was_killed_from_outside(&reading, &child))
            status = blame(&reading, &child);
    }
    pb_text_free(&reading.lines);
    free_words(&reading.skipped);
    free_words(&reading.reasons);
    free_words(&reading.without_costs);
    return status;
}
