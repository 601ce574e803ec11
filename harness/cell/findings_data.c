/* A data set in numbers: images by split and class, their sizes. */
#include "cell/findings_data.h"

#include <stdlib.h>

#include "base/memory.h"
#include "data/cache.h"

/* A list of samples. */
struct list {
    const uint32_t *samples;
    uint32_t count;
};

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. The median of an even number of them is the lower middle one: a size that occurs. */
static struct pb_range_record range_of(uint32_t *values, uint32_t count)
{
    if (count == 0)
        return (struct pb_range_record){0};
    qsort(values, count, sizeof *values, by_size);
    return (struct pb_range_record){.min = values[0], .median = values[(count - 1) / 2], .max = values[count - 1]};
}

static enum pb_status count_classes(const struct pb_data *data, const struct list *lists, size_t list_count,
                                    struct pb_range_record *range, struct pb_error *error)
{
    const uint32_t classes = data->contents.class_count;
    uint32_t *counts = pb_calloc(classes, sizeof *counts);
    if (!counts)
        return pb_fail_memory(error, classes * sizeof *counts);
    for (size_t l = 0; l < list_count; l++)
        for (uint32_t i = 0; i < lists[l].count; i++)
            counts[data->contents.samples[lists[l].samples[i]].label]++;
    *range = range_of(counts, classes);
    pb_free(counts);
    return PB_OK;
}

/* The cache knows images without their banner and, where asked for, without what lies outside the box. */
static enum pb_status measure_images(const struct pb_session *session, const struct list *lists, size_t list_count,
                                     struct pb_record *record, struct pb_error *error)
{
    const uint32_t banner = session->config->preprocess.crop_box ? 0 : session->data->contents.crop_bottom;
    uint32_t count = 0, total = 0;
    for (size_t l = 0; l < list_count; l++)
        total += lists[l].count;
    uint32_t *widths = pb_calloc(total, sizeof *widths), *heights = pb_calloc(total, sizeof *heights);
    enum pb_status status = widths && heights ? PB_OK : pb_fail_memory(error, total * sizeof *widths);
    for (size_t l = 0; status == PB_OK && l < list_count; l++)
        for (uint32_t i = 0; i < lists[l].count; i++) {
            const struct pb_size size = pb_cache_cropped(session->cache, lists[l].samples[i]);
            widths[count] = size.width;
            heights[count++] = size.height + banner;
        }
    if (status == PB_OK) {
        record->image_width = range_of(widths, count);
        record->image_height = range_of(heights, count);
    }
    pb_free(widths);
    pb_free(heights);
    return status;
}

enum pb_status pb_findings_data(const struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    const struct pb_data *data = session->data;
    const struct list lists[] = {
        {data->train, data->train_count}, {data->validation, data->validation_count}, {data->test, data->test_count}};
    record->train_images = data->train_count;
    record->validation_images = data->validation_count;
    record->test_images = data->test_count;
    record->class_count = data->contents.class_count;
    record->skipped_images = pb_cache_skipped(session->cache);
    enum pb_status status = count_classes(data, lists, 2, &record->train_per_class, error);
    if (status == PB_OK)
        status = count_classes(data, lists + 2, 1, &record->test_per_class, error);
    if (status == PB_OK)
        status = measure_images(session, lists, 3, record, error);
    return status;
}
