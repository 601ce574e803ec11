/* prunebench check: is a matrix right, what would it run, and what would that cost here? */
#include "base/file.h"
#include "cli/command_check.h"

static const struct pb_cli_option options[] = {
    {"json", 0, NULL, "print JSON"},
    {"diff", 0, "OUT",
     "print what 'run' would do in this folder of earlier results: which cells it runs anew and why, which stay, and "
     "which results no longer belong to the matrix; costs are not printed, and nothing is written"},
    {"threads", 0, "T", "threads that a cell would use (default: what the machine has)"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {"no-speed", 0, NULL, "do not measure how fast this machine trains, and print no times"},
    {NULL, 0, NULL, NULL},
};

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    const char *diff = pb_argument(arguments, "diff");
    struct check check = {.timed = !diff && !pb_argument(arguments, "no-speed")};
    if (diff && !pb_is_dir(diff))
        return pb_fail_at(error, PB_ERROR_INPUT, diff, 0,
                          "there is no such folder; --diff takes one that 'prunebench run' made");
    enum pb_status status = pb_check_matrix(&check, arguments, error);
    const bool json = pb_argument(arguments, "json") != NULL;
    if (status == PB_OK && diff && (json || !arguments->quiet))
        status = pb_check_print_diff(&check, &(struct pb_diff_options){.out = diff, .json = json}, error);
    else if (status == PB_OK && json)
        status = pb_check_print_json(&check, error);
    else if (status == PB_OK && !arguments->quiet)
        status = pb_check_print_text(&check, error);
    if (status == PB_OK)
        *exit_code = pb_check_print_failures(&check);
    pb_check_free(&check);
    return status;
}

const struct pb_command pb_command_check = {
    .name = "check",
    .usage = "MATRIX [--diff OUT] [--json] [--threads T] [--no-speed] [--plugin-dir DIR]…",
    .summary = "validate a matrix; list its cells and stages with what they cost",
    .details =
        "Reads the matrix, resolves every cell, and lists cells and shared stages with multiply-accumulates, the peak "
        "of\n"
        "resident memory of the cell's process (it makes all of its stages itself: one that finds some stored needs "
        "less)\n"
        "and the time that they would take on this machine. The speed is measured, briefly, and kept for later calls "
        "in\n"
        "$XDG_CACHE_HOME/prunebench (else ~/.cache/prunebench). Times are marked with a star, and the speed is not "
        "kept,\n"
        "when other processes were running meanwhile. Data sets or weights that are not here are reported; they are "
        "no\n"
        "error.\n\n"
        "Schedules run in a process of their own, which has 20 seconds for each cell (PRUNEBENCH_PLAN_SECONDS). Cells\n"
        "that cannot be planned are listed with the reason.\n\n"
        "--diff lists the cells that 'run' would run anew in OUT, with what has changed: a setting, the code of a "
        "plugin or of\n"
        "the program, images, labels or weights. Of what is run anew, stages that are stored are not computed "
        "again.\n\n"
        "Exit code: 0 every cell can be run; 1 a schedule crashed, hung or exited; 2 wrong usage or input.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
