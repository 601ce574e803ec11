/* The operator suite in child processes. */
#include "coordinator/suite_runs.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/place_text.h"
#include "base/resources.h"
#include "base/text.h"
#include "coordinator/child.h"
#include "coordinator/child_end.h"

/* A run of the suite. */
struct runs {
    const struct pb_suite_children *children;
    struct pb_suite_outcome *outcome;
    const char *program;
    double limit; /* seconds for one call of the backend */
    struct pb_error refusal; /* what the child says is wrong */
    bool done; /* the child has written everything */
};

static double time_limit(void)
{
    const char *text = getenv("PRUNEBENCH_OPERATOR_SECONDS");
    double seconds;
    return text && pb_parse_real(text, &seconds) && seconds > 0 ? seconds : 60;
}

static void on_line(void *argument, char *line)
{
    struct runs *runs = argument;
    pb_suite_line_read(line, runs->outcome, &runs->refusal, &runs->done);
}

/* The command, where it writes, and every operator that has ended a child. */
static enum pb_status start(const struct runs *runs, struct pb_child *child, struct pb_error *error)
{
    const struct pb_suite_report *report = &runs->outcome->report;
    const char *const own[] = {PB_CHILD_PIPE_OPTION};
    size_t count = 0;
    while (runs->children->command[count])
        count++;
    const char **words = pb_calloc(count + 2 * (size_t)report->count + sizeof own / sizeof *own + 1, sizeof *words);
    if (!words)
        return pb_fail_memory(error, count * sizeof *words);
    memcpy(words, runs->children->command, count * sizeof *words);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        words[count++] = own[i];
    for (uint32_t i = 0; i < report->count; i++)
        if (report->results[i].skipped) {
            words[count++] = runs->children->skip;
            words[count++] = report->results[i].name;
        }
    const struct pb_child_spec spec = {
        .program = runs->program, .arguments = words, .threads = runs->children->threads};
    const enum pb_status status = pb_child_start(&spec, child, error);
    pb_free(words);
    return status;
}

/* Since when the backend's code runs; 0: it does not. Its name counts from when it is complete, so it is read first. */
static double entered(const volatile struct pb_place *place)
{
    const uint32_t depth = place->depth;
    if (place->operation[0] && place->operation_entered > 0)
        return place->operation_entered;
    return depth > 0 && depth <= PB_PLACE_DEPTH ? place->frames[depth - 1].entered : 0;
}

static void attend(struct runs *runs, struct pb_child *child)
{
    while (!pb_child_attend(child, on_line, runs)) {
        struct pollfd waiting = {.fd = child->pipe, .events = POLLIN};
        (void)poll(&waiting, 1, child->pipe < 0 ? 5 : 100);
        const double since = child->shared ? entered(child->shared) : 0;
        if (since > 0 && pb_clock() - since > runs->limit)
            pb_child_end(child, PB_CHILD_TIME_LIMIT, true);
    }
}

/* A sanitizer turns some signals into an exit code, after they have been noted. */
static void describe_end(const struct runs *runs, const struct pb_child *child, char *text, size_t size)
{
    const int number = WIFSIGNALED(child->wait_status) ? WTERMSIG(child->wait_status) : child->place.fault.signal;
    char name[32];
    if (child->stop == PB_CHILD_TIME_LIMIT) {
        snprintf(text, size, "no answer within %g s", runs->limit);
    } else if (number) {
        pb_signal_name(number, name);
        snprintf(text, size, "crashed (%s)", name);
    } else {
        snprintf(text, size, "ended the process (exit code %d)", WEXITSTATUS(child->wait_status));
    }
}

static bool ended_well(const struct runs *runs, const struct pb_child *child)
{
    return runs->done && child->stop == PB_CHILD_ON_ITS_OWN && WIFEXITED(child->wait_status) &&
           WEXITSTATUS(child->wait_status) == 0;
}

static struct pb_suite_result *find_row(struct pb_suite_report *report, const char *name)
{
    for (uint32_t i = 0; i < report->count; i++)
        if (strcmp(report->results[i].name, name) == 0)
            return &report->results[i];
    return NULL;
}

/* The child has ended early. PB_OK: its operator is named, and the suite can be run without it. */
static enum pb_status blame(struct runs *runs, const struct pb_child *child, struct pb_error *error)
{
    struct pb_suite_outcome *outcome = runs->outcome;
    const struct pb_place *place = &child->place;
    struct pb_suite_result *result = find_row(&outcome->report, place->operation);
    char end[80], hook[300];
    describe_end(runs, child, end, sizeof end);
    outcome->ended = true;
    if (place->depth == 0 && result && !result->skipped && !runs->done) {
        result->skipped = true;
        snprintf(result->problem, sizeof result->problem, "%s%s in %s", end,
                 place->operation_entered > 0 ? "" : " after it had returned", place->node);
        return PB_OK;
    }
    struct pb_place outside = *place; /* no operator runs */
    outside.operation[0] = '\0';
    double seconds;
    pb_place_describe(&outside, 0, hook, sizeof hook, &seconds);
    if (!runs->done)
        return pb_fail(error, PB_ERROR_RUN, "%s: the process that runs its operators %s",
                       hook[0] ? hook : "the backend", end);
    snprintf(outcome->problem, sizeof outcome->problem, "%s: %s", hook[0] ? hook : "the backend", end);
    return PB_OK;
}

static enum pb_status run_once(struct runs *runs, struct pb_error *error)
{
    struct pb_child child;
    enum pb_status status = start(runs, &child, error);
    if (status != PB_OK)
        return status;
    attend(runs, &child);
    if (runs->refusal.status != PB_OK) {
        *error = runs->refusal;
        return error->status;
    }
    return ended_well(runs, &child) ? PB_OK : blame(runs, &child, error);
}

enum pb_status pb_suite_in_children(const struct pb_suite_children *children, struct pb_suite_outcome *outcome,
                                    struct pb_error *error)
{
    char *program = NULL;
    struct runs runs = {.children = children, .outcome = outcome, .limit = time_limit()};
    *outcome = (struct pb_suite_outcome){0};
    pb_suite_list(&outcome->report);
    enum pb_status status = pb_program_path(&program, error);
    runs.program = program;
    while (status == PB_OK && !runs.done)
        status = run_once(&runs, error);
    pb_free(program);
    return status;
}
