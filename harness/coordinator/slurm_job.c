/* What a job of Slurm asks for, and its batch script. */
#include "coordinator/slurm_job.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "coordinator/slurm_commands.h"

enum { NOTICE_SECONDS = 120 }; /* before the end of a job's time */
static const double CELL_FACTOR = 2, CELL_BESIDE = 600; /* of the longest cell's seconds, for a job: hosts differ */
static const double MEMORY_FACTOR = 1.25,
                    MEMORY_BESIDE = 512; /* of what is planned; MiB for the worker and the system */

/* A job's time limit: what was asked for, else twice the longest cell, as far as the partition allows it; 0: unlimited. */
static double time_limit(const struct pb_job_options *options, double allowed)
{
    double seconds = options->seconds;
    if (seconds == 0 && options->cell_seconds > 0)
        seconds = CELL_FACTOR * options->cell_seconds + CELL_BESIDE;
    return options->seconds == 0 && allowed > 0 && (seconds == 0 || seconds > allowed) ? allowed : seconds;
}

static enum pb_status check_time(const struct pb_job_options *options, double allowed, struct pb_error *error)
{
    char limit[32], epoch[32];
    const double seconds = time_limit(options, allowed);
    pb_format_seconds(allowed, limit);
    if (allowed > 0 && seconds > allowed)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "--time: the partition lets a job run for %s at most; one that asks for more would wait for ever", limit);
    if (seconds == 0 || options->epoch_seconds < seconds - NOTICE_SECONDS)
        return PB_OK;
    pb_format_seconds(seconds, limit);
    pb_format_seconds(options->epoch_seconds, epoch);
    return pb_fail(
        error, PB_ERROR_INPUT,
        "a time limit of %s does not let an epoch end, which takes %s on this machine, before the notice that "
        "Slurm gives %d s ahead: no job would get any further; ask for more (--time)",
        limit, epoch, (int)NOTICE_SECONDS);
}

enum pb_status pb_slurm_check(const struct pb_job_options *options, struct pb_error *error)
{
    struct pb_slurm_limits limits;
    double allowed = 0;
    enum pb_status status = pb_slurm_limits(&limits, error);
    if (status == PB_OK)
        status = pb_slurm_partition(options->partition, &allowed, error);
    return status == PB_OK ? check_time(options, allowed, error) : status;
}

/* MiB that a worker needs, by the plans of all cells that it may run or measure; 0: not known. */
static uint64_t memory_of_job(const struct pb_run *run)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < run->matrix->cell_count; i++)
        if (run->cells[i].state != PB_RUN_LEFT_OUT && run->cells[i].memory > most)
            most = run->cells[i].memory;
    const double needed = run->options->job->jobs * MEMORY_FACTOR * (double)most / 1048576 + MEMORY_BESIDE;
    return most ? (uint64_t)ceil(needed) : 0;
}

static void add_option(struct pb_text *text, const char *name, const char *value)
{
    if (!value)
        return;
    pb_text_append(text, "#SBATCH --%s=", name);
    pb_shell_word(text, value);
    pb_text_append(text, "\n");
}

static void add_limits(const struct pb_run *run, const struct pb_slurm_script *script, struct pb_text *text)
{
    const struct pb_job_options *job = run->options->job;
    const double seconds = time_limit(job, script->allowed);
    const uint64_t memory = memory_of_job(run);
    pb_text_append(text, "#SBATCH --nodes=1 --ntasks=1 --cpus-per-task=%u\n", job->threads);
    if (job->exclusive)
        pb_text_append(text, "#SBATCH --exclusive --mem=0\n");
    else if (memory)
        pb_text_append(text, "#SBATCH --mem=%" PRIu64 "M\n", memory);
    if (seconds > 0)
        pb_text_append(text, "#SBATCH --time=%.0f\n", ceil(seconds / 60));
    for (size_t i = 0; job->lines && job->lines[i]; i++)
        pb_text_append(text, "#SBATCH %s\n", job->lines[i]);
}

/* The worker is a step of its job: notices of a preemption and of the end of its time go to steps. */
static void add_commands(const struct pb_run *run, const char *out, const char *cache, struct pb_text *text)
{
    const struct pb_job_options *job = run->options->job;
    pb_text_append(text, "\nsrun --ntasks=1 --cpus-per-task=%u ", job->threads);
    pb_shell_word(text, run->program);
    pb_text_append(text, " worker ");
    pb_shell_word(text, out);
    if (cache) {
        pb_text_append(text, " --cache ");
        pb_shell_word(text, cache);
    }
    pb_text_append(text,
                   " -j %u --threads %u\n"
                   "code=$?\n"
                   "# 75: it was ended early, and cells are left\n"
                   "if [ $code -eq 75 ]; then scontrol requeue \"$SLURM_JOB_ID\"; fi\n"
                   "exit $code\n",
                   job->jobs, job->threads);
}

/* The log of a worker, with its job's number; "%%" is a per cent sign in names of Slurm. */
static void add_log(struct pb_text *text, const char *out)
{
    struct pb_text name = {0};
    for (const char *c = out; *c; c++)
        pb_text_append_bytes(&name, *c == '%' ? "%%" : c, *c == '%' ? 2 : 1);
    pb_text_append(&name, "/logs/worker-%%j.log");
    add_option(text, "output", name.failed ? NULL : name.data);
    text->failed = text->failed || name.failed;
    pb_text_free(&name);
}

enum pb_status pb_slurm_write_script(const struct pb_run *run, const struct pb_slurm_script *script,
                                     struct pb_error *error)
{
    const struct pb_job_options *job = run->options->job;
    struct pb_text text = {0};
    char *cache = run->options->cache ? pb_path_absolute(run->options->cache) : NULL;
    if (run->options->cache && !cache)
        return pb_fail_memory(error, strlen(script->folder));
    pb_text_append(&text,
                   "#!/bin/bash\n# A worker of the run in this folder. Written by 'prunebench run --executor slurm'.\n"
                   "#SBATCH --requeue --open-mode=append --signal=TERM@%d\n",
                   (int)NOTICE_SECONDS);
    add_option(&text, "job-name", script->name);
    add_log(&text, script->folder);
    add_option(&text, "partition", job->partition);
    add_option(&text, "account", job->account);
    add_option(&text, "constraint", job->constraint);
    add_limits(run, script, &text);
    add_commands(run, script->folder, cache, &text);
    const enum pb_status status = text.failed ? pb_fail_memory(error, text.capacity)
                                              : pb_file_write_atomic(script->path, text.data, text.length, error);
    pb_text_free(&text);
    pb_free(cache);
    return status;
}
