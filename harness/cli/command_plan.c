/* prunebench plan: what a matrix will do, cell by cell, for programs that start the cells themselves. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/plan_report.h"
#include "stages/stage.h"

static const struct pb_cli_option options[] = {
    {"output", 'o', "OUT", "also say which stages are stored in this folder of results; nothing is written there"},
    {"only", 0, "GLOB", "plan cells whose id matches only; may be given several times"},
    {"threads", 0, "T", "threads that a cell would use (default: what the machine has)"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {"no-speed", 0, NULL, "do not measure how fast this machine trains, and print no times"},
    PB_SIMULATION_OPTIONS,
    {"json", 0, NULL, "print JSON; docs/plan.md describes it"},
    {NULL, 0, NULL, NULL},
};

static enum pb_status make_work_plan(const struct check *check, struct pb_work_plan *work, struct pb_error *error)
{
    const uint32_t count = check->matrix->cell_count;
    struct pb_work *evaluations = pb_calloc((size_t)count + 1, sizeof *evaluations);
    bool by_seconds = check->timed;
    if (!evaluations)
        return pb_fail_memory(error, count * sizeof *evaluations);
    for (uint32_t i = 0; i < count; i++) {
        evaluations[i] = pb_check_evaluations(check, i);
        by_seconds = by_seconds && (check->cells[i].macs == 0 || check->cells[i].speed != PB_NO_SPEED);
    }
    const enum pb_status status =
        pb_work_plan_make(&check->queue, check->stage_seconds, evaluations, by_seconds, work, error);
    pb_free(evaluations);
    return status;
}

/* Per stage, from pb_calloc. A stage under a provisional key is not known to be one of those that are stored. */
static enum pb_status find_stored(const struct check *check, const char *out, bool **stored, struct pb_error *error)
{
    const uint32_t count = check->queue.stage_count;
    const struct pb_store store = {.folder = pb_path_join(out, "stages")};
    bool *found = pb_calloc((size_t)count + 1, sizeof *found);
    for (uint32_t i = 0; store.folder && found && i < count; i++)
        found[i] = !check->queue.stages[i].provisional && pb_store_has(&store, check->queue.stages[i].key);
    const bool good = store.folder && found;
    pb_free(store.folder);
    if (good)
        *stored = found;
    else
        pb_free(found);
    return good ? PB_OK : pb_fail_memory(error, count);
}

static enum pb_status print(struct check *check, const struct pb_arguments *arguments, struct pb_matrix_plan *plan,
                            struct pb_error *error)
{
    const char *out = pb_argument(arguments, "output");
    bool *stored = NULL;
    enum pb_status status = make_work_plan(check, &plan->work, error);
    if (status == PB_OK && out)
        status = find_stored(check, out, &stored, error);
    plan->stored = stored;
    if (status == PB_OK)
        status = pb_plan_simulate(check, stored, &plan->simulation, error);
    if (status == PB_OK && pb_argument(arguments, "json"))
        status = pb_plan_print_json(plan, error);
    else if (status == PB_OK && !arguments->quiet)
        status = pb_plan_print_text(plan, error);
    pb_free(stored);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    const char *out = pb_argument(arguments, "output");
    struct check check = {.timed = !pb_argument(arguments, "no-speed"), .only = pb_argument_list(arguments, "only")};
    struct pb_matrix_plan plan = {.check = &check};
    if (out && !pb_is_dir(out))
        return pb_fail_at(error, PB_ERROR_INPUT, out, 0,
                          "there is no such folder; --output takes one that 'prunebench run' made");
    enum pb_status status = pb_plan_simulation_read(arguments, check.timed, &plan.simulation, error);
    if (status == PB_OK)
        status = pb_check_matrix(&check, arguments, error);
    if (status == PB_OK)
        status = print(&check, arguments, &plan, error);
    if (status == PB_OK)
        *exit_code = pb_check_print_failures(&check);
    pb_plan_simulation_free(&plan.simulation);
    pb_work_plan_free(&plan.work);
    pb_check_free(&check);
    return status;
}

const struct pb_command pb_command_plan = {
    .name = "plan",
    .usage = "MATRIX [-o OUT] [--only GLOB]… [--threads T] [--no-speed] [--workers N,N… [--worker-speed MACS] "
             "[--preempt HOURS] [--lose HOURS]] [--plugin-dir DIR]… "
             "[--json]",
    .summary = "what a matrix will do: stages, which cells wait for which, costs, longest path",
    .details =
        "For those who start cells by an engine of their own ('prunebench cell MATRIX ID -o OUT' is then one job), or "
        "who must\n"
        "say beforehand how much time and memory a cluster is to give. Prints how many stages of each name there are, "
        "with what\n"
        "they cost, as 'check' estimates it, and the longest path: cells each of which waits for the one before it, "
        "because that\n"
        "makes a stage which both pass through. No number of machines makes such jobs end sooner.\n\n"
        "--json prints every stage, every cell and the cells that it depends on. A stage that cells share is made by, "
        "and counted\n"
        "for, the first cell in the matrix's order that passes through it.\n\n"
        "--workers simulates 'run' on workers that share a folder, as docs/scaling.md describes.\n\n"
        "Exit code: 0 every cell can be run; 1 a schedule crashed, hung or exited; 2 wrong usage or input.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
