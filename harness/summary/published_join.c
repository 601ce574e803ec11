/* Which published cell belongs to which row, and where network and data differ in scale. */
#include "summary/published.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/text.h"
#include "summary/kind.h"
#include "summary/summary_parts.h"

static bool same_plugin(const struct pb_record *a, const struct pb_record *b, const char *axis)
{
    return strcmp(pb_config_plugin(a, axis), pb_config_plugin(b, axis)) == 0;
}

static bool same_kind(const struct pb_record *a, const struct pb_record *b)
{
    const struct pb_kind x = pb_kind_of(a), y = pb_kind_of(b);
    if (x.bilinear != y.bilinear || x.replaced || y.replaced)
        return false;
    return x.bilinear ? x.batch_norm == y.batch_norm : x.pretrained == y.pretrained;
}

static bool same_network(const struct pb_record *published, const struct pb_record *record)
{
    return same_plugin(published, record, "dataset") && same_kind(published, record);
}

static bool same_cell(const struct pb_record *published, const struct pb_record *record)
{
    const double difference = pb_config_real(published, "target.amount") - pb_config_real(record, "target.amount");
    return same_network(published, record) && same_plugin(published, record, "schedule") &&
           same_plugin(published, record, "criterion") && fabs(difference) < 1e-9 &&
           strcmp(pb_summary_config(published, "target.measure"), pb_summary_config(record, "target.measure")) == 0;
}

/* A published cell without a variant is about all variants that none of the others names. */
static bool same_variant(const struct pb_reference *reference, const struct pb_record *published,
                         const struct pb_record *record)
{
    const char *theirs = pb_summary_config(published, "variant"), *ours = pb_summary_config(record, "variant");
    bool named = false;
    for (uint32_t i = 0; i < reference->count; i++)
        named |= strcmp(pb_summary_config(&reference->cells[i], "variant"), ours) == 0;
    return strcmp(theirs, ours) == 0 || (theirs[0] == '\0' && !named);
}

typedef bool matcher(const struct pb_record *published, const struct pb_record *record);

static const struct pb_record *find(const struct pb_reference *reference, const struct pb_record *record,
                                    matcher *matches)
{
    for (uint32_t i = 0; i < reference->count; i++)
        if (same_variant(reference, &reference->cells[i], record) && matches(&reference->cells[i], record))
            return &reference->cells[i];
    return NULL;
}

/* What a report says of one published value against ours; texts live as long as the arrays that they go into. */
static enum pb_status add_scale(struct pb_summary_section *section, const char *what, const char *ours,
                                const char *published, struct pb_error *error)
{
    struct pb_summary_scale *rows = pb_array_room(section->scales, section->scale_count, sizeof *rows, error);
    if (rows == NULL)
        return PB_ERROR_MEMORY;
    section->scales = rows;
    struct pb_summary_scale row = {.what = what, .ours = pb_strdup(ours), .published = pb_strdup(published)};
    if (row.ours == NULL || row.published == NULL) {
        pb_free(row.ours);
        pb_free(row.published);
        return pb_fail_memory(error, strlen(ours));
    }
    rows[section->scale_count++] = row;
    return PB_OK;
}

static enum pb_status compare_option(struct pb_summary_section *section, const struct pb_record *published,
                                     const char *what, const char *key, struct pb_error *error)
{
    const char *ours = pb_summary_config(section->sample, key), *theirs = pb_summary_config(published, key);
    if (theirs[0] == '\0' || strcmp(ours, theirs) == 0)
        return PB_OK;
    return add_scale(section, what, ours[0] == '\0' ? "other" : ours, theirs, error);
}

/* Counts may differ by the images that could not be read, one in a hundred at most. */
static enum pb_status compare_count(struct pb_summary_section *section, const char *what, uint32_t ours,
                                    uint32_t published, struct pb_error *error)
{
    char left[16], right[16];
    if (fabs((double)ours - published) <= 0.01 * published)
        return PB_OK;
    (void)snprintf(left, sizeof left, "%" PRIu32, ours);
    (void)snprintf(right, sizeof right, "%" PRIu32, published);
    return add_scale(section, what, left, right, error);
}

/* What its weights were before training. */
static void describe_start(const struct pb_record *record, char text[96])
{
    const char *pretraining = pb_summary_config(record, "pretraining.label");
    if (pretraining[0] != '\0')
        (void)snprintf(text, 96, "pretrained on %.72s", pretraining);
    else
        (void)snprintf(text, 96, "%s", pb_kind_of(record).pretrained ? "pretrained" : "random weights");
}

static enum pb_status compare_scale(struct pb_summary_section *section, const struct pb_record *published,
                                    struct pb_error *error)
{
    const struct pb_record *sample = section->sample;
    char ours[96], theirs[96];
    describe_start(sample, ours);
    describe_start(published, theirs);
    enum pb_status status = compare_option(section, published, "network", "model.name", error);
    if (status == PB_OK)
        status = compare_option(section, published, "image size", "model.image-size", error);
    if (status == PB_OK)
        status = compare_option(section, published, "width multiplier", "model.width-multiplier", error);
    if (status == PB_OK && strcmp(ours, theirs) != 0)
        status = add_scale(section, "start", ours, theirs, error);
    if (status == PB_OK)
        status = compare_count(section, "classes", sample->class_count, published->class_count, error);
    if (status == PB_OK)
        status = compare_count(section, "training images", sample->train_images + sample->validation_images,
                               published->train_images + published->validation_images, error);
    if (status == PB_OK)
        status = compare_count(section, "test images", sample->test_images, published->test_images, error);
    return status;
}

/* The work of all rows as the study counts it. */
static enum pb_status count_schedule(const struct pb_counting *counting, struct pb_summary_schedule *schedule,
                                     struct pb_error *error)
{
    enum pb_status status = pb_summary_add_counted(&schedule->baseline, counting, error);
    for (uint32_t r = 0; r < schedule->row_count && status == PB_OK; r++)
        status = pb_summary_add_counted(&schedule->rows[r], counting, error);
    return status;
}

/* The published cell of a row. A row whose cells all failed has its options all the same. */
static void join_schedule(const struct pb_reference *reference, struct pb_summary_schedule *schedule)
{
    for (uint32_t r = 0; r < schedule->row_count; r++)
        schedule->rows[r].published = find(reference, schedule->rows[r].cells[0], same_cell);
    if (schedule->row_count != 0)
        schedule->baseline.published = find(reference, schedule->rows[0].cells[0], same_network);
}

enum pb_status pb_reference_join(const struct pb_reference *reference, struct pb_summary *summary,
                                 struct pb_error *error)
{
    enum pb_status status = PB_OK;
    summary->reference_name = reference->name;
    summary->reference_title = reference->title;
    for (uint32_t s = 0; s < summary->section_count && status == PB_OK; s++) {
        struct pb_summary_section *section = &summary->sections[s];
        section->published = find(reference, section->sample, same_network);
        for (uint32_t k = 0; k < section->schedule_count; k++)
            join_schedule(reference, &section->schedules[k]);
        for (uint32_t k = 0; k < section->schedule_count && reference->counting != NULL && status == PB_OK; k++)
            status = count_schedule(reference->counting, &section->schedules[k], error);
        if (section->published != NULL && status == PB_OK)
            status = compare_scale(section, section->published, error);
    }
    return status;
}
