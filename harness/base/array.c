/* Growing arrays. */
#include "base/array.h"

#include "base/memory.h"

void *pb_array_room(void *rows, uint32_t count, size_t row_size, struct pb_error *error)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return rows;
    size_t capacity = count == 0 ? 1 : (size_t)count * 2;
    void *grown = count == UINT32_MAX ? NULL : pb_realloc(rows, count, capacity, row_size);
    if (grown == NULL)
        (void)pb_fail_memory(error, capacity * row_size);
    return grown;
}
