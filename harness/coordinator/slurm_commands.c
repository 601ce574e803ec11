/* What is asked of Slurm, by its own commands: their output is its interface. */
#include "coordinator/slurm_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "coordinator/program_output.h"

static const double ANSWER_SECONDS = 120; /* a busy controller is slow */

/* Runs the command. PB_OK also when it fails: look at exit_code. */
static enum pb_status ask(const char *const *words, struct pb_program_output *output, struct pb_error *error)
{
    const enum pb_status status = pb_program_run(words, ANSWER_SECONDS, output, error);
    if (status == PB_ERROR_INPUT)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "Slurm's command '%s' is not here: start this on a host that submits jobs of the cluster, or use "
            "--executor local",
            words[0]);
    return status;
}

/* 'Try "sbatch --help" for more information' follows what is wrong. */
static bool is_advice(const char *line)
{
    return pb_starts_with(line, "Try ");
}

static enum pb_status fail_command(const char *name, const struct pb_program_output *output, enum pb_status status,
                                   struct pb_error *error)
{
    char *line = pb_program_last_line(output, is_advice);
    (void)pb_fail(error, status, "%s refuses: %s", name, line && line[0] ? line : "it does not say why");
    pb_free(line);
    return status;
}

/* "MaxArraySize            = 1001"; false where it is not stated. */
static bool find_number(const char *text, const char *name, uint32_t *value)
{
    unsigned found = 0;
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const size_t length = strlen(name);
        if (strncmp(line, name, length) == 0 && strspn(line + length, " =") > 0 &&
            sscanf(line + length + strspn(line + length, " ="), "%u", &found) == 1) { // NOLINT(cert-err34-c)
            *value = found;
            return true;
        }
    }
    return false;
}

enum pb_status pb_slurm_limits(struct pb_slurm_limits *limits, struct pb_error *error)
{
    struct pb_program_output output = {0};
    enum pb_status status = ask((const char *const[]){"scontrol", "show", "config", NULL}, &output, error);
    if (status != PB_OK)
        return status;
    if (output.exit_code != 0)
        status = fail_command("scontrol show config", &output, PB_ERROR_RUN, error);
    else if (!find_number(output.out.data ? output.out.data : "", "MaxArraySize", &limits->array) ||
             !find_number(output.out.data, "MaxJobCount", &limits->jobs))
        status = pb_fail(error, PB_ERROR_RUN, "'scontrol show config' states no MaxArraySize or no MaxJobCount");
    pb_program_output_free(&output);
    return status;
}

/* [DAYS-]HOURS:MINUTES:SECONDS, or MINUTES:SECONDS, as sinfo writes them; 0: no limit, which it calls "infinite". */
static double read_time(const char *text)
{
    double days = 0, parts[3] = {0};
    const char *rest = strchr(text, '-');
    if (strspn(text, "0123456789") == 0)
        return 0;
    if (rest)
        days = strtod(text, NULL);
    rest = rest ? rest + 1 : text;
    for (size_t i = 0; i < 3 && rest; i++) {
        parts[0] = parts[1];
        parts[1] = parts[2];
        parts[2] = strtod(rest, NULL);
        rest = strchr(rest, ':') ? strchr(rest, ':') + 1 : NULL;
    }
    return ((days * 24 + parts[0]) * 60 + parts[1]) * 60 + parts[2];
}

/* Is the name one of the list, "low,high"? */
static bool is_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *item = list; item; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL)
        if (strncmp(item, name, length) == 0 && (item[length] == ',' || item[length] == '\0'))
            return true;
    return false;
}

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (const char *comma = strchr(list, ','); comma; comma = strchr(comma + 1, ','))
        count++;
    return count;
}

/* A line "low* 1:00:00"; the star marks the default partition. */
static bool is_partition(char *line, const char *partitions, char **time)
{
    char *end = strchr(line, ' ');
    if (!end)
        return false;
    *end = '\0';
    *time = end + 1;
    const bool is_default = pb_ends_with(line, "*");
    if (is_default)
        line[strlen(line) - 1] = '\0';
    return partitions ? is_listed(partitions, line) : is_default;
}

enum pb_status pb_slurm_partition(const char *partitions, double *seconds, struct pb_error *error)
{
    struct pb_program_output output = {0};
    struct pb_text names = {0};
    size_t found = 0;
    double least = 0;
    /* --all: jobs may be submitted to hidden partitions, too */
    enum pb_status status = ask((const char *const[]){"sinfo", "--all", "-h", "-o", "%P %l", NULL}, &output, error);
    if (status == PB_OK && output.exit_code != 0)
        status = fail_command("sinfo", &output, PB_ERROR_RUN, error);
    char *rest = NULL, *time = NULL;
    for (char *line = status == PB_OK && output.out.data ? strtok_r(output.out.data, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        const bool is_it = is_partition(line, partitions, &time);
        const double limit = is_it ? read_time(time) : 0;
        if (limit > 0 && (least == 0 || limit < least))
            least = limit;
        found += is_it;
        pb_text_append(&names, "%s%s", names.length ? ", " : "", line);
    }
    if (status == PB_OK && partitions && found < count_items(partitions))
        status = pb_fail(error, PB_ERROR_INPUT, "there is no partition '%s'; this cluster has %s", partitions,
                         names.length ? names.data : "none");
    if (status == PB_OK)
        *seconds = least;
    pb_text_free(&names);
    pb_program_output_free(&output);
    return status;
}

/* What sbatch says when it would take fewer jobs, or the same ones later, whoever set the limit. */
static bool is_submit_limit(const struct pb_program_output *output)
{
    static const char *const marks[] = {"MaxSubmitJob",
                                        "MaxJobCount",
                                        "SubmitJobs",
                                        "too many jobs",
                                        "Invalid job array specification",
                                        "Resource temporarily unavailable"};
    for (size_t i = 0; output->err.data && i < sizeof marks / sizeof *marks; i++)
        if (strcasestr(output->err.data, marks[i]))
            return true;
    return false;
}

enum pb_status pb_slurm_test(const char *script, struct pb_error *error)
{
    struct pb_program_output output = {0};
    enum pb_status status = ask((const char *const[]){"sbatch", "--test-only", script, NULL}, &output, error);
    if (status == PB_OK && output.exit_code != 0 && !is_submit_limit(&output))
        status = fail_command("sbatch", &output, PB_ERROR_INPUT, error);
    pb_program_output_free(&output);
    return status;
}

enum pb_status pb_slurm_submit(const char *script, uint32_t tasks, bool *taken, struct pb_error *error)
{
    struct pb_program_output output = {0};
    char array[32];
    snprintf(array, sizeof array, "--array=0-%u", tasks ? tasks - 1 : 0);
    const char *const one[] = {"sbatch", "--parsable", script, NULL};
    const char *const many[] = {"sbatch", "--parsable", array, script, NULL};
    enum pb_status status = ask(tasks > 1 ? many : one, &output, error);
    *taken = status == PB_OK && output.exit_code == 0;
    if (status == PB_OK && output.exit_code != 0 && !is_submit_limit(&output))
        status = fail_command("sbatch", &output, PB_ERROR_RUN, error);
    pb_program_output_free(&output);
    return status;
}

static void count_job(const char *line, struct pb_slurm_jobs *jobs)
{
    const char *reason = strchr(line, ' ');
    if (strncmp(line, "PENDING", 7) == 0 && reason && strcasestr(reason, "held")) {
        jobs->held++;
    } else if (strncmp(line, "PENDING", 7) == 0) {
        jobs->pending++;
        snprintf(jobs->reason, sizeof jobs->reason, "%.60s", reason ? reason + 1 : "");
    } else if (strncmp(line, "RUNNING", 7) == 0) {
        jobs->running++;
    } else {
        jobs->other++;
    }
}

enum pb_status pb_slurm_jobs(const char *name, struct pb_slurm_jobs *jobs, struct pb_error *error)
{
    struct pb_program_output output = {0};
    struct pb_slurm_jobs counted = {0};
    char named[128];
    snprintf(named, sizeof named, "--name=%.100s", name);
    enum pb_status status =
        ask((const char *const[]){"squeue", "-h", "-r", named, "-o", "%T %r", NULL}, &output, error);
    if (status == PB_OK && output.exit_code != 0)
        status = fail_command("squeue", &output, PB_ERROR_RUN, error);
    char *rest = NULL;
    for (char *line = status == PB_OK && output.out.data ? strtok_r(output.out.data, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        count_job(line, &counted);
    if (status == PB_OK)
        *jobs = counted;
    pb_program_output_free(&output);
    return status;
}
