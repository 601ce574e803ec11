/* A run of a history as one side of a comparison. */
#include "history/history_side.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "history/history_cells.h"

static enum pb_status fail_pruned(const struct pb_history *history, const struct pb_history_run *run,
                                  struct pb_error *error)
{
    const struct pb_history_run *before = NULL, *after = NULL;
    for (uint32_t i = 0; i < history->run_count; i++) {
        const struct pb_history_run *other = &history->runs[i];
        if (other->whole && other->number < run->number)
            before = other;
        if (other->whole && other->number > run->number && !after)
            after = other;
    }
    return pb_fail_at(
        error, PB_ERROR_INPUT, history->folder, 0,
        "of run '%s' the numbers alone were kept ('prunebench history prune'), which trends read; whole are, "
        "next to it: '%s' before, '%s' after",
        run->name, before ? before->name : "none", after ? after->name : "none");
}

enum pb_status pb_history_side(const struct pb_history *history, const struct pb_history_run *run,
                               struct pb_compared_side *side, struct pb_error *error)
{
    struct pb_compared_side made = {.folder = true, .run.matrix = ""};
    char *data = NULL;
    size_t length = 0;
    if (!run->whole)
        return fail_pruned(history, run, error);
    made.path = pb_format("%s/%s", history->folder, run->file);
    made.networks = pb_path_join(run->facts[PB_FACT_FOLDER], "stages"); /* may be gone by now */
    enum pb_status status =
        made.path && made.networks ? PB_OK : pb_fail_memory(error, strlen(run->facts[PB_FACT_FOLDER]));
    if (status == PB_OK)
        status = pb_history_read(history, run, PB_PART_CELLS, &data, &length, error);
    if (status == PB_OK)
        status = pb_history_cells_unpack(made.path, data, length, &made.run.records, &made.run.record_count, error);
    pb_free(data);
    if (status == PB_OK)
        *side = made;
    else
        pb_compared_side_free(&made);
    return status;
}

enum pb_status pb_history_reduce_side(struct pb_compared_side *side, struct pb_error *error)
{
    /* The sections of a summary and its name point into its records; a comparison reads the records alone. */
    side->run.matrix = "";
    return pb_history_cells_reduce(side->path, &side->run.records, &side->run.record_count, error);
}
