/* The tables of <cells>: every document of the run, also those that no table of a report has. */
#include "summary/summary_tables.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "results/record_fields.h"
#include "summary/summary_parts.h"

struct cell {
    const struct pb_record *record;
    const char *out; /* the run's folder; NULL: none */
};

static void derive_anchor(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_record *record = at;
    pb_xml_put_uri(writer, name, "cell-", record->id);
}

static void derive_document(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_record *record = at;
    char *file = pb_format("%s.xml", record->id);
    writer->failed |= file == NULL;
    if (file != NULL)
        pb_xml_put_uri(writer, name, "cells/", file);
    pb_free(file);
}

/* The label of an axis, under its key in the configuration. */
static void derive_label(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const bool of_target = strcmp(name, "measure") == 0 || strcmp(name, "amount") == 0;
    char *key = pb_format("%s%s", of_target ? "target." : "", name);
    writer->failed |= key == NULL;
    if (key != NULL)
        pb_xml_put(writer, name, pb_summary_config(at, key));
    pb_free(key);
}

static void derive_removed(struct pb_xml_writer *writer, const char *name, const void *at)
{
    pb_xml_put_real(writer, name, pb_record_removed(at, pb_summary_config(at, "target.measure")));
}

static void derive_top1(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_accuracy_record *accuracy = strcmp(name, "top1") == 0        ? pb_record_final(at)
                                                : strcmp(name, "top1-base") == 0 ? pb_record_baseline(at)
                                                                                 : pb_record_test(at, "pruned");
    pb_xml_put_real(writer, name, accuracy == NULL ? (double)NAN : accuracy->top1);
}

/* Of the network that top1 is of. */
static void derive_cost(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_cost_record *cost = pb_summary_cost(at, "pruned");
    cost = cost == NULL ? pb_summary_cost(at, "base") : cost;
    if (cost != NULL)
        pb_xml_put_count(writer, name, strcmp(name, "macs") == 0 ? cost->macs : cost->params);
}

/* A cell that never ran has no log. */
static void derive_log_file(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct cell *cell = at;
    if (cell->out == NULL)
        return;
    char *file = pb_format("%s.log", cell->record->id);
    char *path = file == NULL ? NULL : pb_format("%s/logs/%s", cell->out, file);
    writer->failed |= path == NULL;
    if (path != NULL && pb_file_exists(path))
        pb_xml_put_uri(writer, name, "logs/", file);
    pb_free(file);
    pb_free(path);
}

static void derive_seconds(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_record *record = at;
    pb_xml_put(writer, name, pb_record_find(record->provenance, record->provenance_count, "seconds"));
}

static void derive_warnings(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_record *record = at;
    for (uint32_t i = 0; i < record->pruning_count; i++)
        pb_xml_lines(writer, name, record->prunings[i].warnings);
}

static void derive_log_tail(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_record *record = at;
    if (record->status != PB_CELL_OK)
        pb_xml_element(writer, name, record->log_tail);
}

#define ROW cell
#define IN_RECORD(member) BEHIND(record, pb_record, member)
static const struct pb_field CELL[] = {
    {"id", PB_FIELD_NAME, true, IN_RECORD(id)},
    {"anchor", PB_FIELD_URI, true, WHOLE(record), .derive = derive_anchor, .help = "of this cell in the page"},
    {"document", PB_FIELD_URI, true, WHOLE(record), .derive = derive_document, .help = "from the run's folder"},
    {"log", PB_FIELD_URI, .derive = derive_log_file, .help = "from the run's folder; a cell that never ran has none"},
    {"status", PB_FIELD_CHOICE, true, IN_RECORD(status), .choices = pb_cell_status_names},
    {"signal", PB_FIELD_STRING, IN_RECORD(signal), .help = "the signal that ended its process"},
    {"dataset", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"model", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"backend", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"variant", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"criterion", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"schedule", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"target", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"measure", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"amount", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"seed", PB_FIELD_STRING, WHOLE(record), .derive = derive_label},
    {"removed", PB_FIELD_REAL, WHOLE(record), .derive = derive_removed, .help = "share of the measure that is gone"},
    {"top1-base", PB_FIELD_REAL, WHOLE(record), .derive = derive_top1,
     .help = "of the unpruned network, on test images"},
    {"top1-pruned", PB_FIELD_REAL, WHOLE(record), .derive = derive_top1, .help = "before retraining"},
    {"top1", PB_FIELD_REAL, WHOLE(record), .derive = derive_top1, .help = "of the last network that was measured"},
    {"params", PB_FIELD_COUNT, WHOLE(record), .derive = derive_cost, .help = "of the pruned network, if there is one"},
    {"macs", PB_FIELD_COUNT, WHOLE(record), .derive = derive_cost},
    {"seconds", PB_FIELD_STRING, WHOLE(record), .derive = derive_seconds},
    {"peak-rss-bytes", PB_FIELD_NONZERO, IN_RECORD(peak_rss_bytes)},
    {"equivalence", PB_FIELD_REAL, IN_RECORD(equivalence),
     .help = "max|Δ| / max|logit| between the masked and the compacted network"},
    {"message", PB_FIELD_TEXT_ELEMENT, IN_RECORD(message), .help = "what was reported"},
    {"warning", PB_FIELD_LINE_ELEMENTS, WHOLE(record), .derive = derive_warnings, .help = "of all pruning steps"},
    {"log", PB_FIELD_TEXT_ELEMENT, WHOLE(record), .derive = derive_log_tail,
     .help = "of a cell that did not end well: the last lines of its log"},
};
static const struct pb_fields CELL_FIELDS = {
    .name = "cell",
    OF_ROW,
    FIELDS(CELL),
};
#undef ROW

static void derive_file_document(struct pb_xml_writer *writer, const char *name, const void *at)
{
    char *const *file = at;
    pb_xml_put_uri(writer, name, "cells/", *file);
}

#define ROW pb_summary_unreadable
static const struct pb_field UNREADABLE[] = {
    {"file", PB_FIELD_STRING, true, AT(file)},
    {"document", PB_FIELD_URI, true, AT(file), .derive = derive_file_document, .help = "from the run's folder"},
    {"message", PB_FIELD_TEXT_CONTENT, true, AT(message)},
};
static const struct pb_fields UNREADABLE_FIELDS = {
    .name = "unreadable",
    .help = "A document that cannot be read, and why.",
    OF_ROW,
    FIELDS(UNREADABLE),
};
#undef ROW

#define ROW pb_summary_left_out
static const struct pb_field LEFT_OUT[] = {
    {"file", PB_FIELD_STRING, true, AT(file)},
    {"document", PB_FIELD_URI, true, AT(file), .derive = derive_file_document, .help = "from the run's folder"},
    {"reason", PB_FIELD_CHOICE, true, AT(reason), .choices = pb_left_out_names},
    {"message", PB_FIELD_TEXT_CONTENT, true, AT(message)},
};
static const struct pb_fields LEFT_OUT_FIELDS = {
    .name = "left-out",
    .help = "A document that can be read but is in no table: of another matrix or an earlier state of it, a copy.",
    OF_ROW,
    FIELDS(LEFT_OUT),
};
#undef ROW

static void derive_ok(struct pb_xml_writer *writer, const char *name, const void *at)
{
    const struct pb_summary *summary = at;
    uint32_t ok = 0;
    for (uint32_t i = 0; i < summary->record_count; i++)
        ok += summary->records[i].status == PB_CELL_OK;
    pb_xml_put_count(writer, name, ok);
}

static void derive_cells(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *at)
{
    const struct pb_summary *summary = at;
    for (uint32_t i = 0; i < summary->record_count; i++)
        pb_fields_write_inner(writer, inner, &(struct cell){&summary->records[i], summary->out});
}

#define ROW pb_summary
static const struct pb_field CELLS[] = {
    {"total", PB_FIELD_COUNT32, true, AT(record_count)},
    {"ok", PB_FIELD_COUNT32, true, .derive = derive_ok, .help = "cells that ended well"},
    {"unreadable", PB_FIELD_COUNT32, true, AT(unreadable_count)},
    {"left-out", PB_FIELD_COUNT32, true, AT(left_out_count)},
};
static const struct pb_inner CELLS_INNER[] = {
    {"cell", &CELL_FIELDS, PB_ANY_TIMES, .derive = derive_cells},
    {"unreadable", &UNREADABLE_FIELDS, PB_ANY_TIMES, LIST(unreadable, unreadable_count)},
    {"left-out", &LEFT_OUT_FIELDS, PB_ANY_TIMES, LIST(left_out, left_out_count)},
};
const struct pb_fields pb_cells_fields = {
    .name = "cells",
    .help = "Every document of the run.",
    OF_ROW,
    FIELDS(CELLS),
    INNER(CELLS_INNER),
};
#undef ROW
