/* Image ids → indices, by open addressing. */
#ifndef PB_DATASETS_ID_MAP_H
#define PB_DATASETS_ID_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

struct id_map_entry {
    uint32_t id, index;
    bool used;
};

/* Start it zeroed but for arena. */
struct id_map {
    struct arena *arena;
    struct id_map_entry *entries;
    size_t capacity, count; /* capacity: a power of two */
};

/* The id must be new. */
enum pb_status id_map_add(struct id_map *map, uint32_t id, uint32_t index);
bool id_map_find(const struct id_map *map, uint32_t id, uint32_t *index);

#endif
