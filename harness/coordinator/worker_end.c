/* How a worker ended, as a message. */
#include "coordinator/worker_end.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/place_text.h"
#include "base/progress.h"
#include "base/text.h"

enum { PLACE_TEXT = 400, REASON_TEXT = 900 };

/* A call that a limit finds running has not returned for long when it took a second, or a tenth of all. */
static bool is_long(double seconds, double limit)
{
    return seconds >= 1 || seconds >= limit / 10;
}

static void describe_timeout(const struct pb_worker *worker, struct pb_worker_end *end)
{
    char limit[32], place[PLACE_TEXT];
    double seconds;
    const struct pb_place *notes = &worker->place;
    pb_format_seconds(worker->time_limit, limit);
    pb_place_describe(notes, worker->stopped, place, sizeof place, &seconds);
    end->status = PB_CELL_TIMED_OUT;
    if (place[0] && is_long(seconds, worker->time_limit) && (pb_place_in_hook(notes) || notes->operation[0]))
        snprintf(
            end->message, sizeof end->message,
            "it ran longer than %s, and has not returned for %.1f seconds from %s; look there for a loop without an "
            "end (a higher <limits time> helps only when there is none); the epochs that it has trained are kept",
            limit, seconds, place);
    else
        snprintf(end->message, sizeof end->message,
                 "it ran longer than %s; raise <limits time>; the epochs that it has trained are kept", limit);
}

static void describe_memory(const struct pb_worker *worker, struct pb_worker_end *end)
{
    char place[PLACE_TEXT];
    double seconds;
    pb_place_describe(&worker->place, worker->stopped, place, sizeof place, &seconds);
    const bool in_hook = pb_place_in_hook(&worker->place);
    end->status = PB_CELL_MEMORY;
    snprintf(end->message, sizeof end->message,
             "it needed %.0f MiB%s%s; the limit is %.0f MiB: raise <limits memory> or train smaller batches",
             (double)worker->peak_memory / 1048576, in_hook ? " in " : "", in_hook ? place : "",
             (double)worker->memory_limit / 1048576);
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

void pb_worker_describe_place(const struct pb_worker *worker, char *text, size_t size)
{
    char place[PLACE_TEXT], reason[REASON_TEXT] = "";
    double seconds;
    const struct pb_fault *fault = &worker->place.fault;
    text[0] = '\0';
    pb_place_describe(&worker->place, 0, place, sizeof place, &seconds);
    if (!place[0])
        return;
    if (fault->overstep != PB_OVERSTEP_NONE && pb_place_in_hook(&worker->place)) {
        pb_place_overstep(&worker->place, fault, text, size);
        return;
    }
    if (fault->overstep != PB_OVERSTEP_NONE)
        pb_place_overstep(&worker->place, fault, reason, sizeof reason);
    else if (fault->has_address)
        pb_place_reason(&worker->place, reason, sizeof reason);
    else if (fault->signal || WIFSIGNALED(worker->wait_status))
        snprintf(reason, sizeof reason, "%s",
                 usual_reason(fault->signal ? fault->signal : WTERMSIG(worker->wait_status)));
    snprintf(text, size, "%s%s%s", place, reason[0] ? ": " : "", reason);
}

/* number: of the signal. A sanitizer turns some into an exit code, after they have been noted. */
static void describe_signal(const struct pb_worker *worker, int number, struct pb_worker_end *end)
{
    char place[PLACE_TEXT + REASON_TEXT];
    end->status = PB_CELL_CRASHED;
    pb_signal_name(number, end->signal);
    pb_worker_describe_place(worker, place, sizeof place);
    snprintf(end->message, sizeof end->message, "its process died of %s%s%s%s", end->signal,
             number == SIGKILL ? " (sent by the system when memory runs out, or by somebody)" : "",
             place[0] ? " in " : "", place);
}

static void describe_exit(const struct pb_worker *worker, const struct pb_cell_config *cell, struct pb_worker_end *end)
{
    char place[PLACE_TEXT];
    double seconds;
    const int code = WEXITSTATUS(worker->wait_status);
    pb_place_describe(&worker->place, 0, place, sizeof place, &seconds);
    end->status = PB_CELL_FAILED;
    if (pb_place_in_hook(&worker->place))
        snprintf(end->message, sizeof end->message,
                 "its process was ended by exit(%d) in %s; a hook must return, and fail with host->fail", code, place);
    else
        snprintf(end->message, sizeof end->message,
                 "its process ended with exit code %d%s%s and wrote no result; see logs/%.200s.log", code,
                 place[0] ? " in " : "", place, cell->id);
}

bool pb_worker_ended_in_schedule(const struct pb_worker *worker)
{
    const struct pb_place *place = &worker->place;
    return place->depth == 1 && !place->frames[0].verb && pb_starts_with(place->frames[0].plugin, "schedule '");
}

void pb_worker_describe_end(const struct pb_worker *worker, const struct pb_cell_config *cell,
                            struct pb_worker_end *end)
{
    const struct pb_place *place = &worker->place;
    const int number = WIFSIGNALED(worker->wait_status) ? WTERMSIG(worker->wait_status) : place->fault.signal;
    *end = (struct pb_worker_end){0};
    if (worker->stop == PB_WORKER_TIME_LIMIT) {
        describe_timeout(worker, end);
    } else if (worker->stop == PB_WORKER_MEMORY_LIMIT) {
        describe_memory(worker, end);
    } else if (place->verdict[0]) {
        end->status = PB_CELL_FAILED;
        snprintf(end->message, sizeof end->message, "%s", place->verdict);
    } else if (place->fault.overstep != PB_OVERSTEP_NONE && pb_place_in_hook(place)) {
        end->status = PB_CELL_FAILED;
        pb_place_overstep(place, &place->fault, end->message, sizeof end->message);
    } else if (number) {
        describe_signal(worker, number, end);
    } else {
        describe_exit(worker, cell, end);
    }
}
