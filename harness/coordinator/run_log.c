/* What the coordinator writes into a cell's log, so that it is not empty whatever the cell's process does. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "coordinator/run.h"

static enum pb_status append(const struct pb_run *run, uint32_t cell, const struct pb_text *text,
                             struct pb_error *error)
{
    char *path = text->failed ? NULL : pb_log_path(run->options->out, run->matrix->cells[cell]->id);
    if (!path)
        return pb_fail_memory(error, text->capacity);
    const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    ssize_t wrote = file < 0 ? -1 : write(file, text->data, text->length);
    if (file >= 0 && wrote >= 0 && (size_t)wrote < text->length) {
        errno = ENOSPC;
        wrote = -1;
    }
    const enum pb_status status = wrote < 0 ? pb_fail_errno(error, "write '%s'", path) : PB_OK;
    if (file >= 0)
        close(file);
    pb_free(path);
    return status;
}

static void append_plugin(struct pb_text *text, const char *kind, const struct pb_choice *choice)
{
    if (choice->loaded)
        pb_text_append(text, ", %s '%s' %s", kind, choice->loaded->plugin->name, choice->loaded->plugin->version);
}

enum pb_status pb_run_log_begin(const struct pb_run *run, uint32_t cell, bool latency, struct pb_error *error)
{
    const struct pb_cell_config *config = run->matrix->cells[cell];
    struct pb_text text = {0};
    char now[32];
    pb_utc_now(now);
    pb_text_append(&text, "== %s: %s cell %s begins; prunebench %s (%s)", now, latency ? "latency of" : "the run of",
                   config->id, pb_version, pb_git);
    append_plugin(&text, "data set", &config->dataset);
    append_plugin(&text, "criterion", &config->criterion);
    append_plugin(&text, "schedule", &config->schedule);
    append_plugin(&text, "backend", &config->backend);
    pb_text_append(&text, "\n");
    const enum pb_status status = append(run, cell, &text, error);
    pb_text_free(&text);
    return status;
}

enum pb_status pb_run_log_blocked(const struct pb_run *run, uint32_t cell, const char *message, struct pb_error *error)
{
    struct pb_text text = {0};
    char now[32];
    pb_utc_now(now);
    pb_text_append(&text, "== %s: cell %s is not run: %s\n", now, run->matrix->cells[cell]->id, message);
    const enum pb_status status = append(run, cell, &text, error);
    pb_text_free(&text);
    return status;
}

enum pb_status pb_run_log_end(const struct pb_run *run, const struct pb_slot *slot, const char *message,
                              struct pb_error *error)
{
    const char *id = run->matrix->cells[slot->cell]->id;
    struct pb_text text = {0};
    char now[32], took[32];
    pb_utc_now(now);
    pb_format_seconds(pb_clock() - slot->child.started, took);
    pb_text_append(&text, "== %s: cell %s ended after %s: %s; ", now, id, took, message);
    if (strcmp(slot->what, id) == 0)
        pb_text_append(&text, "it had not reported a step yet\n");
    else
        pb_text_append(&text, "its last report was '%s', at %.0f %% of its work\n", slot->what, 100 * slot->share);
    const enum pb_status status = append(run, slot->cell, &text, error);
    pb_text_free(&text);
    return status;
}
