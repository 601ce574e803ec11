/* What became of a cell. */
#include "coordinator/outcome.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/version.h"
#include "coordinator/rerun.h"
#include "results/result.h"
#include "results/result_read.h"

#define LOG_TAIL_LINES 12
#define LOG_TAIL_BYTES 8192
#define KEY_LEFT_OUT "log-left-out" /* provenance */

char *pb_result_path(const char *out, const char *id)
{
    return pb_format("%s/cells/%s.xml", out, id);
}

char *pb_log_path(const char *out, const char *id)
{
    return pb_format("%s/logs/%s.log", out, id);
}

static const char *provenance(const struct pb_record *record, const char *key)
{
    const char *value = pb_record_find(record->provenance, record->provenance_count, key);
    return value ? value : "";
}

/* What decides whether a document is the cell's own. */
struct judgement {
    const char *path;
    const struct pb_cell_config *cell;
    const char *last_key;
    const char *inputs; /* known, or what the document says of itself */
    bool inputs_known, look_only;
    char digest[65];
};

/* Replaces what a document says of its cell's settings by what the matrix says now. */
static enum pb_status adopt(const struct judgement *judgement, struct pb_record *record, struct pb_error *error)
{
    for (uint32_t i = 0; i < record->config_count; i++) {
        pb_free(record->config[i].key);
        pb_free(record->config[i].value);
    }
    record->config_count = 0;
    enum pb_status status = pb_cell_describe(judgement->cell, record, error);
    if (status == PB_OK)
        status = pb_record_provenance(record, PB_KEY_CONFIG, judgement->digest, error);
    return status == PB_OK ? pb_result_write(judgement->path, record, error) : status;
}

/* Is a document with another digest the cell's own? When it is not, stored says why. */
static enum pb_status judge_changed(const struct judgement *judgement, struct pb_record *record,
                                    struct pb_stored_result *stored, struct pb_error *error)
{
    const char *last_key = judgement->last_key;
    const bool same_stages = last_key[0] && strcmp(provenance(record, PB_KEY_LAST_STAGE), last_key) == 0;
    bool baseline = false;
    enum pb_status status = pb_rerun_why(judgement->cell, judgement->inputs_known ? judgement->inputs : "", record,
                                         &stored->why, &baseline, error);
    if (status != PB_OK)
        return status;
    if (!record->id || strcmp(record->id, judgement->cell->id) != 0 || !same_stages || baseline) {
        stored->outcome = PB_OUTCOME_CHANGED;
        return PB_OK;
    }
    if (judgement->look_only)
        return PB_OK;
    pb_free(stored->why);
    stored->why = NULL;
    return adopt(judgement, record, error);
}

/* The same settings, and the same inputs: by what they are, or by where they are while that is all that is known. */
static enum pb_status is_own(const struct judgement *judgement, const struct pb_record *record, bool *own,
                             struct pb_error *error)
{
    *own = record->id && strcmp(record->id, judgement->cell->id) == 0 &&
           strcmp(provenance(record, PB_KEY_CONFIG), judgement->digest) == 0;
    if (!*own || judgement->inputs_known)
        return PB_OK;
    return pb_rerun_same_places(judgement->cell, record, own, error);
}

static enum pb_status judge(struct judgement *judgement, struct pb_record *record, struct pb_stored_result *stored,
                            struct pb_error *error)
{
    bool own = false;
    if (!judgement->inputs_known)
        judgement->inputs = provenance(record, PB_KEY_INPUTS);
    enum pb_status status = pb_cell_digest(judgement->cell, judgement->inputs, judgement->digest, error);
    if (status != PB_OK)
        return status;
    *stored = (struct pb_stored_result){.status = record->status, .measured = record->latency_count > 0};
    pb_headline_of(record, &stored->headline);
    memcpy(stored->digest, judgement->digest, sizeof stored->digest);
    snprintf(stored->latency_setup, sizeof stored->latency_setup, "%s", provenance(record, PB_KEY_LATENCY_SETUP));
    stored->outcome = record->status == PB_CELL_OK        ? PB_OUTCOME_OK
                      : record->status == PB_CELL_BLOCKED ? PB_OUTCOME_BLOCKED
                                                          : PB_OUTCOME_FAILED;
    status = is_own(judgement, record, &own, error);
    if (status == PB_OK && !own)
        status = judge_changed(judgement, record, stored, error);
    if (status != PB_OK || stored->outcome == PB_OUTCOME_CHANGED)
        return status;
    if (stored->outcome == PB_OUTCOME_FAILED)
        snprintf(stored->failed_stage, sizeof stored->failed_stage, "%s", provenance(record, PB_KEY_FAILED_STAGE));
    if (record->message && !(stored->message = pb_strdup(record->message)))
        return pb_fail_memory(error, strlen(record->message) + 1);
    return PB_OK;
}

enum pb_status pb_outcome_look(const char *out, const struct pb_cell_config *cell, const struct pb_expected *expected,
                               const struct pb_xml_schema *schema, struct pb_stored_result *stored,
                               struct pb_error *error)
{
    struct pb_record record;
    struct pb_error reading = {0};
    char *path = pb_result_path(out, cell->id);
    if (!path)
        return pb_fail_memory(error, strlen(out) + strlen(cell->id));
    struct judgement judgement = {.path = path,
                                  .cell = cell,
                                  .last_key = expected->last_key,
                                  .inputs = expected->inputs,
                                  .inputs_known = expected->inputs[0] != '\0',
                                  .look_only = expected->look_only};
    pb_record_init(&record);
    *stored = (struct pb_stored_result){.outcome = PB_OUTCOME_MISSING};
    enum pb_status status = pb_cell_digest(cell, expected->inputs, stored->digest, error);
    if (status == PB_OK && pb_file_exists(path)) {
        const enum pb_status read = pb_result_read_with(path, schema, &record, &reading);
        if (read == PB_OK)
            status = judge(&judgement, &record, stored, error);
        else if (read == PB_ERROR_MEMORY)
            status = pb_fail_memory(error, 0);
        else
            pb_log(PB_LOG_WARNING, "%s; the cell is run again", reading.text);
    }
    pb_record_free(&record);
    pb_free(path);
    return status;
}

void pb_stored_result_free(struct pb_stored_result *stored)
{
    pb_free(stored->message);
    pb_free(stored->why);
    *stored = (struct pb_stored_result){0};
}

char *pb_log_tail(const char *out, const char *id, off_t start)
{
    char *path = pb_log_path(out, id), *tail = pb_calloc(LOG_TAIL_BYTES + 1, 1);
    const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    pb_free(path);
    if (file < 0 || !tail) {
        if (file >= 0)
            close(file);
        return tail;
    }
    const off_t end = lseek(file, 0, SEEK_END);
    const off_t from = end - start > LOG_TAIL_BYTES ? end - LOG_TAIL_BYTES : start;
    const ssize_t got = pread(file, tail, LOG_TAIL_BYTES, from);
    close(file);
    tail[got > 0 ? got : 0] = '\0';
    /* whole lines only, and no more than LOG_TAIL_LINES */
    char *begin = tail + strlen(tail);
    for (int lines = 0; begin > tail; begin--)
        if (begin[-1] == '\n' && begin[0] && ++lines == LOG_TAIL_LINES)
            break;
    memmove(tail, begin, strlen(begin) + 1);
    return tail;
}

static enum pb_status add_provenance(const struct pb_cell_config *cell, const struct pb_failure *failure,
                                     struct pb_record *record, struct pb_error *error)
{
    char digest[65], seconds[32], now[32];
    const char *inputs = failure->inputs ? failure->inputs : "";
    enum pb_status status = pb_cell_digest(cell, inputs, digest, error);
    if (status != PB_OK)
        return status;
    pb_utc_now(now);
    snprintf(seconds, sizeof seconds, "%.3f", failure->seconds);
    const struct {
        const char *key, *value;
    } rows[] = {{"version", pb_version},
                {"git", pb_git},
                {"matrix-sha256", cell->matrix_sha256},
                {PB_KEY_CONFIG, digest},
                {PB_KEY_INPUTS, inputs},
                {"recorded", now},
                {"seconds", seconds},
                {KEY_LEFT_OUT, failure->log_left_out},
                {PB_KEY_FAILED_STAGE, failure->failed_stage}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == PB_OK; i++)
        if (rows[i].value)
            status = pb_record_provenance(record, rows[i].key, rows[i].value, error);
    return status;
}

void pb_describe_left_out(const struct pb_child *child, char text[PB_LEFT_OUT_TEXT])
{
    char lines[48] = "", bytes[48] = "";
    const uint64_t left_out = pb_child_log_left_out(&child->log);
    if (child->place.log_lines_left_out)
        snprintf(lines, sizeof lines, "%" PRIu64 " lines of plugins", child->place.log_lines_left_out);
    if (left_out)
        snprintf(bytes, sizeof bytes, "%" PRIu64 " bytes", left_out);
    snprintf(text, PB_LEFT_OUT_TEXT, "%s%s%s", lines, lines[0] && bytes[0] ? ", " : "", bytes);
}

enum pb_status pb_outcome_add_left_out(const char *out, const struct pb_cell_config *cell, const char *left_out,
                                       struct pb_error *error)
{
    struct pb_record record;
    char *path = pb_result_path(out, cell->id);
    if (!path)
        return pb_fail_memory(error, strlen(out) + strlen(cell->id));
    pb_record_init(&record);
    enum pb_status status = pb_result_read(path, &record, error);
    if (status == PB_OK)
        status = pb_record_provenance(&record, KEY_LEFT_OUT, left_out, error);
    if (status == PB_OK)
        status = pb_result_write(path, &record, error);
    pb_record_free(&record);
    pb_free(path);
    return status;
}

enum pb_status pb_outcome_write(const char *out, const struct pb_cell_config *cell, const struct pb_failure *failure,
                                struct pb_error *error)
{
    struct pb_record record;
    char *path = pb_result_path(out, cell->id);
    if (!path)
        return pb_fail_memory(error, strlen(out) + strlen(cell->id));
    pb_record_init(&record);
    enum pb_status status = pb_cell_describe(cell, &record, error);
    if (status == PB_OK)
        status = add_provenance(cell, failure, &record, error);
    if (status == PB_OK)
        status = pb_record_text(&record.message, failure->message, error);
    if (status == PB_OK && failure->signal)
        status = pb_record_text(&record.signal, failure->signal, error);
    if (status == PB_OK && failure->has_log && !(record.log_tail = pb_log_tail(out, cell->id, failure->log_start)))
        status = pb_fail_memory(error, LOG_TAIL_BYTES);
    if (status == PB_OK) {
        record.status = failure->status;
        record.peak_rss_bytes = failure->peak_memory;
        status = pb_result_write(path, &record, error);
    }
    pb_record_free(&record);
    pb_free(path);
    return status;
}
