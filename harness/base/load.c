/* Is this machine busy with other things while something is measured? */
#include "base/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"

#define LARGE_STEAL 0.02
#define SHORTAGE 0.15 /* processors that each thread may lack: the system's own processes always need a little */
#define STAT_BYTES ((size_t)1 << 22) /* some lines for each processor, one for each interrupt */

/* Columns of the line "cpu": user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user. */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, COLUMNS };

void pb_load_parse(const char *text, long ticks, struct pb_load_sample *sample)
{
    double columns[COLUMNS] = {0};
    const char *ready = strstr(text, "\nprocs_running ");
    if (strncmp(text, "cpu ", 4) != 0 || ticks <= 0)
        return;
    char *rest = (char *)(uintptr_t)text + 4;
    for (int i = 0; i < COLUMNS; i++)
        columns[i] = (double)strtoull(rest, &rest, 10) / (double)ticks;
    sample->busy = columns[USER] + columns[NICE] + columns[SYSTEM] + columns[IRQ] + columns[SOFTIRQ];
    sample->idle = columns[IDLE] + columns[IOWAIT];
    sample->steal = columns[STEAL];
    if (ready)
        sample->ready = (uint32_t)strtoul(ready + strlen("\nprocs_running "), NULL, 10);
}

static double own_seconds(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Whether a thread runs or could run: "7 (name) R …", where a name may hold anything. */
static bool is_ready(const char *task)
{
    struct pb_error unread = {0};
    char *text = NULL;
    size_t length = 0;
    char *path = pb_path_join(task, "stat");
    const bool read = path && pb_file_read(path, STAT_BYTES, &text, &length, &unread) == PB_OK;
    const char *name_end = read ? strrchr(text, ')') : NULL;
    const bool ready = name_end && strncmp(name_end, ") R", 3) == 0;
    pb_free(text);
    pb_free(path);
    return ready;
}

/* At least the caller. */
static uint32_t count_own_ready(const char *folder)
{
    struct pb_error unread = {0};
    char **names = NULL;
    size_t count = 0;
    uint32_t ready = 0;
    char *tasks = pb_path_join(folder, "self/task");
    if (tasks && pb_list_dir(tasks, &names, &count, &unread) == PB_OK)
        for (size_t i = 0; i < count; i++) {
            char *task = pb_path_join(tasks, names[i]);
            ready += task && is_ready(task);
            pb_free(task);
        }
    pb_names_free(&names, count);
    pb_free(tasks);
    return ready ? ready : 1;
}

void pb_load_sample(struct pb_load_sample *sample)
{
    struct pb_error unread = {0};
    char *text = NULL;
    size_t length = 0;
    const char *named = getenv("PRUNEBENCH_PROC");
    const char *folder = named && *named ? named : "/proc";
    char *path = pb_path_join(folder, "stat");
    /* Own threads first: one that stops spinning in between must not count as another process's. */
    *sample = (struct pb_load_sample){.own_ready = count_own_ready(folder), .clock = pb_clock(), .own = own_seconds()};
    if (path && pb_file_read(path, STAT_BYTES, &text, &length, &unread) == PB_OK)
        pb_load_parse(text, sysconf(_SC_CLK_TCK), sample);
    pb_free(text);
    pb_free(path);
}

static double count_others(const struct pb_load_sample *sample)
{
    return sample->ready > sample->own_ready ? sample->ready - sample->own_ready : 0;
}

struct pb_load pb_load_between(const struct pb_load_sample *before, const struct pb_load_sample *after,
                               uint32_t processors)
{
    struct pb_load load = {.seconds = after->clock - before->clock,
                           .processors = processors,
                           .waiting = (count_others(before) + count_others(after)) / 2};
    const double busy = after->busy - before->busy, steal = after->steal - before->steal;
    const double all = busy + steal + after->idle - before->idle;
    load.counted = load.seconds > 0 && all > 0 && busy >= 0 && steal >= 0;
    if (!load.counted)
        return load;
    /* The kernel counts in ticks of 10 ms on each processor: one tick of each may be another process's or ours. */
    const double uncertain = 0.01 * processors;
    load.others = fmax(0, busy - (after->own - before->own) - uncertain) / load.seconds;
    load.steal = fmax(0, steal - uncertain) / all;
    return load;
}

struct pb_load pb_load_since(const struct pb_load_sample *before)
{
    struct pb_load_sample after;
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    pb_load_sample(&after);
    return pb_load_between(before, &after, processors > 0 ? (uint32_t)processors : pb_machine_threads());
}

bool pb_load_is_busy(const struct pb_load *load, uint32_t threads, char reason[PB_LOAD_REASON])
{
    const double used = fmin(threads, load->processors), spare = load->processors - used;
    reason[0] = '\0';
    if (load->counted && load->steal > LARGE_STEAL)
        snprintf(reason, PB_LOAD_REASON, "%.0f %% of the processors' time went to other virtual machines",
                 100 * load->steal);
    else if (load->counted && load->others > spare + SHORTAGE * used)
        snprintf(reason, PB_LOAD_REASON, "other processes kept %.1f of %u processors busy", load->others,
                 load->processors);
    else if (load->waiting > spare + 0.5)
        snprintf(reason, PB_LOAD_REASON, "%.1f other processes were running or ready to run on %u processors",
                 load->waiting, load->processors);
    return reason[0] != '\0';
}

/* Between the two values beside position share × (count − 1). */
static double quantile(const double *sorted, size_t count, double share)
{
    const double position = share * (double)(count - 1);
    const size_t below = (size_t)position;
    return below + 1 < count ? sorted[below] + (position - (double)below) * (sorted[below + 1] - sorted[below])
                             : sorted[below];
}

double pb_relative_spread(const double *sorted, size_t count)
{
    if (count < 3)
        return NAN;
    const double median = quantile(sorted, count, 0.5);
    return median > 0 ? (quantile(sorted, count, 0.75) - quantile(sorted, count, 0.25)) / median : (double)NAN;
}
