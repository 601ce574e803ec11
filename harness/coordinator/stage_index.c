/* Which stages the cells of a run have in their plans. */
#include "coordinator/stage_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { KEY = 64, CELLS = 10, LINE = KEY + 1 + CELLS + 1 };

static int by_key(const void *a, const void *b)
{
    const struct pb_shared_stage *const *x = a, *const *y = b;
    return memcmp((*x)->key, (*y)->key, KEY);
}

enum pb_status pb_stage_index_write(const char *path, const struct pb_queue *queue, struct pb_error *error)
{
    const struct pb_shared_stage **sorted = pb_calloc((size_t)queue->stage_count + 1, sizeof *sorted);
    struct pb_text text = {0};
    if (!sorted)
        return pb_fail_memory(error, queue->stage_count * sizeof *sorted);
    for (uint32_t i = 0; i < queue->stage_count; i++)
        sorted[i] = &queue->stages[i];
    qsort(sorted, queue->stage_count, sizeof *sorted, by_key);
    pb_text_append(&text, "%s", "");
    for (uint32_t i = 0; i < queue->stage_count; i++)
        pb_text_append(&text, "%-64s %10u\n", sorted[i]->key, sorted[i]->users);
    const enum pb_status status =
        text.failed ? pb_fail_memory(error, text.capacity) : pb_file_write_atomic(path, text.data, text.length, error);
    pb_text_free(&text);
    pb_free(sorted);
    return status;
}

enum pb_status pb_stage_index_open(const char *path, int *file, struct pb_error *error)
{
    const int opened = pb_open_to_read(path, 0);
    if (opened < 0)
        return pb_fail_errno(error, "read '%s'", path);
    *file = opened;
    return PB_OK;
}

uint32_t pb_stage_index_cells(int file, const char *key)
{
    struct stat facts;
    char requested[KEY + 1];
    if (fstat(file, &facts) != 0 || facts.st_size % LINE != 0)
        return UINT32_MAX;
    snprintf(requested, sizeof requested, "%-64s", key);
    off_t low = 0, high = facts.st_size / LINE;
    while (low < high) {
        char line[LINE + 1];
        int64_t cells = 0;
        const off_t middle = low + (high - low) / 2;
        if (pread(file, line, LINE, middle * LINE) != LINE)
            return UINT32_MAX;
        line[LINE] = '\0';
        const int order = memcmp(line, requested, KEY);
        if (order == 0)
            return pb_parse_int(line + KEY, &cells) && cells >= 0 ? (uint32_t)cells : UINT32_MAX;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

void pb_stage_index_close(int *file)
{
    if (*file >= 0)
        close(*file);
    *file = -1;
}
