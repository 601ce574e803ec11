/* Memory of one opened data set: everything a reader allocates lives until close and goes at once. */
#ifndef PB_DATASETS_ARENA_H
#define PB_DATASETS_ARENA_H

#include <stddef.h>

#include <prunebench/host.h>

struct arena_block;

/* Start it zeroed but for host. */
struct arena {
    const struct pb_host *host;
    struct arena_block *blocks;
    size_t used, capacity; /* of the newest block */
};

/* count × size zeroed bytes, aligned to 16; NULL when memory is out, a message left with the host. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
/* A copy of length bytes of text and a NUL. */
char *arena_text(struct arena *arena, const char *text, size_t length);
/* "folder/name" and "folder/name" + suffix. */
char *arena_path(struct arena *arena, const char *folder, const char *name, const char *suffix);
/* Room for one more item behind count: *items grows by doubling. */
enum pb_status arena_grow(struct arena *arena, void **items, size_t count, size_t *capacity, size_t size);
void arena_free(struct arena *arena);

#endif
