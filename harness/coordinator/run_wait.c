/* Waiting for children and signals. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "coordinator/run.h"

#define TICK_MS 100 /* limits are looked at so often */

/* Lines of a child: "progress SHARE STAGES-DONE WHAT", "result", "stale", "unsuitable REASON". */
static void on_line(void *argument, char *line)
{
    struct pb_slot *slot = argument;
    double share;
    unsigned done;
    int used = 0;
    if (strcmp(line, "result") == 0)
        slot->wrote = true;
    if (strcmp(line, "stale") == 0)
        slot->stale = true;
    if (pb_starts_with(line, "unsuitable "))
        snprintf(slot->unsuitable, sizeof slot->unsuitable, "%s", strchr(line, ' ') + 1);
    if (sscanf(line, "progress %lf %u %n", &share, &done, &used) < 2 || used == 0) // NOLINT(cert-err34-c)
        return;
    slot->share = share < 0 ? 0 : share > 1 ? 1 : share;
    snprintf(slot->what, sizeof slot->what, "%s", line + used);
    pb_queue_progress(&slot->run->queue, slot->cell, done);
}

static void take_signal(struct pb_run *run, int number)
{
    run->signal = run->signals++ ? run->signal : number;
    const bool at_once = run->signals > 1;
    for (uint32_t i = 0; i < run->slot_count; i++) {
        struct pb_child *child = &run->slots[i].child;
        if (child->pid == 0)
            continue;
        if (number != SIGTERM) /* somebody waits at a terminal */
            child->grace = PB_RUN_GRACE;
        pb_child_end(child, PB_CHILD_INTERRUPTED, at_once);
    }
}

static void read_signals(struct pb_run *run)
{
    struct signalfd_siginfo signal;
    while (read(run->signal_fd, &signal, sizeof signal) == (ssize_t)sizeof signal)
        take_signal(run, (int)signal.ssi_signo);
    if (run->leave_at > 0 && run->signals == 0 && pb_clock() >= run->leave_at)
        take_signal(run, SIGTERM);
}

/* A child whose pipe has ended is about to end itself. */
static int timeout(const struct pb_run *run)
{
    for (uint32_t i = 0; i < run->slot_count; i++)
        if (run->slots[i].child.pid && run->slots[i].child.pipe < 0)
            return 5;
    return TICK_MS;
}

/* A child that is stopped would be waited for without end. Said once, and again when it continues. */
static void tell_stopped(struct pb_run *run, struct pb_slot *slot)
{
    const struct pb_child *child = &slot->child;
    const char *id = run->matrix->cells[slot->cell]->id;
    if (child->halted == slot->said_stopped)
        return;
    slot->said_stopped = child->halted;
    if (child->halted)
        pb_display_say(
            &run->display, PB_LOG_WARNING,
            "%s: its process %ld was stopped by a signal and does nothing; 'kill -CONT %ld' lets it continue, "
            "'kill -KILL %ld' ends it as a failed cell",
            id, (long)child->pid, (long)child->pid, (long)child->pid);
    else
        pb_display_say(&run->display, PB_LOG_INFO, "%s: its process %ld continues", id, (long)child->pid);
}

void pb_run_wait(struct pb_run *run, bool *ended)
{
    const size_t count = 2 * (size_t)run->slot_count + 1;
    struct pollfd *waiting = pb_calloc(count, sizeof *waiting);
    if (waiting) {
        for (uint32_t i = 0; i < run->slot_count; i++) {
            const struct pb_child *child = &run->slots[i].child;
            waiting[2 * i] = (struct pollfd){.fd = child->pid ? child->pipe : -1, .events = POLLIN};
            waiting[2 * i + 1] = (struct pollfd){.fd = child->pid ? child->log.pipe : -1, .events = POLLIN};
        }
        waiting[count - 1] = (struct pollfd){.fd = run->signal_fd, .events = POLLIN};
    }
    (void)poll(waiting, waiting ? (nfds_t)count : 0, timeout(run));
    pb_free(waiting);
    read_signals(run);
    for (uint32_t i = 0; i < run->slot_count; i++) {
        struct pb_slot *slot = &run->slots[i];
        const bool running = slot->child.pid != 0;
        ended[i] = running && pb_child_attend(&slot->child, on_line, slot);
        if (running && !ended[i])
            tell_stopped(run, slot);
    }
}

void pb_run_stop(struct pb_run *run)
{
    bool busy = true;
    while (busy) {
        busy = false;
        for (uint32_t i = 0; i < run->slot_count; i++) {
            struct pb_slot *slot = &run->slots[i];
            if (slot->child.pid == 0)
                continue;
            pb_child_end(&slot->child, PB_CHILD_INTERRUPTED, run->signals > 1);
            busy = !pb_child_attend(&slot->child, on_line, slot) || busy;
        }
        if (busy)
            (void)poll(NULL, 0, 10);
        read_signals(run);
    }
}
