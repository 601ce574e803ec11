/* The documents of a run's cells: which file they are, and what they say. */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "coordinator/run.h"

enum pb_status pb_run_identify_document(const struct pb_run *run, uint32_t cell, struct pb_file_identity *identity,
                                        struct pb_error *error)
{
    struct stat info;
    char *path = pb_result_path(run->options->out, run->matrix->cells[cell]->id);
    if (!path)
        return pb_fail_memory(error, strlen(run->options->out));
    *identity = (struct pb_file_identity){0};
    if (stat(path, &info) == 0)
        *identity = (struct pb_file_identity){.inode = (uint64_t)info.st_ino,
                                              .bytes = (uint64_t)info.st_size,
                                              .seconds = (int64_t)info.st_ctim.tv_sec,
                                              .nanoseconds = (int64_t)info.st_ctim.tv_nsec};
    pb_free(path);
    return PB_OK;
}

enum pb_status pb_run_look_at_document(const struct pb_run *run, uint32_t cell, struct pb_stored_result *stored,
                                       struct pb_error *error)
{
    const struct pb_expected expected = {.last_key = "", .inputs = run->cells[cell].inputs};
    return pb_outcome_look(run->options->out, run->matrix->cells[cell], &expected, run->schema, stored, error);
}

enum pb_status pb_run_find_document(struct pb_run *run, struct pb_slot *slot, struct pb_error *error)
{
    struct pb_file_identity now;
    struct pb_stored_result stored = {0};
    enum pb_status status = slot->wrote ? PB_OK : pb_run_identify_document(run, slot->cell, &now, error);
    /* Documents are renamed into place: a new one is another file. */
    if (status != PB_OK || slot->wrote || now.inode == 0 || memcmp(&now, &slot->before, sizeof now) == 0)
        return status;
    status = pb_run_look_at_document(run, slot->cell, &stored, error);
    if (status == PB_OK)
        slot->wrote = stored.outcome != PB_OUTCOME_MISSING && stored.outcome != PB_OUTCOME_CHANGED;
    pb_stored_result_free(&stored);
    return status;
}

enum pb_status pb_run_document_digest(const struct pb_run *run, uint32_t cell, char sha256[65], struct pb_error *error)
{
    struct pb_error unread = {0};
    char *path = pb_result_path(run->options->out, run->matrix->cells[cell]->id);
    if (!path)
        return pb_fail_memory(error, strlen(run->options->out));
    if (!pb_file_exists(path) || pb_sha256_file(path, sha256, &unread) != PB_OK)
        sha256[0] = '\0';
    pb_free(path);
    return PB_OK;
}

void pb_run_take_end(struct pb_run *run, uint32_t index, struct pb_stored_result *stored)
{
    struct pb_run_cell *cell = &run->cells[index];
    const bool ok = stored->outcome == PB_OUTCOME_OK;
    cell->state = ok ? PB_RUN_OK : stored->outcome == PB_OUTCOME_BLOCKED ? PB_RUN_BLOCKED : PB_RUN_FAILED;
    cell->measured = stored->measured;
    cell->status = ok || stored->status != PB_CELL_OK ? stored->status : PB_CELL_FAILED;
    cell->headline = stored->headline;
    pb_free(cell->message);
    cell->message = stored->message;
    stored->message = NULL;
    if (ok)
        pb_queue_progress(&run->queue, index, UINT32_MAX);
    else
        (void)pb_queue_end(&run->queue, index, PB_END_ALONE);
    if (stored->failed_stage[0])
        pb_queue_fail(&run->queue, index, stored->failed_stage);
}
