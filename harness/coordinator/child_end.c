/* How a child ended, as a message. */
#include "coordinator/child_end.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/place_text.h"
#include "base/progress.h"
#include "base/text.h"

enum { PLACE_TEXT = 400, REASON_TEXT = 900 };

/* A call that a limit finds running has not returned for long when it took a second, or a tenth of all. */
static bool is_long(double seconds, double limit)
{
    return seconds >= 1 || seconds >= limit / 10;
}

static void describe_timeout(const struct pb_child *child, struct pb_child_end *end)
{
    char limit[32], place[PLACE_TEXT];
    double seconds;
    const struct pb_place *notes = &child->place;
    pb_format_seconds(child->time_limit, limit);
    pb_place_describe(notes, child->stopped, place, sizeof place, &seconds);
    end->status = PB_CELL_TIMED_OUT;
    if (place[0] && is_long(seconds, child->time_limit) && (pb_place_in_hook(notes) || notes->operation[0]))
        snprintf(
            end->message, sizeof end->message,
            "it ran longer than %s, and has not returned for %.1f seconds from %s; look there for a loop without an "
            "end (a higher <limits time> helps only when there is none); the epochs that it has trained are kept",
            limit, seconds, place);
    else
        snprintf(end->message, sizeof end->message,
                 "it ran longer than %s; raise <limits time>; the epochs that it has trained are kept", limit);
}

static void describe_memory(const struct pb_child *child, struct pb_child_end *end)
{
    char place[PLACE_TEXT];
    double seconds;
    pb_place_describe(&child->place, child->stopped, place, sizeof place, &seconds);
    const bool in_hook = pb_place_in_hook(&child->place);
    const double limit = (double)child->memory_limit / 1048576;
    end->status = PB_CELL_MEMORY;
    const int length = snprintf(end->message, sizeof end->message, "it needed %.0f MiB%s%s; ",
                                (double)child->peak_memory / 1048576, in_hook ? " in " : "", in_hook ? place : "");
    snprintf(end->message + length, sizeof end->message - (size_t)length,
             child->job_memory ? "the worker's job has %.0f MiB for a cell: ask for more memory for the job or train "
                                 "smaller batches"
                               : "the limit is %.0f MiB: raise <limits memory> or train smaller batches",
             limit);
}

/* What a signal without an address usually means; "" for those that the host's message explains. */
static const char *usual_reason(int number)
{
    switch (number) {
    case SIGABRT:
        return "abort, a failed assertion, or damaged memory that the C library noticed; see the log";
    case SIGFPE:
        return "a division of whole numbers by zero";
    case SIGSEGV:
    case SIGBUS:
        return "a pointer that is no address, or a signal that was sent";
    default:
        return "";
    }
}

void pb_child_describe_place(const struct pb_child *child, char *text, size_t size)
{
    char place[PLACE_TEXT], reason[REASON_TEXT] = "";
    double seconds;
    const struct pb_fault *fault = &child->place.fault;
    text[0] = '\0';
    pb_place_describe(&child->place, 0, place, sizeof place, &seconds);
    if (!place[0])
        return;
    if (fault->overstep != PB_OVERSTEP_NONE && pb_place_in_hook(&child->place)) {
        pb_place_overstep(&child->place, fault, text, size);
        return;
    }
    if (fault->overstep != PB_OVERSTEP_NONE)
        pb_place_overstep(&child->place, fault, reason, sizeof reason);
    else if (fault->has_address)
        pb_place_reason(&child->place, reason, sizeof reason);
    else if (fault->signal || WIFSIGNALED(child->wait_status))
        snprintf(reason, sizeof reason, "%s",
                 usual_reason(fault->signal ? fault->signal : WTERMSIG(child->wait_status)));
    snprintf(text, size, "%s%s%s", place, reason[0] ? ": " : "", reason);
}

/* number: of the signal. A sanitizer turns some into an exit code, after they have been noted. */
static void describe_signal(const struct pb_child *child, int number, struct pb_child_end *end)
{
    char place[PLACE_TEXT + REASON_TEXT];
    end->status = PB_CELL_CRASHED;
    pb_signal_name(number, end->signal);
    pb_child_describe_place(child, place, sizeof place);
    snprintf(end->message, sizeof end->message, "its process died of %s%s%s%s", end->signal,
             number == SIGKILL ? " (sent by the system when memory runs out, or by somebody)" : "",
             place[0] ? " in " : "", place);
}

static void describe_exit(const struct pb_child *child, const struct pb_cell_config *cell, struct pb_child_end *end)
{
    char place[PLACE_TEXT];
    double seconds;
    const int code = WEXITSTATUS(child->wait_status);
    pb_place_describe(&child->place, 0, place, sizeof place, &seconds);
    end->status = PB_CELL_FAILED;
    if (pb_place_in_hook(&child->place))
        snprintf(end->message, sizeof end->message,
                 "its process was ended by exit(%d) in %s; a hook must return, and fail with host->fail", code, place);
    else
        snprintf(end->message, sizeof end->message,
                 "its process ended with exit code %d%s%s and wrote no result; see logs/%.200s.log", code,
                 place[0] ? " in " : "", place, cell->id);
}

bool pb_child_has_stopped(const struct pb_child *child)
{
    /* A plugin may call exit with any number. */
    return WIFEXITED(child->wait_status) && WEXITSTATUS(child->wait_status) == pb_exit_code(PB_ERROR_STOPPED) &&
           !pb_place_in_hook(&child->place);
}

static void describe_interruption(const struct pb_child *child, struct pb_child_end *end)
{
    end->status = PB_CELL_FAILED;
    if (pb_child_has_stopped(child))
        snprintf(end->message, sizeof end->message, "it was interrupted, and what it has done is stored");
    else
        snprintf(end->message, sizeof end->message,
                 "it was interrupted, and did not end in order; the epochs that it has trained are kept");
}

bool pb_child_ended_in_schedule(const struct pb_child *child)
{
    const struct pb_place *place = &child->place;
    return place->depth == 1 && !place->frames[0].verb && pb_starts_with(place->frames[0].plugin, "schedule '");
}

void pb_child_describe_end(const struct pb_child *child, const struct pb_cell_config *cell, struct pb_child_end *end)
{
    const struct pb_place *place = &child->place;
    const int number = WIFSIGNALED(child->wait_status) ? WTERMSIG(child->wait_status) : place->fault.signal;
    *end = (struct pb_child_end){0};
    if (child->stop == PB_CHILD_TIME_LIMIT) {
        describe_timeout(child, end);
    } else if (child->stop == PB_CHILD_MEMORY_LIMIT) {
        describe_memory(child, end);
    } else if (child->stop == PB_CHILD_INTERRUPTED) {
        describe_interruption(child, end);
    } else if (pb_child_has_stopped(child)) {
        end->status = PB_CELL_FAILED;
        snprintf(end->message, sizeof end->message,
                 "its process was asked to end (SIGTERM) by another one than the run's; what it has done is stored");
    } else if (place->verdict[0]) {
        end->status = PB_CELL_FAILED;
        snprintf(end->message, sizeof end->message, "%s", place->verdict);
    } else if (place->fault.overstep != PB_OVERSTEP_NONE && pb_place_in_hook(place)) {
        end->status = PB_CELL_FAILED;
        pb_place_overstep(place, &place->fault, end->message, sizeof end->message);
    } else if (number) {
        describe_signal(child, number, end);
    } else {
        describe_exit(child, cell, end);
    }
}
