/* Which contact sheets are a section's: its cells' documents name the folder. */
#include "summary/summary_parts.h"

#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"

/* Documents may come from elsewhere: a name that could lead out of OUT/samples, or out of an HTML attribute, is none. */
static bool is_plain_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-' ||
              *c == '_' || (*c == '.' && c != name)))
            return false;
    return *name != '\0';
}

static uint32_t big_endian(const char *bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

/* Sides from a PNG's first chunk; false where it is none. */
static bool read_side(const char *folder, const char *name, struct pb_summary_side *side)
{
    static const char SIGNATURE[] = "\x89PNG\r\n\x1a\n";
    struct pb_error ignored = {0};
    char *data = NULL, *path = pb_path_join(folder, name);
    size_t length = 0;
    const bool read = path != NULL && pb_file_read(path, 0, &data, &length, &ignored) == PB_OK && length >= 24 &&
                      memcmp(data, SIGNATURE, 8) == 0 && memcmp(data + 12, "IHDR", 4) == 0;
    if (read)
        *side = (struct pb_summary_side){big_endian(data + 16), big_endian(data + 20)};
    pb_free(data);
    pb_free(path);
    return read && side->width != 0 && side->height != 0;
}

static enum pb_status read_classes(const char *folder, struct pb_summary_samples *samples, struct pb_error *error)
{
    struct pb_lines lines = {0};
    char *path = pb_path_join(folder, "classes.txt");
    enum pb_status status = path == NULL ? pb_fail_memory(error, strlen(folder)) : pb_lines_open(path, &lines, error);
    const bool opened = status == PB_OK;
    for (char *line = opened ? pb_lines_next(&lines) : NULL; line != NULL; line = pb_lines_next(&lines)) {
        char **classes = pb_array_room(samples->classes, samples->class_count, sizeof *classes, error);
        if (classes == NULL) {
            status = PB_ERROR_MEMORY;
            break;
        }
        samples->classes = classes;
        classes[samples->class_count] = pb_strdup(line);
        if (classes[samples->class_count] == NULL) {
            status = pb_fail_memory(error, strlen(line));
            break;
        }
        samples->class_count++;
    }
    if (opened)
        pb_lines_close(&lines);
    pb_free(path);
    return status;
}

enum pb_status pb_summary_add_samples(const char *out, struct pb_summary_section *section, struct pb_error *error)
{
    const struct pb_record *sample = section->sample;
    const char *key = pb_record_find(sample->provenance, sample->provenance_count, "samples");
    struct pb_summary_samples made = {0};
    if (key == NULL || !is_plain_name(key))
        return PB_OK;
    char *folder = pb_format("%s/samples/%s", out, key);
    enum pb_status status = folder == NULL ? pb_fail_memory(error, strlen(key)) : PB_OK;
    /* Results that were copied without their sheets, or with half of them, are as good without. */
    if (status == PB_OK && read_side(folder, "samples.png", &made.samples) &&
        read_side(folder, "augmented.png", &made.augmented)) {
        struct pb_error ignored = {0};
        const enum pb_status read = read_classes(folder, &made, &ignored);
        if (read == PB_OK && (made.key = pb_strdup(key)) == NULL)
            status = pb_fail_memory(error, strlen(key));
        if (read == PB_ERROR_MEMORY)
            status = pb_fail_memory(error, strlen(key));
    }
    pb_free(folder);
    if (status == PB_OK && made.key != NULL)
        section->samples = made;
    else
        pb_summary_free_samples(&made);
    return status;
}

void pb_summary_free_samples(struct pb_summary_samples *samples)
{
    for (uint32_t i = 0; i < samples->class_count; i++)
        pb_free(samples->classes[i]);
    pb_free(samples->classes);
    pb_free(samples->key);
    *samples = (struct pb_summary_samples){0};
}
