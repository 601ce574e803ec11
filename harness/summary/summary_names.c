/* Headlines and file names of sections and schedules: the data set, and what else distinguishes them. */
#include "summary/summary_parts.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char *axis_label(const struct pb_summary_section *section, enum pb_axis axis)
{
    switch (axis) {
    case PB_AXIS_MODEL:
        return section->model;
    case PB_AXIS_BACKEND:
        return section->backend;
    case PB_AXIS_VARIANT:
        return section->variant;
    default:
        return section->dataset;
    }
}

static bool varies(const struct pb_summary *summary, enum pb_axis axis)
{
    for (uint32_t i = 1; i < summary->section_count; i++)
        if (strcmp(axis_label(&summary->sections[0], axis), axis_label(&summary->sections[i], axis)) != 0)
            return true;
    return false;
}

/* Letters, digits and '_' stay, each run of others becomes one '-': labels are the user's, and ids become file names, HTML
 * ids and comments. */
void pb_summary_append_slug(struct pb_text *text, const char *label)
{
    for (const char *c = label; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_';
        if (plain)
            pb_text_append_bytes(text, c, 1);
        else if (text->length != 0 && text->data[text->length - 1] != '-')
            pb_text_append(text, "-");
    }
}

static bool id_taken(const struct pb_summary *summary, const char *id)
{
    for (uint32_t i = 0; i < summary->section_count; i++) {
        const struct pb_summary_section *section = &summary->sections[i];
        if (section->id != NULL && strcmp(section->id, id) == 0)
            return true;
        for (uint32_t k = 0; k < section->schedule_count; k++)
            if (section->schedules[k].id != NULL && strcmp(section->schedules[k].id, id) == 0)
                return true;
    }
    return false;
}

/* The names of files begin with ids and have 255 bytes at most; a schedule's id begins with its section's. */
enum { SECTION_LENGTH = 80, SCHEDULE_LENGTH = 140 };

/* Labels that differ only in other characters, or behind the most that an id holds, get a number behind them. Takes text's
 * content. */
static enum pb_status unique_id(const struct pb_summary *summary, struct pb_text *text, int most, char **id,
                                struct pb_error *error)
{
    if (text->length == 0)
        pb_text_append(text, "unnamed");
    char *made = text->failed ? NULL : pb_format("%.*s", most, text->data);
    for (unsigned suffix = 2; made != NULL && id_taken(summary, made); suffix++) {
        pb_free(made);
        made = pb_format("%.*s_%u", most, text->data, suffix);
    }
    pb_text_free(text);
    if (made == NULL)
        return pb_fail_memory(error, 1);
    *id = made;
    return PB_OK;
}

enum pb_status pb_summary_name_sections(struct pb_summary *summary, struct pb_error *error)
{
    static const enum pb_axis QUALIFIERS[] = {PB_AXIS_MODEL, PB_AXIS_VARIANT, PB_AXIS_BACKEND};
    for (uint32_t i = 0; i < summary->section_count; i++) {
        struct pb_summary_section *section = &summary->sections[i];
        struct pb_text id = {0};
        struct pb_text title = {0};
        pb_summary_append_slug(&id, section->dataset);
        pb_text_append(&title, "%s", section->dataset);
        for (size_t k = 0; k < sizeof QUALIFIERS / sizeof *QUALIFIERS; k++) {
            const char *label = axis_label(section, QUALIFIERS[k]);
            if (label[0] == '\0' || !varies(summary, QUALIFIERS[k]))
                continue;
            pb_summary_append_slug(&id, "-");
            pb_summary_append_slug(&id, label);
            pb_text_append(&title, " · %s", label);
        }
        section->title = title.failed ? NULL : pb_strdup(title.data);
        pb_text_free(&title);
        enum pb_status status = unique_id(summary, &id, SECTION_LENGTH, &section->id, error);
        for (uint32_t k = 0; k < section->schedule_count && status == PB_OK; k++) {
            pb_text_append(&id, "%s.", section->id);
            pb_summary_append_slug(&id, section->schedules[k].label);
            status = unique_id(summary, &id, SCHEDULE_LENGTH, &section->schedules[k].id, error);
        }
        if (status == PB_OK && section->title == NULL)
            status = pb_fail_memory(error, 1);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}
