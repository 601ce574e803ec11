/* Which cell goes next. Paths that share a stage share everything before it, so only the next missing stage matters. */
#include "matrix/order.h"

#include <string.h>

#include "base/memory.h"

enum pb_status pb_order_create(uint32_t cell_count, struct pb_order *order, struct pb_error *error)
{
    struct pb_order created = {.cell_count = cell_count};
    created.path = pb_calloc(cell_count, sizeof *created.path);
    created.path_length = pb_calloc(cell_count, sizeof *created.path_length);
    if (!created.path || !created.path_length) {
        pb_order_free(&created);
        return pb_fail_memory(error, cell_count * sizeof *created.path);
    }
    *order = created;
    return PB_OK;
}

void pb_order_free(struct pb_order *order)
{
    for (uint32_t i = 0; order->path && i < order->cell_count; i++)
        pb_free(order->path[i]);
    pb_free(order->path);
    pb_free(order->path_length);
    pb_free(order->stages);
    *order = (struct pb_order){0};
}

static uint32_t find_stage(const struct pb_order *order, const char *key)
{
    for (uint32_t i = 0; i < order->stage_count; i++)
        if (strcmp(order->stages[i].key, key) == 0)
            return i;
    return PB_NONE;
}

static uint32_t add_stage(struct pb_order *order, uint32_t cell, const struct pb_planned_stage *stage)
{
    if (order->stage_count == order->stage_capacity) {
        const uint32_t capacity = order->stage_capacity ? 2 * order->stage_capacity : 64;
        struct pb_shared_stage *grown =
            pb_realloc(order->stages, order->stage_capacity, capacity, sizeof *order->stages);
        if (!grown)
            return PB_NONE;
        order->stages = grown;
        order->stage_capacity = capacity;
    }
    struct pb_shared_stage *added = &order->stages[order->stage_count];
    *added = (struct pb_shared_stage){.macs = stage->macs, .owner = PB_NONE, .first = cell};
    memcpy(added->key, stage->key, sizeof added->key);
    memcpy(added->name, stage->name, sizeof added->name);
    return order->stage_count++;
}

enum pb_status pb_order_add(struct pb_order *order, uint32_t cell, const struct pb_planned_stage *stage,
                            struct pb_error *error)
{
    uint32_t index = find_stage(order, stage->key);
    if (index == PB_NONE)
        index = add_stage(order, cell, stage);
    uint32_t *grown = index == PB_NONE ? NULL
                                       : pb_realloc(order->path[cell], order->path_length[cell],
                                                    (size_t)order->path_length[cell] + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, sizeof *stage);
    grown[order->path_length[cell]++] = index;
    order->path[cell] = grown;
    order->stages[index].users++;
    return PB_OK;
}

enum pb_stage_state pb_order_ask(const struct pb_order *order, uint32_t cell, uint32_t *stage)
{
    for (uint32_t i = 0; i < order->path_length[cell]; i++) {
        const uint32_t index = order->path[cell][i];
        if (order->stages[index].state == PB_STAGE_STORED)
            continue;
        *stage = index;
        return order->stages[index].state;
    }
    return PB_STAGE_MISSING;
}

void pb_order_start(struct pb_order *order, uint32_t cell)
{
    for (uint32_t i = 0; i < order->path_length[cell]; i++) {
        struct pb_shared_stage *stage = &order->stages[order->path[cell][i]];
        if (stage->state == PB_STAGE_MISSING) {
            stage->state = PB_STAGE_MAKING;
            stage->owner = cell;
        }
    }
}

void pb_order_progress(struct pb_order *order, uint32_t cell, uint32_t done)
{
    for (uint32_t i = 0; i < done && i < order->path_length[cell]; i++)
        order->stages[order->path[cell][i]].state = PB_STAGE_STORED;
}

uint32_t pb_order_end(struct pb_order *order, uint32_t cell, bool failed)
{
    uint32_t failure = PB_NONE;
    for (uint32_t i = 0; i < order->path_length[cell]; i++) {
        struct pb_shared_stage *stage = &order->stages[order->path[cell][i]];
        if (stage->state != PB_STAGE_MAKING || stage->owner != cell)
            continue;
        if (failed && failure == PB_NONE) {
            failure = order->path[cell][i];
            stage->state = PB_STAGE_FAILED;
        } else {
            stage->state = failed ? PB_STAGE_MISSING : PB_STAGE_STORED;
        }
    }
    return failure;
}

void pb_order_fail(struct pb_order *order, uint32_t cell, const char *key)
{
    const uint32_t index = find_stage(order, key);
    if (index == PB_NONE)
        return;
    order->stages[index].state = PB_STAGE_FAILED;
    order->stages[index].owner = cell;
}

uint64_t pb_order_weight(const struct pb_order *order, uint32_t cell)
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < order->path_length[cell]; i++) {
        const struct pb_shared_stage *stage = &order->stages[order->path[cell][i]];
        weight += stage->first == cell ? stage->macs : 0;
    }
    return weight;
}
