/* Packed result documents: each as XML with a NUL behind it, compressed as a whole; the length before that comes first. */
#include "history/history_cells.h"

#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/xml_writer.h"
#include "results/fields_parts.h"
#include "results/record_fields.h"
#include "results/result_read.h"
#include "results/schema.h"

enum { LENGTH_DIGITS = 16 };
/* 20,000 cells of 100 KB: more is damage. */
#define MOST_BYTES ((uint64_t)2 << 30)

/* A row of a list without its inner rows and what else only a report draws. */
static void drop_layers(struct pb_record *record)
{
    for (uint32_t i = 0; i < record->pruning_count; i++) {
        record->prunings[i].layer_count = 0;
        record->prunings[i].gamma_before = record->prunings[i].gamma_after = (struct pb_gamma_record){0};
    }
    for (uint32_t i = 0; i < record->masking_count; i++)
        record->maskings[i].layer_count = 0;
    for (uint32_t i = 0; i < record->cost_count; i++)
        record->costs[i].graph = NULL;
    for (uint32_t i = 0; i < record->accuracy_count; i++)
        record->accuracies[i].class_count = 0, record->accuracies[i].class_top1 = NULL;
}

/* The last epoch of each stage, with the seconds of all. */
static void join_epochs(struct pb_record *record)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < record->epoch_count; i++) {
        struct pb_epoch_record row = record->epochs[i];
        row.mask = NULL;
        if (kept > 0 && strcmp(record->epochs[kept - 1].stage, row.stage) == 0)
            row.seconds += record->epochs[--kept].seconds;
        record->epochs[kept++] = row;
    }
    record->epoch_count = kept;
}

/* Lists of a record that are changed below, copied as they are: what is in their rows stays the record's. */
struct shallow {
    struct pb_record record;
    void *lists[5];
};

static enum pb_status copy_list(void *list, size_t size, uint32_t count, struct shallow *shallow, int index,
                                struct pb_error *error)
{
    void *rows;
    memcpy(&rows, list, sizeof rows);
    void *copy = pb_calloc((size_t)count + 1, size);
    if (!copy)
        return pb_fail_memory(error, count * size);
    if (count > 0)
        memcpy(copy, rows, count * size);
    memcpy(list, &copy, sizeof copy);
    shallow->lists[index] = copy;
    return PB_OK;
}

static enum pb_status reduce(const struct pb_record *whole, struct shallow *shallow, struct pb_error *error)
{
    struct pb_record *record = &shallow->record;
    *shallow = (struct shallow){.record = *whole};
    record->log_tail = NULL;
    record->gamma = (struct pb_gamma_record){0};
    record->layer_count = record->trial_count = record->repair_count = 0;
    enum pb_status status =
        copy_list(&record->prunings, sizeof *record->prunings, record->pruning_count, shallow, 0, error);
    if (status == PB_OK)
        status = copy_list(&record->maskings, sizeof *record->maskings, record->masking_count, shallow, 1, error);
    if (status == PB_OK)
        status = copy_list(&record->costs, sizeof *record->costs, record->cost_count, shallow, 2, error);
    if (status == PB_OK)
        status = copy_list(&record->accuracies, sizeof *record->accuracies, record->accuracy_count, shallow, 3, error);
    if (status == PB_OK)
        status = copy_list(&record->epochs, sizeof *record->epochs, record->epoch_count, shallow, 4, error);
    if (status == PB_OK) {
        drop_layers(record);
        join_epochs(record);
    }
    return status;
}

static enum pb_status append_cell(const struct pb_record *whole, struct pb_text *text, struct pb_error *error)
{
    struct shallow shallow;
    enum pb_status status = reduce(whole, &shallow, error);
    if (status == PB_OK) {
        struct pb_xml_writer writer;
        pb_xml_begin(&writer, "cell", PB_RESULT_NAMESPACE);
        pb_fields_write(&writer, &pb_record_fields, &shallow.record);
        status = pb_xml_end(&writer, text, error);
    }
    for (size_t i = 0; i < sizeof shallow.lists / sizeof *shallow.lists; i++)
        pb_free(shallow.lists[i]);
    pb_text_append_bytes(text, "", 1);
    return status;
}

static enum pb_status compress_text(const struct pb_text *text, char **data, size_t *length, struct pb_error *error)
{
    uLongf room = compressBound((uLong)text->length);
    char *bytes = pb_calloc(LENGTH_DIGITS + (size_t)room + 1, 1);
    if (!bytes)
        return pb_fail_memory(error, (size_t)room);
    (void)snprintf(bytes, LENGTH_DIGITS + 1, "%016llu", (unsigned long long)text->length);
    const int code = compress((Bytef *)bytes + LENGTH_DIGITS, &room, (const Bytef *)(text->data ? text->data : ""),
                              (uLong)text->length);
    if (code != Z_OK) {
        pb_free(bytes);
        return pb_fail_memory(error, (size_t)room);
    }
    *data = bytes;
    *length = LENGTH_DIGITS + (size_t)room;
    return PB_OK;
}

static enum pb_status append_cells(const struct pb_record *records, uint32_t count, struct pb_text *text,
                                   struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < count; i++)
        status = append_cell(&records[i], text, error);
    return status == PB_OK && text->failed ? pb_fail_memory(error, text->capacity) : status;
}

enum pb_status pb_history_cells_pack(const struct pb_record *records, uint32_t count, char **data, size_t *length,
                                     struct pb_error *error)
{
    struct pb_text text = {0};
    enum pb_status status = append_cells(records, count, &text, error);
    if (status == PB_OK)
        status = compress_text(&text, data, length, error);
    pb_text_free(&text);
    return status;
}

/* The documents behind each other; *text from pb_calloc, with one NUL more. */
static enum pb_status expand(const char *name, const char *data, size_t length, char **text, size_t *text_length,
                             struct pb_error *error)
{
    char digits[LENGTH_DIGITS + 1] = "";
    size_t expected = 0;
    if (length >= LENGTH_DIGITS)
        memcpy(digits, data, LENGTH_DIGITS);
    if (!pb_parse_size(digits, &expected) || expected > MOST_BYTES)
        return pb_fail_at(error, PB_ERROR_INPUT, name, 0, "the packed result documents do not say how long they are");
    char *bytes = pb_calloc(expected + 1, 1);
    uLongf room = (uLongf)expected;
    if (!bytes)
        return pb_fail_memory(error, expected);
    const int code =
        uncompress((Bytef *)bytes, &room, (const Bytef *)data + LENGTH_DIGITS, (uLong)(length - LENGTH_DIGITS));
    if (code != Z_OK || room != expected) {
        pb_free(bytes);
        return pb_fail_at(error, PB_ERROR_INPUT, name, 0, "the packed result documents cannot be unpacked (%s)",
                          code == Z_OK ? "their length is another one" : zError(code));
    }
    *text = bytes;
    *text_length = expected;
    return PB_OK;
}

static enum pb_status read_cell(const char *name, const char *text, size_t length, const struct pb_xml_schema *schema,
                                struct pb_record *record, struct pb_error *error)
{
    struct pb_xml xml = {0};
    pb_record_init(record);
    enum pb_status status = pb_xml_parse(name, text, length, &xml, error);
    if (status == PB_OK)
        status = pb_xml_validate(&xml, schema, error);
    if (status == PB_OK)
        status = pb_result_read_cell(&xml, xmlDocGetRootElement(xml.doc), record, error);
    if (status != PB_OK)
        pb_record_free(record);
    pb_xml_free(&xml);
    return status;
}

static enum pb_status read_cells(const char *name, const char *text, size_t length, struct pb_record **records,
                                 uint32_t *count, struct pb_error *error)
{
    struct pb_xml_schema *schema = NULL;
    struct pb_record *made = NULL;
    uint32_t made_count = 0;
    enum pb_status status = pb_schema_open(PB_RESULT_SCHEMA, &schema, error);
    for (size_t at = 0; status == PB_OK && at < length;) {
        const size_t size = strlen(text + at);
        struct pb_record *rows = pb_array_room(made, made_count, sizeof *rows, error);
        if (!rows) {
            status = PB_ERROR_MEMORY;
            break;
        }
        made = rows;
        status = read_cell(name, text + at, size, schema, &rows[made_count], error);
        made_count += status == PB_OK;
        at += size + 1;
    }
    pb_xml_schema_free(&schema);
    if (status == PB_OK) {
        *records = made;
        *count = made_count;
    } else {
        pb_history_cells_free(&made, made_count);
    }
    return status;
}

enum pb_status pb_history_cells_unpack(const char *name, const char *data, size_t length, struct pb_record **records,
                                       uint32_t *count, struct pb_error *error)
{
    char *text = NULL;
    size_t text_length = 0;
    enum pb_status status = expand(name, data, length, &text, &text_length, error);
    if (status == PB_OK)
        status = read_cells(name, text, text_length, records, count, error);
    pb_free(text);
    return status;
}

enum pb_status pb_history_cells_reduce(const char *name, struct pb_record **records, uint32_t *count,
                                       struct pb_error *error)
{
    struct pb_text text = {0};
    struct pb_record *whole = *records;
    const uint32_t whole_count = *count;
    enum pb_status status = append_cells(whole, whole_count, &text, error);
    if (status == PB_OK)
        status = read_cells(name, text.data, text.length, records, count, error);
    pb_text_free(&text);
    if (status == PB_OK)
        pb_history_cells_free(&whole, whole_count);
    return status;
}

void pb_history_cells_free(struct pb_record **records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        pb_record_free(&(*records)[i]);
    pb_free(*records);
    *records = NULL;
}
