/* Image ids → indices. */
#include "common/id_map.h"

static struct id_map_entry *slot_of(struct id_map_entry *entries, size_t capacity, uint32_t id)
{
    /* Fibonacci hashing (Knuth, TAOCP 3, 6.4) spreads the consecutive ids that the sets have. */
    size_t slot = (size_t)(id * 0x9e3779b97f4a7c15u >> 32) & (capacity - 1);
    while (entries[slot].used && entries[slot].id != id)
        slot = (slot + 1) & (capacity - 1);
    return &entries[slot];
}

static enum pb_status grow(struct id_map *map)
{
    const size_t capacity = map->capacity > 0 ? map->capacity * 2 : 256;
    struct id_map_entry *entries = arena_alloc(map->arena, capacity, sizeof *entries);
    if (entries == NULL)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].used)
            *slot_of(entries, capacity, map->entries[i].id) = map->entries[i];
    map->entries = entries;
    map->capacity = capacity;
    return PB_OK;
}

enum pb_status id_map_add(struct id_map *map, uint32_t id, uint32_t index)
{
    if (map->count * 2 >= map->capacity) {
        const enum pb_status status = grow(map);
        if (status != PB_OK)
            return status;
    }
    *slot_of(map->entries, map->capacity, id) = (struct id_map_entry){.id = id, .index = index, .used = true};
    map->count++;
    return PB_OK;
}

bool id_map_find(const struct id_map *map, uint32_t id, uint32_t *index)
{
    if (map->capacity == 0)
        return false;
    const struct id_map_entry *entry = slot_of(map->entries, map->capacity, id);
    if (!entry->used)
        return false;
    *index = entry->index;
    return true;
}
