/* Which row of an array has a name, without a look at every row. */
#ifndef PB_BASE_NAME_INDEX_H
#define PB_BASE_NAME_INDEX_H

#include <stdint.h>

#include "base/error.h"

/* A hash table; start it zeroed. Names are the caller's, and live as long as it. */
struct pb_name_index {
    struct pb_named_row {
        const char *name; /* NULL: free */
        uint32_t row;
    } * places;
    uint32_t place_count; /* 0, or a power of two that is at least twice the count */
    uint32_t count;
};

#define PB_NO_ROW UINT32_MAX
/* The row that was added under this name; PB_NO_ROW where none was. */
uint32_t pb_name_index_find(const struct pb_name_index *index, const char *name);
/* A name that is not in the index yet. */
PB_MUST_CHECK enum pb_status pb_name_index_add(struct pb_name_index *index, const char *name, uint32_t row,
                                               struct pb_error *error);
void pb_name_index_free(struct pb_name_index *index);

#endif
