/* The sample and class lists that a reader builds. */
#include "common/samples.h"

#include <stdlib.h>
#include <string.h>

enum pb_status sample_list_add(struct sample_list *list, const struct pb_sample *sample)
{
    void *items = list->items;
    const enum pb_status status = arena_grow(list->arena, &items, list->count, &list->capacity, sizeof *sample);
    if (status != PB_OK)
        return status;
    list->items = items;
    list->items[list->count++] = *sample;
    return PB_OK;
}

enum pb_status class_list_add(struct class_list *list, const char *name)
{
    void *names = list->names;
    const enum pb_status status = arena_grow(list->arena, &names, list->count, &list->capacity, sizeof name);
    if (status != PB_OK)
        return status;
    list->names = names;
    list->names[list->count++] = name;
    return PB_OK;
}

bool class_list_find(const struct class_list *list, const char *name, uint32_t *label)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->names[i], name) == 0) {
            *label = (uint32_t)i;
            return true;
        }
    return false;
}

bool path_is_inside(const char *path)
{
    if (*path == '\0' || *path == '/')
        return false;
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static int by_path(const void *left, const void *right)
{
    const struct pb_sample *a = *(const struct pb_sample *const *)left, *b = *(const struct pb_sample *const *)right;
    const int order = strcmp(a->path, b->path);
    if (order != 0)
        return order;
    return a < b ? -1 : a > b;
}

static enum pb_status refuse_duplicates(const struct sample_list *samples)
{
    const struct pb_host *host = samples->arena->host;
    const struct pb_sample **sorted = arena_alloc(samples->arena, samples->count, sizeof(*sorted));
    if (sorted == NULL)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < samples->count; i++)
        sorted[i] = &samples->items[i];
    qsort(sorted, samples->count, sizeof(*sorted), by_path);
    for (size_t i = 1; i < samples->count; i++) {
        const struct pb_sample *first = sorted[i - 1], *second = sorted[i];
        if (strcmp(first->path, second->path) == 0)
            return host->fail(host, PB_ERROR_INPUT,
                              "%s:%u: image '%s' is listed a second time (first at %s:%u); remove one of the lines",
                              second->source, second->line, second->path, first->source, first->line);
    }
    return PB_OK;
}

static enum pb_status training_first(struct sample_list *samples, uint32_t *training)
{
    struct pb_sample *ordered = arena_alloc(samples->arena, samples->count, sizeof *ordered);
    size_t filled = 0;
    if (ordered == NULL)
        return PB_ERROR_MEMORY;
    for (uint32_t split = PB_SPLIT_TRAIN; split <= PB_SPLIT_TEST; split++) {
        for (size_t i = 0; i < samples->count; i++)
            if (samples->items[i].split == split)
                ordered[filled++] = samples->items[i];
        if (split == PB_SPLIT_TRAIN)
            *training = (uint32_t)filled;
    }
    samples->items = ordered;
    return PB_OK;
}

enum pb_status contents_finish(struct sample_list *samples, const struct class_list *classes, const char *root,
                               struct pb_dataset_contents *contents)
{
    const struct pb_host *host = samples->arena->host;
    uint32_t training = 0;
    if (samples->count > UINT32_MAX || classes->count > UINT32_MAX)
        return host->fail(host, PB_ERROR_INPUT, "%s: lists more than 4294967295 images or classes", root);
    enum pb_status status = refuse_duplicates(samples);
    if (status == PB_OK)
        status = training_first(samples, &training);
    if (status != PB_OK)
        return status;
    if (training == 0 || training == samples->count)
        return host->fail(host, PB_ERROR_INPUT, "%s: lists no %s image; get the annotation files again", root,
                          training == 0 ? "training" : "test");
    contents->class_count = (uint32_t)classes->count;
    contents->class_names = classes->names;
    contents->sample_count = (uint32_t)samples->count;
    contents->samples = samples->items;
    contents->sample_stride = sizeof *samples->items;
    return PB_OK;
}
