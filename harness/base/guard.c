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
    if (array->alias)
        munmap(array->alias, array->capacity);
    *array = (struct pb_guarded){0};
}

/* capacity: whole pages. */
static bool reserve(struct pb_guarded *array, size_t capacity)
{
    const size_t page = page_size();
    pb_guarded_free(array);
    void *map = mmap(NULL, capacity + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return false;
    *array = (struct pb_guarded){.map = map, .capacity = capacity};
    void *alias = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    array->alias = alias == MAP_FAILED ? NULL : alias;
    /* From a shared mapping of size 0 mremap makes a second one; the first keeps its pages, and map the two at its ends. */
    if (alias == MAP_FAILED ||
        mremap(alias, 0, capacity, MREMAP_MAYMOVE | MREMAP_FIXED, array->map + page) == MAP_FAILED ||
        mprotect(array->map + page, capacity, PROT_NONE) != 0) {
        pb_guarded_free(array);
        return false;
    }
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

/* Where the host writes what is shown at an address of the array. */
static unsigned char *written_at(const struct pb_guarded *array, const unsigned char *shown)
{
    return array->alias + (shown - (array->map + page_size()));
}

/* Lets foreign code do so much with the array's pages, and nothing with those before it. */
static bool allow(struct pb_guarded *array, int protection)
{
    unsigned char *pages = array->map + page_size(), *end = pages + array->capacity;
    unsigned char *first = array->start - room_before(array);
    if (array->first == first && array->protection == protection)
        return true;
    if (array->first && array->first < first && mprotect(pages, (size_t)(first - pages), PROT_NONE) != 0)
        return false;
    if (mprotect(first, (size_t)(end - first), protection) != 0)
        return false;
    array->first = first;
    array->protection = protection;
    return true;
}

/* Makes room for an array with the pattern beside it. */
static bool place(struct pb_guarded *array, const char *name, size_t count, size_t size, int protection)
{
    const size_t page = page_size();
    size_t bytes, rounded;
    if (!pb_multiply(count, size, &bytes) || !pb_add(bytes, PB_ALIGNMENT - 1, &rounded) || rounded > PTRDIFF_MAX / 2)
        return false;
    rounded -= rounded % PB_ALIGNMENT;
    const size_t capacity = (rounded + page - 1) / page * page;
    if ((!array->map || capacity > array->capacity) && !reserve(array, capacity ? capacity : page))
        return false;
    array->name = name;
    array->bytes = bytes;
    array->parts = NULL;
    array->start = array->map + page + array->capacity - rounded;
    if (!allow(array, protection))
        return false;
    pb_guard_fill(written_at(array, array->start - room_before(array)), room_before(array));
    pb_guard_fill(written_at(array, array->start + bytes), room_behind(array));
    return true;
}

void *pb_guarded_open(struct pb_guarded *array, const char *name, size_t count, size_t size)
{
    return place(array, name, count, size, PROT_READ | PROT_WRITE) ? array->start : NULL;
}

bool pb_guarded_show_parts(struct pb_guarded *array, struct pb_guarded_part *parts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t over = parts[i].bytes % PB_ALIGNMENT;
        if (!pb_add(bytes, parts[i].bytes, &bytes) || !pb_add(bytes, over ? PB_ALIGNMENT - over : 0, &bytes))
            return false;
    }
    if (!place(array, count ? parts[0].name : "", bytes, 1, PROT_READ))
        return false;
    const unsigned char *shown = array->start;
    memset(written_at(array, shown), 0, bytes);
    for (size_t i = 0; i < count; i++) {
        parts[i].shown = shown;
        parts[i].written = written_at(array, shown);
        shown += (parts[i].bytes + PB_ALIGNMENT - 1) / PB_ALIGNMENT * PB_ALIGNMENT;
    }
    array->parts = parts;
    array->part_count = count;
    return true;
}

void pb_guarded_close(struct pb_guarded *array)
{
    if (array->start)
        (void)allow(array, PROT_READ);
}

void *pb_guarded_show(struct pb_guarded *array, const char *name, size_t count, size_t size)
{
    return place(array, name, count, size, PROT_READ) ? written_at(array, array->start) : NULL;
}

const void *pb_guarded_copy(struct pb_guarded *array, const char *name, const void *from, size_t count, size_t size)
{
    void *written = pb_guarded_show(array, name, count, size);
    if (!written)
        return NULL;
    if (array->bytes)
        memcpy(written, from, array->bytes);
    return array->start;
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

/* The part that the address is in or behind, or the first, as an array. */
static struct pb_guarded find_part(const struct pb_guarded *array, uint64_t address)
{
    const struct pb_guarded_part *part = array->parts;
    for (size_t i = 1; i < array->part_count; i++)
        if (address >= (uint64_t)(uintptr_t)array->parts[i].shown)
            part = &array->parts[i];
    return (struct pb_guarded){
        .name = part->name, .start = (unsigned char *)(uintptr_t)part->shown, .bytes = part->bytes};
}

static void describe(const struct pb_guarded *whole, uint64_t address, struct pb_fault *fault)
{
    const struct pb_guarded part = whole->parts ? find_part(whole, address) : *whole, *array = &part;
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
