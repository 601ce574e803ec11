/* prunebench show: one cell of a run, whole. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/shown_cell.h"

static const struct pb_cli_option options[] = {
    {"json", 0, NULL, "print one JSON object, with the whole result document"},
    {NULL, 0, NULL, NULL},
};

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    (void)exit_code;
    struct pb_shown_cell cell;
    struct pb_text text = {0};
    enum pb_status status = pb_shown_cell_read(arguments->words[0], arguments->words[1], &cell, error);
    if (status != PB_OK)
        return status;
    if (pb_argument(arguments, "json")) {
        status = pb_shown_cell_print_json(&cell, error);
    } else {
        pb_shown_cell_text(&cell, &text);
        status = pb_print_text(&text, error);
    }
    pb_shown_cell_free(&cell);
    return status;
}

const struct pb_command pb_command_show = {
    .name = "show",
    .usage = "OUT CELL [--json]",
    .summary = "print one cell of a run",
    .details =
        "Prints how the cell ended, its accuracy before and after each round, what was removed from which layer, "
        "costs,\n"
        "latencies, its stages with their keys, its settings and provenance, and the end of its log. CELL is an id, "
        "or\n"
        "the beginning of one id alone. A cell that is running or has not been run yet has no document: then its plan\n"
        "and its log are printed.\n\n"
        "Exit code: 0 the cell exists, however it ended; 2 wrong usage, no such cell, or a damaged document.",
    .options = options,
    .min_words = 2,
    .max_words = 2,
    .run = run,
};
