/* A hash table with open addressing, at most half full. */
#include "base/name_index.h"

#include <string.h>

#include "base/checksum.h"
#include "base/memory.h"

enum { LEAST_PLACES = 64 };

/* Where the name is, or the free place where it belongs. */
static struct pb_named_row *place_of(const struct pb_name_index *index, const char *name)
{
    uint32_t at = (uint32_t)pb_checksum(0, name, strlen(name)) & (index->place_count - 1);
    while (index->places[at].name && strcmp(index->places[at].name, name) != 0)
        at = (at + 1) & (index->place_count - 1);
    return &index->places[at];
}

uint32_t pb_name_index_find(const struct pb_name_index *index, const char *name)
{
    if (index->place_count == 0)
        return PB_NO_ROW;
    const struct pb_named_row *place = place_of(index, name);
    return place->name ? place->row : PB_NO_ROW;
}

static enum pb_status grow(struct pb_name_index *index, struct pb_error *error)
{
    struct pb_name_index grown = {.place_count = index->place_count ? 2 * index->place_count : LEAST_PLACES,
                                  .count = index->count};
    grown.places = grown.place_count ? pb_calloc(grown.place_count, sizeof *grown.places) : NULL;
    if (!grown.places)
        return pb_fail_memory(error, (size_t)grown.place_count * sizeof *grown.places);
    for (uint32_t i = 0; i < index->place_count; i++)
        if (index->places[i].name)
            *place_of(&grown, index->places[i].name) = index->places[i];
    pb_free(index->places);
    *index = grown;
    return PB_OK;
}

enum pb_status pb_name_index_add(struct pb_name_index *index, const char *name, uint32_t row, struct pb_error *error)
{
    if (2 * ((uint64_t)index->count + 1) > index->place_count) {
        const enum pb_status status = grow(index, error);
        if (status != PB_OK)
            return status;
    }
    *place_of(index, name) = (struct pb_named_row){name, row};
    index->count++;
    return PB_OK;
}

void pb_name_index_free(struct pb_name_index *index)
{
    pb_free(index->places);
    *index = (struct pb_name_index){0};
}
