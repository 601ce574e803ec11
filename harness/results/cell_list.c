/* OUT/matrix-cells.txt: one line per cell, digest and id. */
#include "results/cell_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define LIST_NAME "matrix-cells.txt"
enum { DIGEST = 64 };

static int by_id(const void *a, const void *b)
{
    const struct pb_listed_cell *x = a, *y = b;
    return strcmp(x->id, y->id);
}

enum pb_status pb_cell_list_write(const char *out, struct pb_listed_cell *cells, uint32_t count, struct pb_error *error)
{
    struct pb_text text = {0};
    char *path = pb_path_join(out, LIST_NAME);
    if (path == NULL)
        return pb_fail_memory(error, strlen(out));
    qsort(cells, count, sizeof *cells, by_id);
    for (uint32_t i = 0; i < count; i++) {
        pb_text_append_bytes(&text, cells[i].digest, strlen(cells[i].digest));
        pb_text_append_bytes(&text, " ", 1);
        pb_text_append_bytes(&text, cells[i].id, strlen(cells[i].id));
        pb_text_append_bytes(&text, "\n", 1);
    }
    const enum pb_status status =
        text.failed ? pb_fail_memory(error, text.capacity) : pb_file_write_atomic(path, text.data, text.length, error);
    pb_text_free(&text);
    pb_free(path);
    return status;
}

static bool is_line(const char *line)
{
    return strspn(line, "0123456789abcdef") == DIGEST && line[DIGEST] == ' ' && line[DIGEST + 1] != '\0';
}

static size_t count_lines(const char *data)
{
    size_t count = 0;
    for (const char *end = strchr(data, '\n'); end != NULL; end = strchr(end + 1, '\n'))
        count++;
    return count;
}

static enum pb_status parse(const char *path, struct pb_cell_list *list, struct pb_error *error)
{
    const size_t lines = count_lines(list->data);
    list->cells = pb_calloc(lines + 1, sizeof *list->cells);
    if (list->cells == NULL)
        return pb_fail_memory(error, lines * sizeof *list->cells);
    char *line = list->data;
    for (size_t i = 0; i < lines; i++) {
        char *end = strchr(line, '\n');
        *end = '\0';
        struct pb_listed_cell *cell = &list->cells[i];
        if (!is_line(line) || (i > 0 && strcmp(list->cells[i - 1].id, line + DIGEST + 1) >= 0))
            return pb_fail_at(error, PB_ERROR_INPUT, path, (long)i + 1,
                              "not a line of a sorted list of cells; 'prunebench run' writes the list anew");
        cell->id = line + DIGEST + 1;
        memcpy(cell->digest, line, DIGEST);
        list->count++;
        line = end + 1;
    }
    return PB_OK;
}

enum pb_status pb_cell_list_read(const char *out, struct pb_cell_list *list, struct pb_error *error)
{
    struct pb_cell_list made = {0};
    size_t length = 0;
    enum pb_status status = PB_OK;
    char *path = pb_path_join(out, LIST_NAME);
    if (path == NULL)
        return pb_fail_memory(error, strlen(out));
    made.present = pb_file_exists(path);
    if (made.present)
        status = pb_file_read(path, 0, &made.data, &length, error);
    if (status == PB_OK && made.present &&
        (length == 0 || strlen(made.data) != length || made.data[length - 1] != '\n'))
        status = pb_fail_at(error, PB_ERROR_INPUT, path, 0,
                            "the list of the matrix's cells is cut short; 'prunebench run' writes it anew");
    if (status == PB_OK && made.present)
        status = parse(path, &made, error);
    if (status == PB_OK)
        *list = made;
    else
        pb_cell_list_free(&made);
    pb_free(path);
    return status;
}

const struct pb_listed_cell *pb_cell_list_find(const struct pb_cell_list *list, const char *id)
{
    const struct pb_listed_cell key = {.id = id};
    return list->count == 0 ? NULL : bsearch(&key, list->cells, list->count, sizeof key, by_id);
}

void pb_cell_list_free(struct pb_cell_list *list)
{
    pb_free(list->cells);
    pb_free(list->data);
    *list = (struct pb_cell_list){0};
}
