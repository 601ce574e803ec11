/* Memory of one opened data set. */
#include "common/arena.h"

#include <stdint.h>
#include <string.h>

enum { ALIGNMENT = 16, BLOCK_BYTES = 1 << 16 };

struct arena_block {
    struct arena_block *next;
    size_t padding;
    unsigned char data[];
};

static enum pb_status new_block(struct arena *arena, size_t bytes)
{
    const size_t capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct arena_block *block = arena->host->alloc(arena->host, sizeof *block + capacity);
    if (block == NULL)
        return PB_ERROR_MEMORY;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->capacity = capacity;
    arena->used = 0;
    return PB_OK;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) {
        arena->host->fail(arena->host, PB_ERROR_MEMORY, "%zu items of %zu bytes are more than memory can hold", count,
                          size);
        return NULL;
    }
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->blocks == NULL || arena->capacity - arena->used < bytes)
        if (new_block(arena, bytes) != PB_OK)
            return NULL;
    void *memory = arena->blocks->data + arena->used;
    arena->used += bytes;
    return memory;
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

char *arena_path(struct arena *arena, const char *folder, const char *name, const char *suffix)
{
    const size_t folder_length = strlen(folder), name_length = strlen(name), suffix_length = strlen(suffix);
    char *path = arena_alloc(arena, folder_length + name_length + suffix_length + 2, 1);
    if (path == NULL)
        return NULL;
    memcpy(path, folder, folder_length);
    path[folder_length] = '/';
    memcpy(path + folder_length + 1, name, name_length);
    memcpy(path + folder_length + 1 + name_length, suffix, suffix_length);
    return path;
}

enum pb_status arena_grow(struct arena *arena, void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return PB_OK;
    const size_t requested = *capacity > 0 ? *capacity * 2 : 64;
    void *grown = arena_alloc(arena, requested, size);
    if (grown == NULL)
        return PB_ERROR_MEMORY;
    if (count > 0)
        memcpy(grown, *items, count * size);
    *items = grown;
    *capacity = requested;
    return PB_OK;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        arena->host->free(arena->host, block);
    }
    arena->used = arena->capacity = 0;
}
