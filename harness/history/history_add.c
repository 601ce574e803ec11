/* Adds a run: what is known of it, its numbers, its documents, in a file of its own. */
#include "history/history_add.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lease.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/sha256.h"
#include "base/text.h"
#include "history/history_cells.h"
#include "history/history_numbers.h"

/* Every value of a provenance key, each once, with "; " between them; from pb_calloc. */
static char *values_of(const struct pb_summary *run, const char *key)
{
    struct pb_text text = {0};
    pb_text_append(&text, "%s", "");
    for (uint32_t i = 0; i < run->record_count; i++) {
        const struct pb_record *record = &run->records[i];
        const char *value = pb_record_find(record->provenance, record->provenance_count, key);
        bool said = !value || !*value;
        for (uint32_t k = 0; !said && k < i; k++) {
            const char *other = pb_record_find(run->records[k].provenance, run->records[k].provenance_count, key);
            said = other && strcmp(other, value) == 0;
        }
        if (!said)
            pb_text_append(&text, "%s%s", text.length ? "; " : "", value);
    }
    if (text.failed)
        pb_text_free(&text);
    return text.data;
}

static char *absolute_of(const char *folder)
{
    char *found = realpath(folder, NULL);
    char *copy = pb_strdup(found ? found : folder);
    free(found);
    return copy;
}

static enum pb_status fill_facts(const struct pb_history_entry *entry, struct pb_history_run *made,
                                 struct pb_error *error)
{
    static const char *const KEYS[PB_HISTORY_FACTS] = {[PB_FACT_MATRIX_DIGEST] = "matrix-sha256",
                                                       [PB_FACT_VERSION] = "version",
                                                       [PB_FACT_GIT] = "git",
                                                       [PB_FACT_NUMERICS] = "numerics",
                                                       [PB_FACT_HOST] = "host",
                                                       [PB_FACT_CPU] = "cpu",
                                                       [PB_FACT_THREADS] = "threads",
                                                       [PB_FACT_KERNELS] = "backend-detail"};
    for (int i = 0; i < PB_HISTORY_FACTS; i++) {
        made->facts[i] = i == PB_FACT_MATRIX   ? pb_strdup(entry->run->matrix)
                         : i == PB_FACT_FOLDER ? absolute_of(entry->folder)
                                               : values_of(entry->run, KEYS[i]);
        if (!made->facts[i])
            return pb_fail_memory(error, 1);
    }
    return PB_OK;
}

/* When its first cell began. */
static enum pb_status fill_time(const struct pb_summary *run, struct pb_history_run *made, struct pb_error *error)
{
    char now[32];
    const char *first = NULL;
    pb_utc_now(now);
    for (uint32_t i = 0; i < run->record_count; i++) {
        const struct pb_record *record = &run->records[i];
        const char *started = pb_record_find(record->provenance, record->provenance_count, "started");
        if (started && *started && (!first || strcmp(started, first) < 0))
            first = started;
    }
    made->time = pb_strdup(first ? first : now);
    return made->time ? PB_OK : pb_fail_memory(error, sizeof now);
}

static void count_cells(const struct pb_history_entry *entry, struct pb_history_run *made)
{
    const struct pb_summary *run = entry->run;
    made->cells = run->record_count;
    made->left_out = run->unreadable_count + run->left_out_count;
    for (uint32_t i = 0; i < run->record_count; i++)
        made->failed += run->records[i].status != PB_CELL_OK;
    made->state = entry->judged                                   ? entry->state
                  : made->failed > 0 || run->unreadable_count > 0 ? PB_RUN_FAILED
                                                                  : PB_RUN_GOOD;
}

static bool is_taken(const struct pb_history *history, const char *name)
{
    for (uint32_t i = 0; i < history->run_count; i++)
        if (strcmp(history->runs[i].name, name) == 0)
            return true;
    return false;
}

/* Words that find a run by something else than its name. */
static bool is_reserved(const char *name)
{
    return strcmp(name, "last") == 0 || strcmp(name, "last-good") == 0 || strspn(name, "0123456789") == strlen(name);
}

static enum pb_status choose_name(const struct pb_history *history, const struct pb_history_entry *entry,
                                  const char *folder, char **name, struct pb_error *error)
{
    if (entry->name && is_reserved(entry->name))
        return pb_fail(error, PB_ERROR_INPUT,
                       "a run cannot be called '%s': that is the last run, the last good one, or a number",
                       entry->name);
    if (entry->name && is_taken(history, entry->name))
        return pb_fail_at(error, PB_ERROR_INPUT, history->folder, 0,
                          "it has a run called '%s'; choose another --name, or none", entry->name);
    const char *base = entry->name ? entry->name : pb_path_name(folder);
    const char *begin = entry->name || (*base && !is_reserved(base)) ? "" : "run-";
    char *made = pb_format("%s%s", begin, base);
    for (uint32_t i = 2; made && is_taken(history, made); i++) {
        pb_free(made);
        made = pb_format("%s%s.%u", begin, base, i);
    }
    *name = made;
    return made ? PB_OK : pb_fail_memory(error, strlen(base));
}

/* "000123_2026-11-28T02-00-00Z_NAME.run": sorts by number, and holds nothing that a shell takes for its own. */
static char *file_name(uint32_t number, const struct pb_history_run *run)
{
    enum { SHOWN = 80 };
    struct pb_text text = {0};
    pb_text_append(&text, "%06u_", number);
    for (const char *c = run->time; *c; c++)
        pb_text_append(&text, "%c", *c == ':' ? '-' : *c);
    pb_text_append(&text, "_");
    for (const char *c = run->name; *c && c < run->name + SHOWN; c++) {
        const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                           *c == '.' || *c == '_' || *c == '-';
        pb_text_append(&text, "%c", plain ? *c : '-');
    }
    pb_text_append(&text, ".run");
    if (text.failed)
        pb_text_free(&text);
    return text.data;
}

/* A time is part of a file's name: results may say anything. */
static bool is_time(const char *time)
{
    return strlen(time) < 32 && strspn(time, "0123456789-:TZ") == strlen(time);
}

static enum pb_status write_run(const struct pb_history *history, const struct pb_history_run *made,
                                const struct pb_bytes *numbers, const struct pb_bytes *cells, char **file,
                                struct pb_error *error)
{
    char *text = NULL, *path = NULL, *name = file_name(history->last_number + 1, made);
    size_t length = 0;
    enum pb_status status = name ? PB_OK : pb_fail_memory(error, strlen(made->name));
    if (status == PB_OK)
        status = pb_history_run_format(made, &text, &length, error);
    if (status == PB_OK) {
        path = pb_path_join(history->folder, name);
        status = path ? PB_OK : pb_fail_memory(error, strlen(name));
    }
    if (status == PB_OK) {
        const struct pb_bytes parts[PB_HISTORY_PARTS] = {{text, length}, *numbers, *cells};
        status = pb_history_file_write(path, parts, error);
    }
    if (status == PB_OK)
        *file = name;
    else
        pb_free(name);
    pb_free(path);
    pb_free(text);
    return status;
}

/* The run of the same documents; NULL: there is none. */
static const struct pb_history_run *find_digest(const struct pb_history *history, const char *digest)
{
    for (uint32_t i = history->run_count; i-- > 0;)
        if (strcmp(history->runs[i].digest, digest) == 0)
            return &history->runs[i];
    return NULL;
}

/* Temporary files of writers that were killed. */
static enum pb_status sweep(const char *folder, struct pb_error *error)
{
    char **files = NULL;
    size_t count = 0;
    enum pb_status status = pb_list_dir(folder, &files, &count, error);
    for (size_t i = 0; status == PB_OK && i < count; i++) {
        char *path = pb_owner_of(files[i]) == PB_OWNER_GONE ? pb_path_join(folder, files[i]) : NULL;
        if (path && unlink(path) != 0 && errno != ENOENT)
            status = pb_fail_errno(error, "remove '%s'", path);
        pb_free(path);
    }
    pb_names_free(&files, count);
    return status;
}

static enum pb_status add_locked(const char *folder, const struct pb_history_entry *entry, struct pb_history_run *made,
                                 const struct pb_bytes *numbers, const struct pb_bytes *cells, char **file, bool *known,
                                 struct pb_error *error)
{
    struct pb_history history = {0};
    enum pb_status status = sweep(folder, error);
    if (status == PB_OK)
        status = pb_history_open(folder, &history, error);
    const struct pb_history_run *same = status == PB_OK ? find_digest(&history, made->digest) : NULL;
    if (same) {
        char *copy = pb_strdup(same->file);
        status = copy ? PB_OK : pb_fail_memory(error, strlen(same->file));
        *file = copy;
    } else if (status == PB_OK) {
        status = choose_name(&history, entry, made->facts[PB_FACT_FOLDER], &made->name, error);
        if (status == PB_OK)
            status = write_run(&history, made, numbers, cells, file, error);
    }
    if (status == PB_OK)
        *known = same != NULL;
    pb_history_close(&history);
    return status;
}

static enum pb_status describe(const struct pb_history_entry *entry, const struct pb_bytes *cells,
                               struct pb_history_run *made, struct pb_error *error)
{
    char digest[65];
    pb_sha256_of(cells->data, cells->length, digest);
    made->digest = pb_strdup(digest);
    made->note = pb_strdup(entry->note ? entry->note : "");
    if (!made->digest || !made->note)
        return pb_fail_memory(error, sizeof digest);
    count_cells(entry, made);
    enum pb_status status = fill_time(entry->run, made, error);
    if (status == PB_OK && !is_time(made->time))
        status = pb_fail(error, PB_ERROR_INPUT, "a result of '%s' says that it was started at '%s', which is no time",
                         entry->folder, made->time);
    return status == PB_OK ? fill_facts(entry, made, error) : status;
}

enum pb_status pb_history_add(const char *folder, const struct pb_history_entry *entry, char **file, bool *known,
                              struct pb_error *error)
{
    struct pb_night_numbers numbers = {0};
    struct pb_history_run made = {0};
    char *text = NULL, *packed = NULL;
    struct pb_bytes number_bytes = {0}, cell_bytes = {0};
    struct pb_lease *lock = NULL;
    enum pb_status status = pb_night_numbers_of(entry->run->records, entry->run->record_count, &numbers, error);
    if (status == PB_OK)
        status = pb_night_numbers_format(&numbers, &text, &number_bytes.length, error);
    if (status == PB_OK)
        status =
            pb_history_cells_pack(entry->run->records, entry->run->record_count, &packed, &cell_bytes.length, error);
    number_bytes.data = text;
    cell_bytes.data = packed;
    if (status == PB_OK)
        status = describe(entry, &cell_bytes, &made, error);
    if (status == PB_OK)
        status = pb_make_dirs(folder, error);
    if (status == PB_OK)
        status = pb_history_lock(folder, &lock, error);
    if (status == PB_OK) {
        status = add_locked(folder, entry, &made, &number_bytes, &cell_bytes, file, known, error);
        pb_lease_give(&lock);
    }
    pb_free(packed);
    pb_free(text);
    pb_history_run_clear(&made);
    pb_night_numbers_free(&numbers);
    return status;
}
