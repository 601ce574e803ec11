/* Offsets for arrays of known lives. */
#include "engine/layout.h"

#include <stdlib.h>

#include "base/memory.h"

#define FLOATS_PER_LINE ((size_t)PB_ALIGNMENT / sizeof(float))

static bool together(const struct pb_storage *a, const struct pb_storage *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static size_t padded(const struct pb_storage *storage)
{
    return (storage->floats + FLOATS_PER_LINE - 1) / FLOATS_PER_LINE * FLOATS_PER_LINE;
}

/* Larger ones first; equal ones in their own order, so that a layout is always the same. */
static int by_size(const void *a, const void *b)
{
    const struct pb_storage *const *left = a, *const *right = b;
    if ((*left)->floats != (*right)->floats)
        return (*left)->floats > (*right)->floats ? -1 : 1;
    return *left < *right ? -1 : *left > *right;
}

/* The lowest offset at which storage meets none of the placed ones that live at the same time. */
static size_t lowest_offset(const struct pb_storage *storage, struct pb_storage *const *placed, uint32_t count)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < count; i++)
            if (together(storage, placed[i]) && offset < placed[i]->offset + padded(placed[i]) &&
                placed[i]->offset < offset + padded(storage)) {
                offset = placed[i]->offset + padded(placed[i]);
                moved = true;
            }
    }
    return offset;
}

enum pb_status pb_arena_place(struct pb_storage *storages, uint32_t count, size_t *floats, struct pb_error *error)
{
    size_t total = 0, bytes;
    for (uint32_t i = 0; i < count; i++)
        if (!pb_add(total, storages[i].floats, &total) || !pb_add(total, FLOATS_PER_LINE, &total) ||
            !pb_multiply(total, sizeof(float), &bytes))
            return pb_fail(error, PB_ERROR_INPUT,
                           "the network's activations are larger than memory has addresses; use a smaller batch");
    struct pb_storage **order = pb_calloc(count ? count : 1, sizeof(struct pb_storage *));
    if (!order)
        return pb_fail_memory(error, count * sizeof(struct pb_storage *));
    for (uint32_t i = 0; i < count; i++)
        order[i] = &storages[i];
    qsort(order, count, sizeof(struct pb_storage *), by_size);
    size_t end = 0;
    for (uint32_t i = 0; i < count; i++) {
        order[i]->offset = lowest_offset(order[i], order, i);
        if (order[i]->offset + padded(order[i]) > end)
            end = order[i]->offset + padded(order[i]);
    }
    pb_free(order);
    *floats = end;
    return PB_OK;
}
