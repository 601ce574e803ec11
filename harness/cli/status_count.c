/* How far a run is, from all that its folder says. */
#include "cli/status_count.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "cli/arguments.h"
#include "coordinator/claims.h"
#include "coordinator/outcome.h"
#include "results/cell_list.h"
#include "results/result_read.h"
#include "results/schema.h"

/* A coordinator on another host, of which nothing else is known, writes every second. */
#define SILENT_SECONDS 60.0

bool pb_status_is_live(const struct pb_run_status *status)
{
    return status->phase <= PB_PHASE_LATENCY;
}

double pb_status_age(const struct pb_run_status *status)
{
    struct tm parts = {0};
    const char *end = status->updated ? strptime(status->updated, "%Y-%m-%dT%H:%M:%SZ", &parts) : NULL;
    return end && !*end ? difftime(time(NULL), timegm(&parts)) : NAN;
}

bool pb_status_is_silent(const struct pb_run_status *status)
{
    const enum pb_owner_state owner = pb_owner_of_tag(status->owner);
    if (owner == PB_OWNER_ELSEWHERE)
        return !(pb_status_age(status) <= SILENT_SECONDS);
    return owner != PB_OWNER_ALIVE;
}

char *pb_status_resume(const char *out, const struct pb_run_status *status)
{
    struct pb_text text = {0};
    char *here = getcwd(NULL, 0);
    if (!status->command) { /* the matrix with every default written out has the same cells */
        char *matrix = pb_path_join(out, "matrix.xml");
        pb_text_append(&text, "prunebench run ");
        pb_shell_word(&text, matrix ? matrix : "");
        pb_text_append(&text, " -o ");
        pb_shell_word(&text, out);
        text.failed = text.failed || !matrix;
        pb_free(matrix);
    } else {
        if (status->folder && (!here || strcmp(here, status->folder) != 0)) {
            pb_text_append(&text, "cd ");
            pb_shell_word(&text, status->folder);
            pb_text_append(&text, " && ");
        }
        pb_text_append(&text, "%s", status->command);
    }
    free(here);
    if (text.failed)
        pb_text_free(&text);
    return text.data;
}

static enum pb_status add_ended(struct pb_run_status *status, const struct pb_record *record, struct pb_error *error)
{
    const uint32_t listed = status->cell_count;
    status->ok += record->status == PB_CELL_OK;
    status->blocked += record->status == PB_CELL_BLOCKED;
    status->failed += record->status != PB_CELL_OK && record->status != PB_CELL_BLOCKED;
    if (record->status == PB_CELL_OK || listed >= PB_STATUS_CELLS)
        return PB_OK;
    return pb_run_status_add(status, record->id, pb_cell_status_name(record->status),
                             record->message ? record->message : "", error)
               ? PB_OK
               : PB_ERROR_MEMORY;
}

/* A document of another state of the matrix counts as none: the cell would be run again. */
static enum pb_status count_cell(const char *out, const struct pb_listed_cell *cell, const struct pb_xml_schema *schema,
                                 struct pb_run_status *status, struct pb_error *error)
{
    struct pb_record record;
    struct pb_error reading = {0};
    char *path = pb_result_path(out, cell->id);
    if (!path)
        return pb_fail_memory(error, strlen(out));
    pb_record_init(&record);
    enum pb_status good = PB_OK;
    if (pb_file_exists(path)) {
        const enum pb_status read = pb_result_read_with(path, schema, &record, &reading);
        const char *digest = pb_record_find(record.provenance, record.provenance_count, PB_KEY_CONFIG);
        if (read == PB_ERROR_MEMORY)
            good = pb_fail_memory(error, 0);
        else if (read != PB_OK)
            pb_log(PB_LOG_WARNING, "%s; the cell would be run again", reading.text);
        else if (digest && strcmp(digest, cell->digest) == 0)
            good = add_ended(status, &record, error);
    }
    pb_record_free(&record);
    pb_free(path);
    return good;
}

static enum pb_status count_documents(const char *out, const struct pb_cell_list *list, struct pb_run_status *status,
                                      struct pb_error *error)
{
    struct pb_xml_schema *schema = NULL;
    enum pb_status good = pb_schema_open(PB_RESULT_SCHEMA, &schema, error);
    for (uint32_t i = 0; good == PB_OK && i < list->count; i++)
        good = count_cell(out, &list->cells[i], schema, status, error);
    pb_xml_schema_free(&schema);
    status->total = list->count;
    status->waiting = list->count - status->ok - status->failed - status->blocked;
    return good;
}

/* A cell that a worker runs. One look at its claim tells of another host's worker only that it has not given it back. */
struct counting {
    const struct pb_claims *claims;
    const struct pb_cell_list *list;
    struct pb_run_status *status;
    struct pb_error *error;
    enum pb_status good;
};

static void count_claim(void *argument, const char *id, enum pb_claim_kind kind)
{
    struct counting *counting = argument;
    struct pb_lease_watch watch = {0};
    struct pb_error ignored;
    char holder[PB_LEASE_HOLDER];
    bool free = false;
    if (counting->good != PB_OK || kind != PB_CLAIM_HELD || !pb_cell_list_find(counting->list, id) ||
        pb_claims_look(counting->claims, id, &watch, &free, &ignored) != PB_OK || free)
        return;
    pb_lease_holder(&watch, holder);
    struct pb_status_cell *cell = pb_run_status_add(counting->status, id, "running", "", counting->error);
    if (cell)
        cell->share = cell->seconds = cell->left = NAN;
    counting->good = cell ? pb_run_status_text(&cell->where, holder, counting->error) : PB_ERROR_MEMORY;
    counting->status->running++;
    counting->status->waiting -= counting->status->waiting > 0;
    counting->status->phase = PB_PHASE_WORKERS;
}

static enum pb_status count_claims(const char *out, const struct pb_cell_list *list, struct pb_run_status *status,
                                   struct pb_error *error)
{
    struct pb_claims claims = {.folder = pb_path_join(out, "queue")};
    struct counting counting = {.claims = &claims, .list = list, .status = status, .error = error};
    if (!claims.folder)
        return pb_fail_memory(error, strlen(out));
    if (pb_is_dir(claims.folder)) {
        const enum pb_status listed = pb_claims_list(&claims, count_claim, &counting, NULL, error);
        counting.good = listed == PB_OK ? counting.good : listed;
    }
    pb_claims_close(&claims);
    return counting.good;
}

/* Nobody runs it: what the coordinator wrote last may be a second old, and the documents are not. */
static enum pb_status recount(const char *out, bool present, struct pb_run_status *status, struct pb_error *error)
{
    struct pb_cell_list list = {0};
    enum pb_status good = pb_cell_list_read(out, &list, error);
    if (good == PB_OK && !list.present && !present)
        good = pb_fail(error, PB_ERROR_INPUT,
                       "there is no run in '%s': it has no matrix-cells.txt, which every run writes", out);
    if (good == PB_OK && list.present) {
        for (uint32_t i = 0; i < status->cell_count; i++)
            pb_run_status_clear_cell(&status->cells[i]);
        status->cell_count = 0;
        status->ok = status->failed = status->blocked = status->running = 0;
        status->left_out = 0; /* those that have a result are no longer among the waiting */
        good = count_documents(out, &list, status, error);
    }
    if (!present)
        status->phase = status->waiting ? PB_PHASE_INCOMPLETE : PB_PHASE_FINISHED;
    if (good == PB_OK && list.present)
        good = count_claims(out, &list, status, error);
    pb_cell_list_free(&list);
    return good;
}

static bool is_abandoned(bool present, const struct pb_run_status *status)
{
    return present && pb_status_is_live(status) && pb_status_is_silent(status);
}

/* What the coordinator wrote last. Where its process has ended since that was read, it may have ended well: it is read again. */
static enum pb_status read_state(const char *out, bool *present, struct pb_run_status *status, struct pb_error *error)
{
    const struct pb_run_status unknown = {.share = NAN, .seconds = NAN, .left = NAN};
    *status = unknown;
    enum pb_status good = pb_run_status_read(out, present, status, error);
    if (good != PB_OK || !is_abandoned(*present, status))
        return good;
    pb_run_status_free(status);
    *status = unknown;
    good = pb_run_status_read(out, present, status, error);
    if (good == PB_OK && is_abandoned(*present, status))
        status->phase = PB_PHASE_INTERRUPTED;
    return good;
}

enum pb_status pb_status_of(const char *out, struct pb_run_status *status, struct pb_error *error)
{
    struct pb_run_status made;
    bool present = false;
    enum pb_status good = read_state(out, &present, &made, error);
    if (good != PB_OK)
        return good;
    if (!present || !pb_status_is_live(&made))
        good = recount(out, present, &made, error);
    if (good == PB_OK)
        *status = made;
    else
        pb_run_status_free(&made);
    return good;
}
