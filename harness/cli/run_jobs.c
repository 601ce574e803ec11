/* The options of 'run' that say who runs the cells, and what a job of a batch system is given. */
#include "cli/run_jobs.h"

#include <string.h>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/command_check.h"

static const struct pb_executor *const executors[] = {&pb_executor_local, &pb_executor_slurm};

static enum pb_status find_executor(const char *name, const struct pb_executor **found, struct pb_error *error)
{
    for (size_t i = 0; i < sizeof executors / sizeof *executors; i++)
        if (strcmp(executors[i]->name, name) == 0) {
            *found = executors[i];
            return PB_OK;
        }
    return pb_fail(error, PB_ERROR_INPUT, "--executor: '%s' is none; it is local or slurm", name);
}

/* Options that only jobs have. */
static enum pb_status refuse_for_local(const struct pb_arguments *arguments, struct pb_error *error)
{
    static const char *const names[] = {"workers", "partition", "account", "constraint", "exclusive", "time", "sbatch"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (pb_argument(arguments, names[i]))
            return pb_fail(error, PB_ERROR_INPUT, "--%s is for jobs: it takes --executor slurm", names[i]);
    return PB_OK;
}

/* The longest cell, and the longest time until a training stores its state or a stage is stored. */
static enum pb_status find_times(const struct pb_arguments *arguments, struct pb_job_options *job,
                                 struct pb_error *error)
{
    struct check check = {.timed = true, .only = pb_argument_list(arguments, "only")};
    const enum pb_status status = pb_check_matrix(&check, arguments, error);
    for (uint32_t i = 0; status == PB_OK && i < check.matrix->cell_count; i++)
        job->cell_seconds = check.cells[i].seconds > job->cell_seconds ? check.cells[i].seconds : job->cell_seconds;
    for (uint32_t i = 0; status == PB_OK && i < check.queue.stage_count; i++) {
        const uint32_t epochs = check.queue.stages[i].epochs;
        const double seconds = check.stage_seconds[i] / (epochs ? epochs : 1);
        job->epoch_seconds = seconds > job->epoch_seconds ? seconds : job->epoch_seconds;
    }
    pb_check_free(&check);
    return status;
}

static enum pb_status check_lines(const char *const *lines, struct pb_error *error)
{
    for (size_t i = 0; lines && lines[i]; i++)
        if (!pb_starts_with(lines[i], "-") || strchr(lines[i], '\n'))
            return pb_fail(error, PB_ERROR_INPUT, "--sbatch: '%s' is not an option of sbatch, such as --qos=long",
                           lines[i]);
    return PB_OK;
}

enum pb_status pb_run_jobs(const struct pb_arguments *arguments, struct pb_job_options *job,
                           const struct pb_executor **executor, struct pb_error *error)
{
    const char *name = pb_argument(arguments, "executor");
    size_t workers = 0;
    *executor = &pb_executor_local;
    enum pb_status status = name ? find_executor(name, executor, error) : PB_OK;
    if (status == PB_OK && !(*executor)->remote)
        return refuse_for_local(arguments, error);
    job->partition = pb_argument(arguments, "partition");
    job->account = pb_argument(arguments, "account");
    job->constraint = pb_argument(arguments, "constraint");
    job->exclusive = pb_argument(arguments, "exclusive") != NULL;
    job->lines = pb_argument_list(arguments, "sbatch");
    if (status == PB_OK)
        status = pb_argument_size(arguments, "workers", 1, 100000, &workers, error);
    if (status == PB_OK)
        status = pb_argument_duration(arguments, "time", &job->seconds, error);
    if (status == PB_OK)
        status = check_lines(job->lines, error);
    job->workers = (uint32_t)workers;
    if (status == PB_OK) /* a host without Slurm is told at once */
        status = pb_slurm_check(job, error);
    if (status == PB_OK)
        status = find_times(arguments, job, error);
    return status == PB_OK ? pb_slurm_check(job, error) : status;
}
