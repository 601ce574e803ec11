/* What is in a folder, sorted by bytes. */
#ifndef PB_DATASETS_LISTING_H
#define PB_DATASETS_LISTING_H

#include "common/arena.h"

/* Start it zeroed. */
struct names {
    const char **items;
    size_t count, capacity;
};
/* name: the arena's. */
enum pb_status names_add(struct arena *arena, struct names *names, const char *name);
/* For qsort and bsearch over names. */
int names_compare(const void *left, const void *right);

/* Names are the arena's. Hidden ones (".…") are left out. */
struct listing {
    const char **folders, **files;
    size_t folder_count, file_count;
};

/* A folder that cannot be read is PB_ERROR_INPUT. */
enum pb_status listing_read(struct arena *arena, const char *path, struct listing *listing);

#endif
