/*
 * Arrays that foreign code is shown: in pages of their own, read-only while it runs, with no memory mapped beside them. The host
 * writes what it shows through a second mapping of these pages: to change their protection costs more than most such arrays.
 */
#ifndef PB_BASE_GUARD_H
#define PB_BASE_GUARD_H

#include <stddef.h>

#include "base/place.h"

/* One of several arrays that share one array's pages. */
struct pb_guarded_part {
    const char *name; /* a literal */
    size_t bytes;
    const void *shown; /* to foreign code; aligned to 64 */
    void *written; /* the same bytes, for the host */
};

/* One array; {0} is none. It is reused for others of its kind. Must not be moved while it is open or closed. */
struct pb_guarded {
    const char *name; /* a literal: "gamma" */
    unsigned char *map; /* a page without access, capacity bytes, a page without access */
    size_t capacity;
    unsigned char *alias; /* the same memory without these two, writable */
    unsigned char *start; /* in map; aligned to 64, and as near to the second such page as that allows */
    unsigned char *first; /* from this page on there is access, */
    int protection; /* and this much of it */
    size_t bytes;
    const struct pb_guarded_part *parts; /* what it consists of; NULL: of itself alone */
    size_t part_count;
};

/*
 * Makes room for count × size bytes, which foreign code may write, with what was left in it; NULL when memory is out (size_t overflow included).
 * Bytes between the array and its pages' ends are filled with a pattern.
 */
void *pb_guarded_open(struct pb_guarded *array, const char *name, size_t count, size_t size);
/* The same, closed; returns where the host writes what is shown at array->start. */
void *pb_guarded_show(struct pb_guarded *array, const char *name, size_t count, size_t size);
/*
 * Makes room for parts one behind the other, zeroed, and sets where they are; false when memory is out. The parts must live as
 * long as the array. From the start a write to what is shown ends the process.
 */
bool pb_guarded_show_parts(struct pb_guarded *array, struct pb_guarded_part *parts, size_t count);
/* From now on a write ends the process, and the note of where it was names the array (base/fault.h). */
void pb_guarded_close(struct pb_guarded *array);
/* An array like the values, closed; NULL when memory is out. */
const void *pb_guarded_copy(struct pb_guarded *array, const char *name, const void *from, size_t count, size_t size);
void pb_guarded_free(struct pb_guarded *array);

/* Whether the pattern beside an open array is whole; else on which side it is not, and how far from the array. */
enum pb_overstep pb_guarded_check(const struct pb_guarded *array, size_t *distance);

/* Which array an address belongs to, its neighbourhood included; fills the fault's array. Safe in a signal handler. */
void pb_guarded_find(uint64_t address, struct pb_fault *fault);

/* The pattern, for other memory that is watched in this way. check: index of the first byte that differs, or count. */
void pb_guard_fill(unsigned char *bytes, size_t count);
size_t pb_guard_check(const unsigned char *bytes, size_t count);

#endif
