/* Which result documents belong together: bound to the matrix that was run last, one per cell, one setting per row. */
#include "summary/summary_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/memory.h"

#define NAMES_SHOWN 3 /* in one warning */

const char *const pb_left_out_names[PB_LEFT_OUT_COUNT + 1] = {
    [PB_LEFT_OUT_NAME] = "copied or renamed",
    [PB_LEFT_OUT_MATRIX] = "of another matrix",
    [PB_LEFT_OUT_EARLIER] = "of an earlier state of the matrix",
    [PB_LEFT_OUT_TWICE] = "of a cell that another document holds, too",
    [PB_LEFT_OUT_VERSION] = "of an earlier version of the program",
    [PB_LEFT_OUT_SETTINGS] = "of another matrix, by their settings",
};

enum pb_status pb_summary_leave_out(struct pb_summary *summary, const char *file, enum pb_left_out reason,
                                    const char *message, struct pb_error *error)
{
    struct pb_summary_left_out *rows = pb_array_room(summary->left_out, summary->left_out_count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    summary->left_out = rows;
    struct pb_summary_left_out row = {.file = pb_strdup(file), .message = pb_strdup(message), .reason = reason};
    if (row.file == NULL || row.message == NULL) {
        pb_free(row.file);
        pb_free(row.message);
        return pb_fail_memory(error, strlen(message) + 1);
    }
    rows[summary->left_out_count++] = row;
    return PB_OK;
}

void pb_summary_warn_left_out(const struct pb_summary *summary)
{
    for (int reason = 0; reason < PB_LEFT_OUT_COUNT; reason++) {
        struct pb_text names = {0};
        uint32_t count = 0;
        for (uint32_t i = 0; i < summary->left_out_count; i++)
            if (summary->left_out[i].reason == (enum pb_left_out)reason && count++ < NAMES_SHOWN)
                pb_text_append(&names, "%s%s", count > 1 ? ", " : "", summary->left_out[i].file);
        if (count > NAMES_SHOWN)
            pb_text_append(&names, " and %u more", count - NAMES_SHOWN);
        if (count > 0)
            pb_log(PB_LOG_WARNING, "%u result%s left out of the tables, %s: %s", count, count == 1 ? " is" : "s are",
                   pb_left_out_names[reason], names.data == NULL ? "" : names.data);
        pb_text_free(&names);
    }
}

/* The id that the cell of these labels has in a matrix: the axes in the matrix's order. From pb_calloc. */
static char *id_of_labels(const struct pb_record *record)
{
    static const char *const axes[] = {"dataset", "model", "criterion", "schedule", "backend", "variant", "target"};
    struct pb_text id = {0};
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++) {
        const char *label = pb_summary_config(record, axes[i]);
        if (label[0] != '\0')
            pb_text_append(&id, "%s.", label);
    }
    pb_text_append(&id, "s%s", pb_summary_config(record, "seed"));
    if (id.failed)
        pb_text_free(&id);
    return id.data;
}

/* A judgement on one document; message "" where it may stay. */
struct verdict {
    enum pb_left_out reason;
    char message[600];
};

static enum pb_status judge_name(const struct pb_cell_list *list, const char *name, const struct pb_record *record,
                                 struct verdict *verdict, struct pb_error *error)
{
    const size_t length = strlen(record->id);
    verdict->reason = PB_LEFT_OUT_NAME;
    if (strncmp(name, record->id, length) != 0 || strcmp(name + length, ".xml") != 0) {
        (void)snprintf(verdict->message, sizeof verdict->message,
                       "its id is '%.240s', which is not its file name: a copy, or renamed", record->id);
        return PB_OK;
    }
    char *own = list->present ? id_of_labels(record) : NULL;
    if (list->present && own == NULL)
        return pb_fail_memory(error, length);
    if (own != NULL && strcmp(own, record->id) != 0)
        (void)snprintf(verdict->message, sizeof verdict->message, "its id is '%.240s', but it holds the cell '%.240s'",
                       record->id, own);
    pb_free(own);
    return PB_OK;
}

static void judge_matrix(const struct pb_cell_list *list, const struct pb_record *record, struct verdict *verdict)
{
    const struct pb_listed_cell *listed = pb_cell_list_find(list, record->id);
    const char *digest = pb_record_find(record->provenance, record->provenance_count, PB_KEY_CONFIG);
    if (listed == NULL) {
        verdict->reason = PB_LEFT_OUT_MATRIX;
        (void)snprintf(verdict->message, sizeof verdict->message,
                       "the matrix that was run last has no cell of this name (this one is of matrix '%.80s')",
                       pb_summary_config(record, "matrix"));
    } else if (digest == NULL || strcmp(digest, listed->digest) != 0) {
        verdict->reason = PB_LEFT_OUT_EARLIER;
        (void)snprintf(
            verdict->message, sizeof verdict->message,
            "the matrix's settings, or code that decides numbers, have changed since; 'prunebench run' makes "
            "it again");
    }
}

/* Results say what their criterion is since the summary no longer knows criteria by name. A cell that only trains has none. */
static void judge_version(const struct pb_record *record, struct verdict *verdict)
{
    const char *criterion = pb_summary_config(record, "criterion");
    if (criterion[0] == '\0' || strcmp(criterion, "none") == 0 ||
        pb_record_find(record->config, record->config_count, "criterion.traits") != NULL)
        return;
    verdict->reason = PB_LEFT_OUT_VERSION;
    (void)snprintf(
        verdict->message, sizeof verdict->message,
        "it does not say what criterion '%.80s' is; 'prunebench run' makes it again, or add <option "
        "name=\"criterion.traits\" value=\"\"/> to its <config>: random for a random control, scales for one of γ, "
        "empty for others",
        criterion);
}

enum pb_status pb_summary_bind(struct pb_summary *summary, const struct pb_cell_list *list, const char *name,
                               struct pb_record *record, struct pb_error *error)
{
    struct verdict verdict = {0};
    enum pb_status status = judge_name(list, name, record, &verdict, error);
    if (status == PB_OK && verdict.message[0] == '\0' && list->present)
        judge_matrix(list, record, &verdict);
    if (status == PB_OK && verdict.message[0] == '\0')
        judge_version(record, &verdict);
    if (status == PB_OK && verdict.message[0] != '\0')
        status = pb_summary_leave_out(summary, name, verdict.reason, verdict.message, error);
    struct pb_record *rows = NULL;
    if (status == PB_OK && verdict.message[0] == '\0') {
        rows = pb_array_room(summary->records, summary->record_count, sizeof *rows, error);
        status = rows == NULL ? PB_ERROR_MEMORY : PB_OK;
    }
    if (rows == NULL) {
        pb_record_free(record);
        return status;
    }
    summary->records = rows;
    rows[summary->record_count++] = *record;
    return PB_OK;
}

/* The split of a data set follows the seed unless the matrix says otherwise. */
static bool follows_seed(const struct pb_record *record, const struct pb_pair *pair)
{
    return strcmp(pair->key, "seed") == 0 ||
           (strcmp(pair->key, "data.split-seed") == 0 && strcmp(pair->value, pb_summary_config(record, "seed")) == 0);
}

/* Where things are, in two documents that say themselves what they worked on. */
static bool is_place_of_same(const struct pb_record *a, const struct pb_record *b, const char *key)
{
    const char *one = pb_record_find(a->provenance, a->provenance_count, PB_KEY_INPUTS);
    const char *other = pb_record_find(b->provenance, b->provenance_count, PB_KEY_INPUTS);
    return pb_record_is_place(key) && one != NULL && other != NULL && one[0] != '\0' && strcmp(one, other) == 0;
}

/* The first option of a that b lacks or has with another value. */
static const char *unlike(const struct pb_record *a, const struct pb_record *b)
{
    for (uint32_t i = 0; i < a->config_count; i++) {
        const struct pb_pair *pair = &a->config[i];
        if (strcmp(pair->key, "matrix") == 0 || is_place_of_same(a, b, pair->key))
            continue;
        const struct pb_pair *other =
            i < b->config_count && strcmp(b->config[i].key, pair->key) == 0 ? &b->config[i] : NULL;
        const char *value = other != NULL ? other->value : pb_record_find(b->config, b->config_count, pair->key);
        if (value != NULL && strcmp(value, pair->value) == 0)
            continue;
        const struct pb_pair theirs = {.key = pair->key, .value = (char *)(uintptr_t)value};
        if (value == NULL || !follows_seed(a, pair) || !follows_seed(b, &theirs))
            return pair->key;
    }
    return NULL;
}

const char *pb_summary_other_setting(const struct pb_record *a, const struct pb_record *b)
{
    const char *key = unlike(a, b);
    return key != NULL ? key : unlike(b, a);
}

static bool same_row(const struct pb_record *a, const struct pb_record *b)
{
    static const char *const keys[] = {"dataset",  "model",          "backend", "variant",
                                       "schedule", "target.measure", "target",  "criterion"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(pb_summary_config(a, keys[i]), pb_summary_config(b, keys[i])) != 0)
            return false;
    return true;
}

/* When a result was made, as text that sorts; "" when it does not say. */
static const char *made_at(const struct pb_record *record)
{
    static const char *const keys[] = {"started", "recorded"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *when = pb_record_find(record->provenance, record->provenance_count, keys[i]);
        if (when != NULL)
            return when;
    }
    return "";
}

/* Cells of one row that differ in the seed alone. */
struct kind {
    const struct pb_record *first;
    uint32_t cells;
    const char *newest;
};

/* The cells of a row, while they are sorted out. of: the kind of each; gone: left out. */
struct row {
    struct pb_record *cells;
    uint32_t count;
    uint32_t *of;
    bool *gone;
    struct kind *kinds;
    uint32_t kind_count;
};

static enum pb_status find_kinds(struct row *row, struct pb_error *error)
{
    for (uint32_t i = 0; i < row->count; i++) {
        const struct pb_record *cell = &row->cells[i];
        uint32_t k = 0;
        while (k < row->kind_count && pb_summary_other_setting(row->kinds[k].first, cell) != NULL)
            k++;
        if (k == row->kind_count) {
            struct kind *kinds = pb_array_room(row->kinds, k, sizeof *kinds, error);
            if (kinds == NULL)
                return PB_ERROR_MEMORY;
            row->kinds = kinds;
            kinds[row->kind_count++] = (struct kind){.first = cell, .newest = ""};
        }
        row->of[i] = k;
        row->kinds[k].cells++;
        if (strcmp(made_at(cell), row->kinds[k].newest) > 0)
            row->kinds[k].newest = made_at(cell);
    }
    return PB_OK;
}

/* That of most cells; of the newest where there are as many of another. */
static uint32_t best_kind(const struct row *row)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < row->kind_count; k++) {
        const struct kind *a = &row->kinds[k], *b = &row->kinds[best];
        if (a->cells > b->cells || (a->cells == b->cells && strcmp(a->newest, b->newest) > 0))
            best = k;
    }
    return best;
}

static enum pb_status leave_out(struct pb_summary *summary, const struct pb_record *record, enum pb_left_out reason,
                                const char *message, struct pb_error *error)
{
    char *file = pb_format("%s.xml", record->id);
    if (file == NULL)
        return pb_fail_memory(error, strlen(record->id));
    const enum pb_status status = pb_summary_leave_out(summary, file, reason, message, error);
    pb_free(file);
    return status;
}

static enum pb_status keep_one_kind(struct pb_summary *summary, struct row *row, struct pb_error *error)
{
    enum pb_status status = find_kinds(row, error);
    const uint32_t best = status == PB_OK ? best_kind(row) : 0;
    for (uint32_t i = 0; i < row->count && status == PB_OK && row->kind_count > 1; i++) {
        if (row->of[i] == best)
            continue;
        const struct pb_record *cell = &row->cells[i], *kept = row->kinds[best].first;
        const char *key = pb_summary_other_setting(kept, cell);
        const char *here = pb_record_find(cell->config, cell->config_count, key);
        const char *there = pb_record_find(kept->config, kept->config_count, key);
        char message[600];
        (void)snprintf(
            message, sizeof message,
            "%.80s is %.80s here and %.80s in '%.200s' and other results of its row, which are more or newer", key,
            here == NULL ? "not given" : here, there == NULL ? "not given" : there, kept->id);
        row->gone[i] = true;
        status = leave_out(summary, cell, PB_LEFT_OUT_SETTINGS, message, error);
    }
    return status;
}

/* Of two documents of one cell: the one with the cell's own id, then the newer. */
static bool is_better(const struct pb_record *a, const struct pb_record *b)
{
    char *own = id_of_labels(a);
    const bool first = own != NULL && strcmp(a->id, own) == 0, second = own != NULL && strcmp(b->id, own) == 0;
    pb_free(own);
    return first != second ? first : strcmp(made_at(a), made_at(b)) > 0;
}

static enum pb_status keep_one_document(struct pb_summary *summary, struct row *row, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < row->count; i++)
        for (uint32_t k = i + 1; k < row->count && !row->gone[i] && status == PB_OK; k++) {
            const char *seed = pb_summary_config(&row->cells[i], "seed");
            if (row->gone[k] || strcmp(seed, pb_summary_config(&row->cells[k], "seed")) != 0)
                continue;
            const uint32_t worse = is_better(&row->cells[k], &row->cells[i]) ? i : k;
            char message[300];
            (void)snprintf(message, sizeof message, "'%.200s' is of the same cell", row->cells[worse == i ? k : i].id);
            row->gone[worse] = true;
            status = leave_out(summary, &row->cells[worse], PB_LEFT_OUT_TWICE, message, error);
        }
    return status;
}

static enum pb_status unmix_row(struct pb_summary *summary, struct row *row, struct pb_error *error)
{
    row->of = pb_calloc(row->count, sizeof *row->of);
    if (row->of == NULL)
        return pb_fail_memory(error, row->count * sizeof *row->of);
    enum pb_status status = keep_one_kind(summary, row, error);
    if (status == PB_OK)
        status = keep_one_document(summary, row, error);
    pb_free(row->of);
    pb_free(row->kinds);
    return status;
}

static void drop(struct pb_summary *summary, const bool *gone)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < summary->record_count; i++)
        if (gone[i])
            pb_record_free(&summary->records[i]);
        else
            summary->records[kept++] = summary->records[i];
    summary->record_count = kept;
}

enum pb_status pb_summary_unmix(struct pb_summary *summary, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    bool *gone = pb_calloc(summary->record_count, sizeof *gone);
    if (gone == NULL)
        return pb_fail_memory(error, summary->record_count);
    for (uint32_t begin = 0, end; begin < summary->record_count && status == PB_OK; begin = end) {
        for (end = begin + 1; end < summary->record_count; end++)
            if (!same_row(&summary->records[begin], &summary->records[end]))
                break;
        struct row row = {.cells = &summary->records[begin], .count = end - begin, .gone = &gone[begin]};
        if (row.count > 1)
            status = unmix_row(summary, &row, error);
    }
    if (status == PB_OK)
        drop(summary, gone);
    pb_free(gone);
    return status;
}
