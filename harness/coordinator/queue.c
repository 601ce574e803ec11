/* Which cell goes next. Paths that share a stage share everything before it, so only the next missing stage matters. */
#include "coordinator/queue.h"

#include <string.h>

#include "base/array.h"
#include "base/memory.h"

enum pb_status pb_queue_create(uint32_t cell_count, struct pb_queue *queue, struct pb_error *error)
{
    struct pb_queue created = {.cell_count = cell_count};
    created.path = pb_calloc(cell_count, sizeof *created.path);
    created.path_length = pb_calloc(cell_count, sizeof *created.path_length);
    if (!created.path || !created.path_length) {
        pb_queue_free(&created);
        return pb_fail_memory(error, cell_count * sizeof *created.path);
    }
    *queue = created;
    return PB_OK;
}

void pb_queue_free(struct pb_queue *queue)
{
    for (uint32_t i = 0; queue->path && i < queue->cell_count; i++)
        pb_free(queue->path[i]);
    pb_free(queue->path);
    pb_free(queue->path_length);
    pb_free(queue->stages);
    pb_free(queue->places);
    *queue = (struct pb_queue){0};
}

/* FNV-1a. */
static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261u;
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash;
}

/* The place in the table where the key is, or where it would be put. */
static uint32_t *place_of(const struct pb_queue *queue, const char *key)
{
    const uint32_t mask = queue->place_count - 1;
    uint32_t place = hash_of(key) & mask;
    while (queue->places[place] && strcmp(queue->stages[queue->places[place] - 1].key, key) != 0)
        place = (place + 1) & mask;
    return &queue->places[place];
}

static uint32_t find_stage(const struct pb_queue *queue, const char *key)
{
    const uint32_t found = queue->place_count ? *place_of(queue, key) : 0;
    return found ? found - 1 : PB_NONE;
}

/* Room for twice as many stages. */
static bool grow_stages(struct pb_queue *queue)
{
    const uint32_t capacity = queue->stage_capacity ? 2 * queue->stage_capacity : 64;
    struct pb_shared_stage *stages = pb_realloc(queue->stages, queue->stage_capacity, capacity, sizeof *stages);
    if (!stages)
        return false;
    queue->stages = stages;
    queue->stage_capacity = capacity;
    uint32_t *places = pb_calloc(2 * (size_t)capacity, sizeof *places);
    if (!places)
        return false;
    pb_free(queue->places);
    queue->places = places;
    queue->place_count = 2 * capacity;
    for (uint32_t i = 0; i < queue->stage_count; i++)
        *place_of(queue, stages[i].key) = i + 1;
    return true;
}

/* The parent of the cell's next stage. */
static uint32_t parent_of(const struct pb_queue *queue, uint32_t cell, const struct pb_planned_stage *stage)
{
    return stage->parent > 0 && stage->parent <= queue->path_length[cell] ? queue->path[cell][stage->parent - 1]
                                                                          : PB_NONE;
}

static uint32_t add_stage(struct pb_queue *queue, uint32_t cell, const struct pb_planned_stage *stage)
{
    if (2 * queue->stage_count >= queue->place_count && !grow_stages(queue))
        return PB_NONE;
    struct pb_shared_stage *added = &queue->stages[queue->stage_count];
    *added = (struct pb_shared_stage){.verb = stage->verb,
                                      .parent = parent_of(queue, cell, stage),
                                      .macs = stage->macs,
                                      .epochs = stage->epochs,
                                      .provisional = stage->provisional,
                                      .owner = PB_NONE,
                                      .first = cell,
                                      .maker = PB_NONE};
    memcpy(added->key, stage->key, sizeof added->key);
    memcpy(added->name, stage->name, sizeof added->name);
    *place_of(queue, added->key) = queue->stage_count + 1;
    return queue->stage_count++;
}

enum pb_status pb_queue_add(struct pb_queue *queue, uint32_t cell, const struct pb_planned_stage *stage,
                            struct pb_error *error)
{
    uint32_t index = find_stage(queue, stage->key);
    if (index == PB_NONE)
        index = add_stage(queue, cell, stage);
    if (index == PB_NONE)
        return pb_fail_memory(error, sizeof *stage);
    uint32_t *grown = pb_array_room(queue->path[cell], queue->path_length[cell], sizeof *grown, error);
    if (!grown)
        return PB_ERROR_MEMORY;
    grown[queue->path_length[cell]++] = index;
    queue->path[cell] = grown;
    queue->stages[index].users++;
    if (stage->memory > queue->stages[index].memory)
        queue->stages[index].memory = stage->memory;
    return PB_OK;
}

const char *pb_queue_last_key(const struct pb_queue *queue, uint32_t cell)
{
    const uint32_t length = queue->path_length[cell];
    const struct pb_shared_stage *last = length ? &queue->stages[queue->path[cell][length - 1]] : NULL;
    return last && !last->provisional ? last->key : "";
}

/* The first stage of the cell's path in (or, with in false, not in) a state; PB_NONE when there is none. */
static uint32_t first_stage(const struct pb_queue *queue, uint32_t cell, enum pb_stage_state state, bool in)
{
    for (uint32_t i = 0; i < queue->path_length[cell]; i++) {
        const uint32_t index = queue->path[cell][i];
        if ((queue->stages[index].state == state) == in)
            return index;
    }
    return PB_NONE;
}

enum pb_stage_state pb_queue_ask(const struct pb_queue *queue, uint32_t cell, uint32_t *stage)
{
    /* A failure counts wherever it is on the path; what comes before it need not be made again to meet it. */
    uint32_t index = first_stage(queue, cell, PB_STAGE_FAILED, true);
    if (index == PB_NONE)
        index = first_stage(queue, cell, PB_STAGE_STORED, false);
    if (index == PB_NONE)
        return PB_STAGE_MISSING;
    *stage = index;
    return queue->stages[index].state;
}

/* What is left of a cell's path: the work, and how many cells share the first of these stages. */
struct rest {
    uint64_t macs;
    uint32_t users;
};

/* users is 1 where all is stored, 0 where the cell has no path. */
static struct rest rest_of(const struct pb_queue *queue, uint32_t cell)
{
    const uint32_t first = first_stage(queue, cell, PB_STAGE_STORED, false);
    struct rest rest = {.users = first != PB_NONE ? queue->stages[first].users : queue->path_length[cell] > 0};
    for (uint32_t i = 0; i < queue->path_length[cell]; i++) {
        const struct pb_shared_stage *stage = &queue->stages[queue->path[cell][i]];
        rest.macs += stage->state == PB_STAGE_STORED ? 0 : stage->macs;
    }
    return rest;
}

static bool is_longer(struct rest a, struct rest b)
{
    return a.macs != b.macs ? a.macs > b.macs : a.users > b.users;
}

/*
 * Of the cells that share their first missing stage, the one with the longest rest represents the longest path through that stage. So
 * the longest rest of all is also the longest path through any stage that can be begun: nothing has to be computed per stage.
 */
uint32_t pb_queue_next(const struct pb_queue *queue, const bool *waiting)
{
    uint32_t next = PB_NONE, stage;
    struct rest longest = {0};
    for (uint32_t i = 0; i < queue->cell_count; i++) {
        if (!waiting[i])
            continue;
        const struct rest rest = rest_of(queue, i);
        if ((next == PB_NONE || is_longer(rest, longest)) && pb_queue_ask(queue, i, &stage) == PB_STAGE_MISSING) {
            next = i;
            longest = rest;
        }
    }
    return next;
}

void pb_queue_start(struct pb_queue *queue, uint32_t cell)
{
    for (uint32_t i = 0; i < queue->path_length[cell]; i++) {
        struct pb_shared_stage *stage = &queue->stages[queue->path[cell][i]];
        if (stage->state == PB_STAGE_MISSING) {
            stage->state = PB_STAGE_MAKING;
            stage->owner = cell;
        }
    }
}

void pb_queue_progress(struct pb_queue *queue, uint32_t cell, uint32_t done)
{
    for (uint32_t i = 0; i < done && i < queue->path_length[cell]; i++)
        queue->stages[queue->path[cell][i]].state = PB_STAGE_STORED;
}

uint32_t pb_queue_end(struct pb_queue *queue, uint32_t cell, enum pb_cell_end end)
{
    uint32_t failure = PB_NONE;
    for (uint32_t i = 0; i < queue->path_length[cell]; i++) {
        struct pb_shared_stage *stage = &queue->stages[queue->path[cell][i]];
        if (stage->state != PB_STAGE_MAKING || stage->owner != cell)
            continue;
        if (end == PB_END_STAGE_FAILED && failure == PB_NONE) {
            failure = queue->path[cell][i];
            stage->state = PB_STAGE_FAILED;
        } else {
            stage->state = end == PB_END_OK ? PB_STAGE_STORED : PB_STAGE_MISSING;
        }
    }
    return failure;
}

void pb_queue_fail(struct pb_queue *queue, uint32_t cell, const char *key)
{
    const uint32_t index = find_stage(queue, key);
    if (index == PB_NONE)
        return;
    queue->stages[index].state = PB_STAGE_FAILED;
    queue->stages[index].owner = cell;
}

/* Of those that share a stage, the cell with the longest rest starts first. */
static void expect_cell(struct pb_queue *queue, uint32_t cell)
{
    const uint64_t macs = rest_of(queue, cell).macs;
    for (uint32_t i = 0; i < queue->path_length[cell]; i++) {
        struct pb_shared_stage *stage = &queue->stages[queue->path[cell][i]];
        if (stage->maker != PB_NONE && stage->longest >= macs)
            continue;
        stage->maker = cell;
        stage->longest = macs;
    }
}

void pb_queue_expect(struct pb_queue *queue, const bool *waiting)
{
    for (uint32_t i = 0; i < queue->stage_count; i++)
        queue->stages[i].maker = PB_NONE;
    for (uint32_t i = 0; i < queue->cell_count; i++)
        if (waiting[i])
            expect_cell(queue, i);
}

uint64_t pb_queue_weight(const struct pb_queue *queue, uint32_t cell)
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < queue->path_length[cell]; i++) {
        const struct pb_shared_stage *stage = &queue->stages[queue->path[cell][i]];
        weight += stage->maker == cell ? stage->macs : 0;
    }
    return weight;
}
