/* Images listed in a CSV file: one record each, columns named by the header. */
#include <stdio.h>
#include <string.h>

#include "folder/csv.h"
#include "folder/folder.h"
#include "folder/listing.h"

enum { PATH, LABEL, SPLIT, COLUMNS };
static const char *const column_names[COLUMNS] = {"path", "label", "split"};

struct csv_list {
    struct folder *folder;
    struct csv_reader reader;
    struct csv_record record;
    size_t columns, where[COLUMNS]; /* fields per record; which of them is which */
    struct names labels; /* per sample, until all classes are known */
};

static bool has_split(const struct csv_list *list)
{
    return !(list->folder->options->test_share > 0);
}

static enum pb_status fail_column(const struct csv_list *list, size_t column)
{
    char found[200] = "";
    size_t used = 0;
    for (size_t i = 0; i < list->record.count && used + 60 < sizeof found; i++)
        used +=
            (size_t)snprintf(found + used, sizeof found - used, "%s%.50s", i > 0 ? "," : "", list->record.fields[i]);
    return annotations_fail(&list->reader.file, "has no column '%s'; the header must name path,label%s (it is '%s')%s",
                            column_names[column], has_split(list) ? ",split" : "", found,
                            column == SPLIT ? ", or set the option test-share" : "");
}

static enum pb_status read_header(struct csv_list *list)
{
    const struct annotations *file = &list->reader.file;
    const enum pb_status status = csv_next(&list->reader, &list->record);
    if (status != PB_OK)
        return status;
    list->columns = list->record.count;
    for (size_t column = 0; column < COLUMNS; column++) {
        list->where[column] = SIZE_MAX;
        for (size_t i = 0; i < list->columns; i++) {
            if (strcmp(list->record.fields[i], column_names[column]) != 0)
                continue;
            if (list->where[column] != SIZE_MAX)
                return annotations_fail(file, "names the column '%s' twice", column_names[column]);
            list->where[column] = i;
        }
        if (list->where[column] == SIZE_MAX && (column != SPLIT || has_split(list)))
            return fail_column(list, column);
    }
    if (!has_split(list) && list->where[SPLIT] != SIZE_MAX)
        return annotations_fail(file, "has a column 'split' already; leave out the option test-share");
    return PB_OK;
}

static enum pb_status read_split(const struct csv_list *list, uint32_t *split)
{
    const char *value = list->record.fields[list->where[SPLIT]];
    for (uint32_t s = PB_SPLIT_TRAIN; s <= PB_SPLIT_TEST; s++)
        for (size_t i = 0; i < list->folder->splits[s].count; i++)
            if (strcmp(list->folder->splits[s].names[i], value) == 0) {
                *split = s;
                return PB_OK;
            }
    return annotations_fail(&list->reader.file,
                            "split '%.60s' is neither training ('%.60s') nor test ('%.60s'); change it, or name it in "
                            "the option train or test",
                            value, list->folder->options->train, list->folder->options->test);
}

static enum pb_status read_record(struct csv_list *list)
{
    struct folder *self = list->folder;
    const struct annotations *file = &list->reader.file;
    struct pb_sample sample = {.source = file->path, .line = file->line, .split = PB_SPLIT_TRAIN};
    if (list->record.count != list->columns)
        return annotations_fail(file, "has %zu field%s where the header has %zu", list->record.count,
                                list->record.count == 1 ? "" : "s", list->columns);
    const char *path = list->record.fields[list->where[PATH]], *label = list->record.fields[list->where[LABEL]];
    if (!path_is_inside(path))
        return annotations_fail(file, "'%.200s' is not the path of an image below %.200s", path, self->root);
    if (*label == '\0')
        return annotations_fail(file, "the label is empty");
    enum pb_status status = has_split(list) ? read_split(list, &sample.split) : PB_OK;
    if (status != PB_OK)
        return status;
    sample.path = arena_path(&self->arena, self->root, path, "");
    status = sample.path != NULL ? names_add(&self->arena, &list->labels, label) : PB_ERROR_MEMORY;
    return status == PB_OK ? sample_list_add(&self->samples, &sample) : status;
}

/* The different labels are the classes. */
static enum pb_status find_classes(struct csv_list *list)
{
    struct folder *self = list->folder;
    const char **names = arena_alloc(&self->arena, self->samples.count, sizeof *names);
    if (names == NULL)
        return PB_ERROR_MEMORY;
    memcpy(names, list->labels.items, list->labels.count * sizeof *names);
    const enum pb_status status = folder_set_classes(self, names, list->labels.count);
    for (size_t i = 0; status == PB_OK && i < self->samples.count; i++)
        (void)folder_find_class(self, list->labels.items[i], &self->samples.items[i].label);
    return status;
}

enum pb_status folder_read_csv(struct folder *self)
{
    struct csv_list *list =
        arena_alloc(&self->arena, 1, sizeof *list); /* a record is too large for the stack's taste */
    if (list == NULL)
        return PB_ERROR_MEMORY;
    list->folder = self;
    enum pb_status status = csv_open(&self->arena, self->root, self->options->csv, &list->reader);
    if (status == PB_OK)
        status = read_header(list);
    while (status == PB_OK) {
        status = csv_next(&list->reader, &list->record);
        if (status == PB_OK && list->record.count == 0)
            break;
        if (status == PB_OK)
            status = read_record(list);
    }
    if (status == PB_OK && self->samples.count == 0)
        status = annotations_fail(&list->reader.file, "lists no image behind its header");
    return status == PB_OK ? find_classes(list) : status;
}
