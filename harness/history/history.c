/* The folder of a history: its runs, how they are found, what is noted of them. */
#include "history/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/lease.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/sealed.h"
#include "base/text.h"

#define ENDING ".run"
#define KNOWN_ENDING ".known"
#define LOCK "lock"

/* The number in front of a record's file name; 0: it is no such name. */
static uint32_t number_of(const char *file)
{
    const size_t digits = strspn(file, "0123456789");
    size_t number = 0;
    char *text = digits >= 6 && file[digits] == '_' && pb_ends_with(file, ENDING) ? pb_strndup(file, digits) : NULL;
    const bool good = text && pb_parse_size(text, &number) && number < UINT32_MAX;
    pb_free(text);
    return good ? (uint32_t)number : 0;
}

/* What else this program keeps in the folder, or is making there. */
static bool is_own(const char *file)
{
    return strcmp(file, LOCK) == 0 || pb_ends_with(file, KNOWN_ENDING) || pb_owner_of(file) != PB_OWNER_NONE;
}

static char *known_path(const char *folder, const char *file)
{
    return pb_format("%s/%s%s", folder, file, KNOWN_ENDING);
}

static enum pb_status read_known(const char *folder, struct pb_history_run *run, struct pb_error *error)
{
    char *path = known_path(folder, run->file);
    if (!path)
        return pb_fail_memory(error, strlen(folder));
    if (pb_sealed_read(path, &run->known) == PB_SEALED_DAMAGED)
        pb_log(PB_LOG_WARNING, "%s: what was noted of this run is damaged; annotate it again", path);
    pb_free(path);
    return PB_OK;
}

static enum pb_status read_run(const char *folder, const char *file, struct pb_history_run *run, struct pb_error *error)
{
    char *path = pb_path_join(folder, file), *text = NULL;
    struct pb_history_run made = {0};
    size_t lengths[PB_HISTORY_PARTS] = {0};
    enum pb_status status = path ? PB_OK : pb_fail_memory(error, strlen(folder));
    if (status == PB_OK)
        status = pb_history_file_read(path, PB_PART_FACTS, &text, lengths, error);
    if (status == PB_OK)
        status = pb_history_run_parse(path, text, lengths[PB_PART_FACTS], &made, error);
    if (status == PB_OK) {
        made.number = number_of(file);
        made.whole = lengths[PB_PART_CELLS] > 0;
        made.file = pb_strdup(file);
        status = made.file ? PB_OK : pb_fail_memory(error, strlen(file));
    }
    if (status == PB_OK)
        status = read_known(folder, &made, error);
    if (status == PB_OK)
        *run = made;
    else
        pb_history_run_clear(&made);
    pb_free(text);
    pb_free(path);
    return status;
}

static enum pb_status add_file(struct pb_history *history, const char *file, struct pb_error *error)
{
    struct pb_error why = {0};
    const uint32_t number = number_of(file);
    struct pb_history_run *runs = pb_array_room(history->runs, history->run_count, sizeof *runs, error);
    if (!runs)
        return PB_ERROR_MEMORY;
    history->runs = runs;
    history->last_number = number > history->last_number ? number : history->last_number;
    const enum pb_status status = number == 0 ? pb_fail_at(&why, PB_ERROR_INPUT, file, 0, "it is no record of a run")
                                              : read_run(history->folder, file, &runs[history->run_count], &why);
    if (status == PB_OK) {
        history->run_count++;
        return PB_OK;
    }
    if (status == PB_ERROR_MEMORY) {
        *error = why;
        return status;
    }
    pb_log(PB_LOG_WARNING, "history '%s': %s (skipped)", history->folder, why.text);
    history->damaged++;
    return PB_OK;
}

static int by_number(const void *a, const void *b)
{
    const struct pb_history_run *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return strcmp(x->file, y->file);
}

static enum pb_status check_folder(const char *folder, struct pb_error *error)
{
    return pb_is_dir(folder)
               ? PB_OK
               : pb_fail_at(error, PB_ERROR_INPUT, folder, 0,
                            "there is no such history; 'prunebench history add OUT' makes one, --history names it");
}

enum pb_status pb_history_open(const char *folder, struct pb_history *history, struct pb_error *error)
{
    struct pb_history made = {.folder = pb_strdup(folder)};
    char **files = NULL;
    size_t count = 0;
    enum pb_status status = made.folder ? PB_OK : pb_fail_memory(error, strlen(folder));
    if (status == PB_OK)
        status = check_folder(folder, error);
    if (status == PB_OK)
        status = pb_list_dir(folder, &files, &count, error);
    for (size_t i = 0; status == PB_OK && i < count; i++)
        if (!is_own(files[i]))
            status = add_file(&made, files[i], error);
    pb_names_free(&files, count);
    if (status != PB_OK) {
        pb_history_close(&made);
        return status;
    }
    if (made.run_count > 0)
        qsort(made.runs, made.run_count, sizeof *made.runs, by_number);
    *history = made;
    return PB_OK;
}

void pb_history_close(struct pb_history *history)
{
    for (uint32_t i = 0; i < history->run_count; i++)
        pb_history_run_clear(&history->runs[i]);
    pb_free(history->runs);
    pb_free(history->folder);
    *history = (struct pb_history){0};
}

static const struct pb_history_run *last_good(const struct pb_history *history)
{
    for (uint32_t i = history->run_count; i-- > 0;)
        if (history->runs[i].state == PB_RUN_GOOD || history->runs[i].known)
            return &history->runs[i];
    return NULL;
}

static bool is_called(const struct pb_history_run *run, const char *word)
{
    size_t number;
    const size_t stem = strlen(run->file) - strlen(ENDING);
    return strcmp(run->name, word) == 0 || strcmp(run->file, word) == 0 ||
           (strlen(word) == stem && strncmp(run->file, word, stem) == 0) ||
           (strspn(word, "0123456789") == strlen(word) && pb_parse_size(word, &number) && number == run->number);
}

static enum pb_status fail_unknown(const struct pb_history *history, const char *word, struct pb_error *error)
{
    const char **names = pb_calloc((size_t)history->run_count + 1, sizeof *names);
    if (!names)
        return pb_fail_memory(error, history->run_count * sizeof *names);
    for (uint32_t i = 0; i < history->run_count; i++)
        names[i] = history->runs[i].name;
    const char *closest = pb_closest(word, names, history->run_count);
    const enum pb_status status = pb_fail_at(
        error, PB_ERROR_INPUT, history->folder, 0, "no run is called '%s'%s%s%s; 'prunebench history list' names all",
        word, closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
    pb_free(names);
    return status;
}

bool pb_history_is_backwards(const struct pb_history *history, const struct pb_history_run *run)
{
    return run > history->runs && strcmp(run->time, run[-1].time) < 0;
}

enum pb_status pb_history_find(const struct pb_history *history, const char *word, const struct pb_history_run **run,
                               struct pb_error *error)
{
    const struct pb_history_run *found = NULL;
    if (history->run_count == 0)
        return pb_fail_at(error, PB_ERROR_INPUT, history->folder, 0, "no run can be read in this history");
    if (strcmp(word, "last") == 0) {
        *run = &history->runs[history->run_count - 1];
        return PB_OK;
    }
    if (strcmp(word, "last-good") == 0) {
        found = last_good(history);
        if (!found)
            return pb_fail_at(
                error, PB_ERROR_INPUT, history->folder, 0,
                "no run was good; 'prunebench history annotate NAME TEXT' says that a change is known, and "
                "makes its run one to compare with");
        *run = found;
        return PB_OK;
    }
    for (uint32_t i = 0; i < history->run_count; i++) {
        if (!is_called(&history->runs[i], word))
            continue;
        if (found)
            return pb_fail_at(error, PB_ERROR_INPUT, history->folder, 0,
                              "'%s' may be '%s' or '%s': use the name of the file", word, found->file,
                              history->runs[i].file);
        found = &history->runs[i];
    }
    if (!found)
        return fail_unknown(history, word, error);
    *run = found;
    return PB_OK;
}

enum pb_status pb_history_read(const struct pb_history *history, const struct pb_history_run *run,
                               enum pb_history_part part, char **data, size_t *length, struct pb_error *error)
{
    size_t lengths[PB_HISTORY_PARTS] = {0};
    char *path = pb_path_join(history->folder, run->file);
    if (!path)
        return pb_fail_memory(error, strlen(run->file));
    const enum pb_status status = pb_history_file_read(path, part, data, lengths, error);
    if (status == PB_OK)
        *length = lengths[part];
    pb_free(path);
    return status;
}

enum pb_status pb_history_lock(const char *folder, struct pb_lease **lock, struct pb_error *error)
{
    char *path = pb_path_join(folder, LOCK);
    enum pb_status status = path ? check_folder(folder, error) : pb_fail_memory(error, strlen(folder));
    if (status == PB_OK)
        status = pb_lease_take(path, PB_UNTIL_FREE, lock, error);
    pb_free(path);
    return status;
}

enum pb_status pb_history_annotate(const struct pb_history *history, const struct pb_history_run *run, const char *text,
                                   struct pb_error *error)
{
    struct pb_lease *lock = NULL;
    char *path = known_path(history->folder, run->file), *before = NULL, *whole = NULL;
    if (!*text || strpbrk(text, "\r\n")) {
        pb_free(path);
        return pb_fail(error, PB_ERROR_INPUT, "what is known of a run is one line of text, which is not empty");
    }
    enum pb_status status =
        path ? pb_history_lock(history->folder, &lock, error) : pb_fail_memory(error, strlen(history->folder));
    if (status == PB_OK) {
        /* What is damaged was warned about when the history was opened. */
        (void)pb_sealed_read(path, &before);
        whole = pb_format("%s%s%s", before ? before : "", before ? "\n" : "", text);
        status = whole ? pb_sealed_write(path, whole, error) : pb_fail_memory(error, strlen(text));
        pb_lease_give(&lock);
    }
    pb_free(whole);
    pb_free(before);
    pb_free(path);
    return status;
}
