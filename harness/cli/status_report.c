/* How far a run is, for people and for programs. */
#include "cli/status_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/progress.h"
#include "cli/print_json.h"
#include "cli/table.h"
#include "coordinator/child.h"
#include "results/json_values.h"

/* What others wrote must not steer the terminal. */
static void append_plain(struct pb_text *text, const char *words)
{
    for (; *words; words++)
        pb_text_append(text, "%c", (unsigned char)*words < ' ' ? '?' : *words);
}

/* "retrain-40: epoch 3 of 30": *step becomes "epoch 3 of 30", the stage is what is in front of it. */
static int stage_length(const char *what, const char **step)
{
    const char *colon = strstr(what, ": ");
    *step = colon ? colon + 2 : "";
    return colon ? (int)(colon - what) : (int)strlen(what);
}

static void seconds_text(double seconds, char text[32])
{
    if (isnan(seconds))
        snprintf(text, 32, "%s", "");
    else
        pb_format_seconds(seconds, text);
}

void pb_status_counts(const struct pb_run_status *status, struct pb_text *text)
{
    pb_text_append(text, "%u of %u cells are ok", status->ok, status->total);
    if (status->before && pb_status_is_live(status))
        pb_text_append(text, " (%u were before)", status->before);
    pb_text_append(text, ", %u failed, %u blocked, %u running, %u waiting", status->failed, status->blocked,
                   status->running, status->waiting);
    if (status->left_out)
        pb_text_append(text, " (%u of them not asked for)", status->left_out);
}

static void append_live(const struct pb_run_status *status, struct pb_text *text)
{
    static const char *const doing[] = {
        [PB_PHASE_PLANNING] = "planning its cells",
        [PB_PHASE_CELLS] = "running",
        [PB_PHASE_LATENCY] = "measuring latency; its cells have ended",
    };
    char took[32];
    pb_format_seconds(status->seconds, took);
    pb_text_append(text, "%s for %s (process %u on ", doing[status->phase], took, status->process);
    append_plain(text, status->host);
    pb_text_append(text, ")");
    const double age = pb_status_age(status);
    if (age > 10) {
        pb_format_seconds(age, took);
        pb_text_append(text, "; it has written nothing for %s", took);
    }
    if (status->phase == PB_PHASE_PLANNING)
        pb_text_append(text, "\n%u of %u cells are planned", status->planned, status->total);
}

static void append_ended(const struct pb_run_status *status, struct pb_text *text)
{
    char name[32];
    if (status->phase == PB_PHASE_WORKERS) {
        pb_text_append(text, "workers run its cells; nobody else looks after it");
    } else if (status->phase == PB_PHASE_FINISHED) {
        pb_text_append(text, "finished");
    } else if (status->phase == PB_PHASE_INCOMPLETE) {
        pb_text_append(text, "not running, and not every cell has a result");
    } else if (status->signal) {
        pb_signal_name((int)status->signal, name);
        pb_text_append(text, "interrupted by %s at ", name);
        append_plain(text, status->updated);
    } else {
        pb_text_append(text, "interrupted: its process %u on ", status->process);
        append_plain(text, status->host);
        pb_text_append(text, " has ended without a word; it last wrote at ");
        append_plain(text, status->updated);
    }
}

static bool any_elsewhere(const struct pb_run_status *status)
{
    for (uint32_t i = 0; i < status->cell_count; i++)
        if (status->cells[i].where)
            return true;
    return false;
}

static void append_running(const struct pb_run_status *status, struct pb_text *text)
{
    static const char *const titles[] = {"running", "stage", "at", "work", "since", "left", "where"};
    struct pb_table table = {.titles = titles, .align = "lllrrrl", .columns = any_elsewhere(status) ? 7 : 6};
    for (uint32_t i = 0; i < status->cell_count; i++) {
        const struct pb_status_cell *cell = &status->cells[i];
        char since[32], left[32], share[16] = "";
        const char *step;
        if (strcmp(cell->status, "running") != 0)
            continue;
        const int length = stage_length(cell->text, &step);
        seconds_text(cell->seconds, since);
        seconds_text(cell->left, left);
        if (isfinite(cell->share))
            snprintf(share, sizeof share, "%.0f %%", 100 * cell->share);
        pb_table_add(&table, "%s", cell->id);
        pb_table_add(&table, "%.*s", length, cell->text);
        pb_table_add(&table, "%s", step);
        pb_table_add(&table, "%s", share);
        pb_table_add(&table, "%s", since);
        pb_table_add(&table, "%s", left);
        if (table.columns > 6)
            pb_table_add(&table, "%s", cell->where ? cell->where : "");
    }
    if (table.cell_count)
        pb_text_append(text, "\n");
    pb_table_end(&table, PB_TABLE_TEXT, text);
}

static void append_failed(const struct pb_run_status *status, uint32_t most, struct pb_text *text)
{
    static const char *const titles[] = {"not ok", "status", "why"};
    struct pb_table table = {.titles = titles, .align = "lll", .columns = 3};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < status->cell_count && shown < most; i++) {
        const struct pb_status_cell *cell = &status->cells[i];
        if (strcmp(cell->status, "running") == 0)
            continue;
        pb_table_add(&table, "%s", cell->id);
        pb_table_add(&table, "%s", cell->status);
        pb_table_add(&table, "%s", cell->text);
        shown++;
    }
    if (table.cell_count)
        pb_text_append(text, "\n");
    pb_table_end(&table, PB_TABLE_TEXT, text);
    if (status->failed + status->blocked > shown)
        pb_text_append(text, "  and %u more that are not ok\n", status->failed + status->blocked - shown);
}

void pb_status_text(const char *out, const struct pb_run_status *status, uint32_t most, struct pb_text *text)
{
    char left[32], *resume = NULL;
    append_plain(text, out);
    pb_text_append(text, ": ");
    if (pb_status_is_live(status))
        append_live(status, text);
    else
        append_ended(status, text);
    pb_text_append(text, "\n");
    pb_status_counts(status, text);
    if (pb_status_is_live(status) && isfinite(status->share))
        pb_text_append(text, "; %.0f %% of the work", 100 * status->share);
    if (pb_status_is_live(status) && isfinite(status->left)) {
        pb_format_seconds(status->left, left);
        pb_text_append(text, ", about %s left", left);
    }
    pb_text_append(text, "\n");
    if (status->phase == PB_PHASE_INTERRUPTED || status->phase == PB_PHASE_INCOMPLETE) {
        resume = pb_status_resume(out, status);
        pb_text_append(text, "resume with: ");
        append_plain(text, resume ? resume : "");
        pb_text_append(text, "\n");
        text->failed = text->failed || !resume;
        pb_free(resume);
    }
    append_running(status, text);
    append_failed(status, most, text);
}

static json_t *cell_json(const struct pb_status_cell *cell)
{
    const char *step;
    unsigned epoch = 0, epochs = 0;
    if (strcmp(cell->status, "running") != 0)
        return json_pack("{s:s, s:s, s:o}", "id", cell->id, "status", cell->status, "message",
                         pb_json_text(cell->text));
    char *stage = pb_strndup(cell->text, (size_t)stage_length(cell->text, &step));
    if (!stage)
        return NULL;
    const bool training = sscanf(step, "epoch %u of %u", &epoch, &epochs) == 2; // NOLINT(cert-err34-c)
    json_t *row = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", cell->id, "status", cell->status,
                            "stage", stage, "epoch", training ? json_integer(epoch) : json_null(), "epochs",
                            training ? json_integer(epochs) : json_null(), "share", pb_json_real(cell->share),
                            "seconds", pb_json_real(cell->seconds), "seconds_left", pb_json_real(cell->left), "where",
                            pb_json_text(cell->where));
    pb_free(stage);
    return row;
}

enum pb_status pb_status_print_json(const char *out, const struct pb_run_status *status, struct pb_error *error)
{
    const bool live = pb_status_is_live(status), resumable = !live && status->phase != PB_PHASE_FINISHED;
    char *resume = resumable ? pb_status_resume(out, status) : NULL, signal[32] = "";
    json_t *running = json_array(), *not_ok = json_array(), *whole = NULL;
    bool good = running && not_ok && (resume || !resumable);
    for (uint32_t i = 0; good && i < status->cell_count; i++) {
        const bool runs = strcmp(status->cells[i].status, "running") == 0;
        good = json_array_append_new(runs ? running : not_ok, cell_json(&status->cells[i])) == 0;
    }
    if (status->signal)
        pb_signal_name((int)status->signal, signal);
    if (good)
        whole =
            json_pack("{s:o, s:s, s:o, s:o, s:s?, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:O, s:O}",
                      "output", pb_json_text(out), "phase", pb_run_phases[status->phase], "process",
                      live ? json_integer(status->process) : json_null(), "host", pb_json_text(status->host), "signal",
                      signal[0] ? signal : NULL, "resume", pb_json_text(resume), "cells", (json_int_t)status->total,
                      "ok", (json_int_t)status->ok, "failed", (json_int_t)status->failed, "blocked",
                      (json_int_t)status->blocked, "running_now", (json_int_t)status->running, "waiting",
                      (json_int_t)status->waiting, "not_asked_for", (json_int_t)status->left_out, "share",
                      pb_json_real(live ? status->share : NAN), "seconds", pb_json_real(live ? status->seconds : NAN),
                      "seconds_left", pb_json_real(live ? status->left : NAN), "running", running, "not_ok", not_ok);
    json_decref(running);
    json_decref(not_ok);
    pb_free(resume);
    return pb_print_json(whole, error);
}
