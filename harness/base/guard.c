/* Arrays that foreign code is shown. */
#include "base/guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

enum { PATTERN = 0xA5, REGISTERED = 1024 };

/* All arrays that have memory; the signal handler reads it. Foreign code is called by one thread at a time. */
static struct pb_guarded *volatile registered[REGISTERED];

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void pb_guard_fill(unsigned char *bytes, size_t count)
{
    memset(bytes, PATTERN, count);
}

size_t pb_guard_check(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != PATTERN)
            return i;
    return count;
}

static void enlist(struct pb_guarded *array)
{
    for (size_t i = 0; i < REGISTERED; i++)
        if (!registered[i]) {
            registered[i] = array;
            return;
        }
}

void pb_guarded_free(struct pb_guarded *array)
{
    for (size_t i = 0; i < REGISTERED; i++)
        if (registered[i] == array)
            registered[i] = NULL;
    if (array->map)
        munmap(array->map, array->capacity + 2 * page_size());
    *array = (struct pb_guarded){0};
}

/* capacity: whole pages. */
static bool reserve(struct pb_guarded *array, size_t capacity)
{
    const size_t page = page_size();
    pb_guarded_free(array);
    unsigned char *map = mmap(NULL, capacity + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return false;
    *array = (struct pb_guarded){.map = map, .capacity = capacity};
    enlist(array);
    return true;
}

/* Bytes before the array, and from its end to that of its last page. */
static size_t room_before(const struct pb_guarded *array)
{
    return (size_t)(array->start - array->map) % page_size();
}

static size_t room_behind(const struct pb_guarded *array)
{
    return (size_t)(array->map + page_size() + array->capacity - (array->start + array->bytes));
}

static int protect(const struct pb_guarded *array, int protection)
{
    unsigned char *first = array->start - room_before(array);
    return mprotect(first, (size_t)(array->map + page_size() + array->capacity - first), protection);
}

void *pb_guarded_open(struct pb_guarded *array, const char *name, size_t count, size_t size)
{
    const size_t page = page_size();
    size_t bytes, rounded;
    if (!pb_multiply(count, size, &bytes) || !pb_add(bytes, PB_ALIGNMENT - 1, &rounded) || rounded > PTRDIFF_MAX / 2)
        return NULL;
    rounded -= rounded % PB_ALIGNMENT;
    const size_t capacity = (rounded + page - 1) / page * page;
    if ((!array->map || capacity > array->capacity) && !reserve(array, capacity ? capacity : page))
        return NULL;
    if (array->start)
        (void)mprotect(array->map + page, array->capacity, PROT_NONE);
    array->name = name;
    array->bytes = bytes;
    array->start = array->map + page + array->capacity - rounded;
    if (protect(array, PROT_READ | PROT_WRITE) != 0)
        return NULL;
    pb_guard_fill(array->start - room_before(array), room_before(array));
    pb_guard_fill(array->start + bytes, room_behind(array));
    return array->start;
}

void pb_guarded_close(struct pb_guarded *array)
{
    if (array->start)
        (void)protect(array, PROT_READ);
}

const void *pb_guarded_copy(struct pb_guarded *array, const char *name, const void *from, size_t count, size_t size)
{
    void *copy = pb_guarded_open(array, name, count, size);
    if (copy && array->bytes)
        memcpy(copy, from, array->bytes);
    pb_guarded_close(array);
    return copy;
}

enum pb_overstep pb_guarded_check(const struct pb_guarded *array, size_t *distance)
{
    const size_t before = room_before(array), behind = room_behind(array);
    const size_t first = pb_guard_check(array->start + array->bytes, behind);
    if (first < behind) {
        *distance = first;
        return PB_OVERSTEP_BEHIND;
    }
    for (size_t i = 1; i <= before; i++)
        if (pb_guard_check(array->start - i, 1) == 0) {
            *distance = i;
            return PB_OVERSTEP_BEFORE;
        }
    return PB_OVERSTEP_NONE;
}

static void describe(const struct pb_guarded *array, uint64_t address, struct pb_fault *fault)
{
    const uint64_t start = (uint64_t)(uintptr_t)array->start, end = start + array->bytes;
    fault->overstep = address < start ? PB_OVERSTEP_BEFORE : address < end ? PB_OVERSTEP_INSIDE : PB_OVERSTEP_BEHIND;
    fault->distance = address < start ? start - address : address < end ? address - start : address - end;
    fault->bytes = array->bytes;
    size_t length = 0;
    for (; length + 1 < sizeof fault->array && array->name[length]; length++)
        fault->array[length] = array->name[length];
    fault->array[length] = '\0';
}

void pb_guarded_find(uint64_t address, struct pb_fault *fault)
{
    const size_t page = page_size();
    for (size_t i = 0; i < REGISTERED; i++) {
        const struct pb_guarded *array = registered[i];
        const uint64_t first = array ? (uint64_t)(uintptr_t)array->map : 0;
        if (array && array->start && address >= first && address < first + array->capacity + 2 * page) {
            describe(array, address, fault);
            return;
        }
    }
}
