/*
 * The Slurm executor: submits jobs of workers, which claim the cells, and follows them. Slurm gives hosts; which cell runs where, and what
 * has ended, is in the shared folder alone.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "coordinator/executor.h"
#include "coordinator/program_output.h"
#include "coordinator/run.h"
#include "coordinator/slurm_commands.h"
#include "coordinator/slurm_job.h"

enum {
    MOST_WORKERS = 100, /* where nobody says otherwise */
    IDLE_ROUNDS = 3, /* submissions after which no cell has ended, or refusals in a row: there is no use in a fourth */
};
static const double FIRST_ASK = 2, LAST_ASK = 60; /* seconds between two questions to the controller */

struct slurm {
    char name[32]; /* of the jobs */
    char *script; /* OUT/worker.sbatch */
    struct pb_slurm_limits limits;
    double allowed; /* seconds that the partition lets a job run; 0: no limit */
    struct pb_slurm_jobs jobs; /* when the controller was asked last */
    double next_ask, ask_every;
    bool cells_have_ended;
    uint32_t ended_before; /* cells, when the controller was asked last */
    uint32_t rounds; /* submissions while there was no job, since a cell has ended */
    uint32_t submitted; /* jobs since a cell has ended */
    bool said_enough;
    uint32_t returned; /* run->looks.returned, when the controller was asked because of it */
    struct pb_lease_watch latency; /* of the claim of whoever measures */
    uint32_t refusals; /* of a submission, in a row */
    char said[256];
};

static uint32_t cells_in(const struct pb_run *run, enum pb_run_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        count += run->cells[i].state == state;
    return count;
}

/* All cells have ended, and no worker has measured yet. */
static bool latencies_are_due(const struct pb_run *run)
{
    bool due = false;
    for (uint32_t i = 0; i < run->matrix->cell_count && !due; i++)
        due = pb_run_latency_is_due(run, i);
    return due && !pb_claims_is_marked(&run->claims, PB_CLAIM_LATENCY);
}

static bool any_left(const struct pb_run *run)
{
    return cells_in(run, PB_RUN_WAITING) + cells_in(run, PB_RUN_ELSEWHERE) > 0;
}

/* A worker is at it. The claim of one that died is looked at until it expires. */
static bool latency_is_claimed(const struct pb_run *run, struct slurm *slurm)
{
    struct pb_error unread;
    bool free = true;
    const bool claimed =
        pb_claims_look(&run->claims, PB_CLAIM_LATENCY, &slurm->latency, &free, &unread) == PB_OK && !free;
    if (!claimed)
        slurm->latency = (struct pb_lease_watch){0};
    return claimed;
}

/* How many jobs there is work for: what nobody has claimed, and what the running ones have. */
static uint32_t useful_jobs(const struct pb_run *run, struct slurm *slurm)
{
    const struct pb_job_options *job = run->options->job;
    const uint32_t most = job->workers ? job->workers : MOST_WORKERS;
    const uint64_t waiting = cells_in(run, PB_RUN_WAITING), elsewhere = cells_in(run, PB_RUN_ELSEWHERE);
    const uint64_t theirs = (uint64_t)slurm->jobs.running * job->jobs;
    const uint64_t useful = (waiting + (elsewhere < theirs ? elsewhere : theirs) + job->jobs - 1) / job->jobs;
    if (waiting == 0)
        return elsewhere == 0 && latencies_are_due(run) && !latency_is_claimed(run, slurm);
    return useful < most ? (uint32_t)useful : most;
}

/* Arrays as large as Slurm takes them. *taken: jobs; fewer where a limit on them is reached: the rest is submitted when others have ended. */
static enum pb_status submit(const struct slurm *slurm, uint32_t count, uint32_t *taken, struct pb_error *error)
{
    uint32_t most = slurm->limits.array ? slurm->limits.array : 1;
    enum pb_status status = PB_OK;
    if (most > slurm->limits.jobs)
        most = slurm->limits.jobs;
    *taken = 0;
    while (*taken < count && most > 0 && status == PB_OK) {
        const uint32_t tasks = count - *taken < most ? count - *taken : most;
        bool good = false;
        status = pb_slurm_submit(slurm->script, tasks, &good, error);
        if (good)
            *taken += tasks;
        else
            most = tasks / 2;
    }
    return status;
}

static uint32_t live_jobs(const struct slurm *slurm)
{
    return slurm->jobs.pending + slurm->jobs.running + slurm->jobs.other;
}

static uint32_t ended_cells(const struct pb_run *run)
{
    return cells_in(run, PB_RUN_OK) + cells_in(run, PB_RUN_FAILED) + cells_in(run, PB_RUN_BLOCKED);
}

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* The worker's log that was written last; NULL where there is none. From pb_calloc. */
static char *last_log(const struct pb_run *run)
{
    struct timespec newest = {0};
    struct pb_error ignored;
    char **names = NULL, *last = NULL, *folder = pb_path_join(run->options->out, "logs");
    size_t count = 0;
    if (!folder || pb_list_dir(folder, &names, &count, &ignored) != PB_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        struct stat about;
        char *path = pb_starts_with(names[i], "worker-") ? pb_path_join(folder, names[i]) : NULL;
        if (path && stat(path, &about) == 0 && about.st_size > 0 && is_later(about.st_mtim, newest)) {
            newest = about.st_mtim;
            pb_free(last);
            last = path;
            path = NULL;
        }
        pb_free(path);
    }
    pb_names_free(&names, count);
    pb_free(folder);
    return last;
}

/* "srun: error: n2: task 0: Exited with exit code 2" follows what the worker said itself. */
static bool is_exit_code(const char *line)
{
    return pb_starts_with(line, "srun: ") && strstr(line, "Exited with exit code");
}

/* "" where there are none. From pb_calloc. */
static char *last_words(const struct pb_run *run)
{
    struct pb_program_output output = {0};
    struct pb_error ignored;
    char *path = last_log(run), *line = NULL;
    if (path && pb_file_read(path, 0, &output.out.data, &output.out.length, &ignored) == PB_OK)
        line = pb_program_last_line(&output, is_exit_code);
    pb_program_output_free(&output);
    pb_free(path);
    return line ? line : pb_strdup("");
}

static enum pb_status fail_idle(const struct pb_run *run, const struct slurm *slurm, struct pb_error *error)
{
    char *words = last_words(run);
    const bool said = words && words[0];
    (void)pb_fail(error, PB_ERROR_RUN,
                  "the jobs '%s' end without a cell that ends: %s%s; %s/logs/worker-*.log and 'scontrol show job' tell "
                  "more",
                  slurm->name,
                  said ? "a worker's last words are: " : "no worker has said anything: do the nodes see this folder?",
                  said ? words : "", run->options->out);
    pb_free(words);
    return PB_ERROR_RUN;
}

/* So many jobs have been submitted since a cell ended that something is wrong with them, though others work. Said once. */
static bool is_enough(struct pb_run *run, struct slurm *slurm)
{
    const struct pb_job_options *job = run->options->job;
    const uint64_t most = (uint64_t)IDLE_ROUNDS * (job->workers ? job->workers : MOST_WORKERS);
    if (slurm->submitted < most)
        return false;
    if (!slurm->said_enough)
        pb_display_say(
            &run->display, PB_LOG_WARNING,
            "%u jobs were submitted since a cell ended: no more are until one does; see %s/logs/worker-*.log",
            slurm->submitted, run->options->out);
    slurm->said_enough = true;
    return true;
}

/* Submits what is missing. */
static enum pb_status fill_up(struct pb_run *run, struct slurm *slurm, struct pb_error *error)
{
    const uint32_t useful = useful_jobs(run, slurm), live = live_jobs(slurm);
    uint32_t taken = 0;
    if (useful <= live || is_enough(run, slurm))
        return PB_OK;
    const enum pb_status status = submit(slurm, useful - live, &taken, error);
    slurm->refusals = status == PB_OK || taken ? 0 : slurm->refusals + 1;
    slurm->rounds += live == 0 && taken > 0;
    slurm->jobs.pending += taken;
    slurm->submitted += taken;
    if (taken > 0)
        pb_display_say(&run->display, PB_LOG_INFO, "%u jobs '%s' submitted%s", taken, slurm->name,
                       taken < useful - live ? "; a limit lets others only be submitted later" : "");
    return status;
}

/* Cells that have ended show that jobs are of use. */
static void note_progress(const struct pb_run *run, struct slurm *slurm)
{
    const uint32_t ended = ended_cells(run);
    if (ended > slurm->ended_before) {
        slurm->rounds = slurm->submitted = 0;
        slurm->said_enough = false;
    }
    slurm->ended_before = ended;
}

/* Has it been tried often enough? Jobs end, and no cell does. */
static bool is_idle(const struct pb_run *run, struct slurm *slurm)
{
    return live_jobs(slurm) == 0 && slurm->rounds >= IDLE_ROUNDS && useful_jobs(run, slurm) > 0;
}

/* Said when it has changed. */
static void say_jobs(struct pb_run *run, struct slurm *slurm)
{
    char text[sizeof slurm->said];
    snprintf(text, sizeof text, "%u jobs run, %u wait%s%.60s%s", slurm->jobs.running, slurm->jobs.pending,
             slurm->jobs.pending ? " (" : "", slurm->jobs.pending ? slurm->jobs.reason : "",
             slurm->jobs.pending ? ")" : "");
    if (slurm->jobs.held) {
        const size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "; %u are held: 'scontrol release jobname=%s'", slurm->jobs.held,
                 slurm->name);
    }
    if (strcmp(text, slurm->said) == 0)
        return;
    memcpy(slurm->said, text, sizeof text);
    pb_display_say(&run->display, PB_LOG_INFO, "%s", text);
}

/* A controller that does not answer for a while costs nothing: workers do not need it. */
static enum pb_status ask(struct pb_run *run, struct slurm *slurm, struct pb_error *error)
{
    struct pb_error silent = {0};
    slurm->next_ask = pb_clock() + slurm->ask_every;
    slurm->ask_every = slurm->ask_every * 1.5 < LAST_ASK ? slurm->ask_every * 1.5 : LAST_ASK;
    if (pb_slurm_jobs(slurm->name, &slurm->jobs, &silent) != PB_OK) {
        pb_display_say(&run->display, PB_LOG_WARNING, "%s; asked again later", silent.text);
        return PB_OK;
    }
    say_jobs(run, slurm);
    if (useful_jobs(run, slurm) <= live_jobs(slurm))
        return PB_OK;
    const enum pb_status status = pb_run_list_others(run, error); /* jobs may just have ended, with their cells */
    if (status != PB_OK)
        return status;
    note_progress(run, slurm);
    if (is_idle(run, slurm))
        return fail_idle(run, slurm, error);
    if (fill_up(run, slurm, &silent) == PB_OK)
        return PB_OK;
    if (live_jobs(slurm) == 0 && slurm->refusals >= IDLE_ROUNDS)
        return pb_fail(error, PB_ERROR_RUN, "no job is left, and none can be submitted: %s", silent.text);
    pb_display_say(&run->display, PB_LOG_WARNING, "%s; tried again later", silent.text);
    return PB_OK;
}

static enum pb_status open_slurm(struct pb_run *run, void **state, struct pb_error *error)
{
    char digest[65], *out = realpath(run->options->out, NULL);
    struct slurm *slurm = pb_calloc(1, sizeof *slurm);
    *state = slurm;
    if (!slurm || !out) {
        free(out);
        return pb_fail_memory(error, sizeof *slurm);
    }
    pb_sha256_of(out, strlen(out), digest);
    snprintf(slurm->name, sizeof slurm->name, "prunebench-%.8s", digest);
    slurm->script = pb_path_join(out, "worker.sbatch");
    slurm->ask_every = FIRST_ASK;
    enum pb_status status = slurm->script ? pb_slurm_limits(&slurm->limits, error) : pb_fail_memory(error, strlen(out));
    if (status == PB_OK)
        status = pb_slurm_partition(run->options->job->partition, &slurm->allowed, error);
    if (status == PB_OK)
        status = pb_slurm_write_script(run, &(struct pb_slurm_script){slurm->name, slurm->script, out, slurm->allowed},
                                       error);
    if (status == PB_OK)
        status = pb_slurm_test(slurm->script, error);
    if (status == PB_OK)
        status = pb_slurm_jobs(slurm->name, &slurm->jobs, error);
    if (status == PB_OK && live_jobs(slurm))
        pb_display_say(&run->display, PB_LOG_INFO, "attached to %u jobs '%s' of this run", live_jobs(slurm),
                       slurm->name);
    if (status == PB_OK)
        status = pb_run_list_others(run, error);
    note_progress(run, slurm);
    if (status == PB_OK)
        status = fill_up(run, slurm, error);
    slurm->next_ask = pb_clock() + slurm->ask_every;
    free(out);
    return status;
}

static enum pb_status step_slurm(struct pb_run *run, void *state, bool *busy, struct pb_error *error)
{
    struct slurm *slurm = state;
    enum pb_status status = pb_run_watch_others(run, error);
    *busy = true;
    if (status == PB_OK && !any_left(run) && !slurm->cells_have_ended) { /* is there something to measure? */
        slurm->cells_have_ended = true;
        slurm->next_ask = 0;
        slurm->ask_every = FIRST_ASK;
    }
    if (run->looks.returned != slurm->returned) { /* a worker has ended: is its job queued again? */
        slurm->returned = run->looks.returned;
        slurm->ask_every = FIRST_ASK;
        slurm->next_ask = fmin(slurm->next_ask, pb_clock() + FIRST_ASK);
    }
    if (status != PB_OK || pb_clock() < slurm->next_ask)
        return status;
    *busy = any_left(run) || latencies_are_due(run);
    return *busy ? ask(run, slurm, error) : PB_OK;
}

/* Jobs that have not begun would find nothing to do. */
static void cancel_pending(const struct slurm *slurm)
{
    struct pb_program_output output = {0};
    struct pb_error ignored;
    char named[48];
    snprintf(named, sizeof named, "--name=%s", slurm->name);
    const char *const words[] = {"scancel", named, "--state=PENDING", NULL};
    if (pb_program_run(words, LAST_ASK, &output, &ignored) == PB_OK)
        pb_program_output_free(&output);
}

static void close_slurm(struct pb_run *run, void *state)
{
    struct slurm *slurm = state;
    if (!slurm)
        return;
    if (run->signals > 0)
        pb_display_say(
            &run->display, PB_LOG_INFO,
            "the jobs stay: 'squeue --name=%s' and 'prunebench status %s' show them, 'scancel --name=%s' cancels "
            "them, the same command attaches again",
            slurm->name, run->options->out, slurm->name);
    else if (slurm->script && !any_left(run))
        cancel_pending(slurm);
    pb_free(slurm->script);
    pb_free(slurm);
}

const struct pb_executor pb_executor_slurm = {
    .name = "slurm", .remote = true, .open = open_slurm, .step = step_slurm, .close = close_slurm};
