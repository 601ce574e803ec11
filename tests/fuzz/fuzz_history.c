/* Fuzzes the readers of a history's files. The first byte says what the rest is: a whole file, or one of its parts, whose checksum would
 * else hide what is read behind it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fuzz/folder.h"
#include "history/history.h"
#include "history/history_cells.h"
#include "history/history_numbers.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void read_file(const uint8_t *bytes, size_t length)
{
    struct pb_error error;
    const char *path = fuzz_put("000001_2026_x.run", bytes, length);
    for (int part = 0; part < PB_HISTORY_PARTS; part++) {
        char *data = NULL;
        size_t lengths[PB_HISTORY_PARTS] = {0};
        if (pb_history_file_read(path, (enum pb_history_part)part, &data, lengths, &error) == PB_OK &&
            lengths[part] > length)
            abort();
        pb_free(data);
    }
}

/* What is read can be written again, and then is the same. */
static void read_facts(const char *text, size_t length)
{
    struct pb_error error;
    struct pb_history_run run = {0}, again = {0};
    char *written = NULL;
    if (pb_history_run_parse("x", text, length, &run, &error) != PB_OK)
        return;
    if (pb_history_run_format(&run, &written, &length, &error) != PB_OK ||
        pb_history_run_parse("x", written, length, &again, &error) != PB_OK || strcmp(run.name, again.name) != 0)
        abort();
    pb_free(written);
    pb_history_run_clear(&run);
    pb_history_run_clear(&again);
}

static void read_numbers(const char *text, size_t length)
{
    struct pb_error error;
    struct pb_night_numbers numbers = {0}, again = {0};
    char *written = NULL;
    if (pb_night_numbers_parse("x", text, length, &numbers, &error) != PB_OK)
        return;
    if (pb_night_numbers_format(&numbers, &written, &length, &error) != PB_OK ||
        pb_night_numbers_parse("x", written, length, &again, &error) != PB_OK ||
        again.cell_count != numbers.cell_count || again.column_count != numbers.column_count)
        abort();
    pb_free(written);
    pb_night_numbers_free(&numbers);
    pb_night_numbers_free(&again);
}

static void read_cells(const char *data, size_t length)
{
    struct pb_error error;
    struct pb_record *records = NULL;
    uint32_t count = 0;
    if (pb_history_cells_unpack("x", data, length, &records, &count, &error) == PB_OK)
        pb_history_cells_free(&records, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length == 0)
        return 0;
    /* Parts end with a NUL, as pb_history_file_read gives them. */
    char *copy = pb_calloc(length, 1);
    if (!copy)
        abort();
    memcpy(copy, bytes + 1, length - 1);
    switch (bytes[0]) {
    case 'w':
        read_file(bytes + 1, length - 1);
        break;
    case 'f':
        read_facts(copy, length - 1);
        break;
    case 'n':
        read_numbers(copy, length - 1);
        break;
    case 'c':
        read_cells(copy, length - 1);
        break;
    default:
        break;
    }
    pb_free(copy);
    return 0;
}
