/* Memory that plugins are given: what they write beside it is found. */
#include <pthread.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/place.h"
#include "plugin/host_parts.h"

enum { PATTERN_BYTES = 64 };

/* In front of the memory, with a pattern between the two. */
struct pb_host_block {
    _Alignas(PB_ALIGNMENT) size_t bytes;
    struct pb_host_block *next;
};
enum { FRONT = sizeof(struct pb_host_block) + PATTERN_BYTES };

/* A plugin's parallel loops may allocate on several threads. */
static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER;

static unsigned char *memory_of(struct pb_host_block *block)
{
    return (unsigned char *)block + FRONT;
}

void *pb_host_memory_get(struct pb_host_services *services, size_t bytes)
{
    size_t all;
    if (!pb_add(bytes, FRONT + PATTERN_BYTES, &all))
        return NULL;
    struct pb_host_block *block = pb_calloc(all, 1);
    if (block == NULL)
        return NULL;
    unsigned char *memory = memory_of(block);
    pb_guard_fill(memory - PATTERN_BYTES, PATTERN_BYTES);
    pb_guard_fill(memory + bytes, PATTERN_BYTES);
    block->bytes = bytes;
    pthread_mutex_lock(&listing);
    block->next = services->blocks;
    services->blocks = block;
    pthread_mutex_unlock(&listing);
    return memory;
}

/* The hook that has just returned, where it is known: ", in score, layer 'conv1_1'". */
static void name_hook(char text[160])
{
    text[0] = '\0';
    if (pb_place->depth == 0 || pb_place->depth > PB_PLACE_DEPTH || pb_place->frames[pb_place->depth - 1].verb)
        return;
    const struct pb_place_frame *frame = &pb_place->frames[pb_place->depth - 1];
    snprintf(text, 160, ", in %s%s%s%s", frame->hook, frame->layer[0] ? ", layer '" : "", frame->layer,
             frame->layer[0] ? "'" : "");
}

static void condemn(struct pb_host_services *services, const char *what)
{
    char hook[160];
    if (services->damaged)
        return;
    services->damaged = true;
    name_hook(hook);
    snprintf(pb_place->verdict, sizeof pb_place->verdict, "%s %s%s", services->name, what, hook);
}

static bool is_whole(struct pb_host_services *services, struct pb_host_block *block)
{
    const unsigned char *memory = memory_of(block);
    const size_t behind = pb_guard_check(memory + block->bytes, PATTERN_BYTES);
    char what[160];
    if (behind < PATTERN_BYTES)
        snprintf(what, sizeof what, "wrote past the end of memory from host->alloc: at offset %zu of its %zu bytes",
                 block->bytes + behind, block->bytes);
    else if (pb_guard_check(memory - PATTERN_BYTES, PATTERN_BYTES) < PATTERN_BYTES)
        snprintf(what, sizeof what, "wrote before the beginning of memory from host->alloc (%zu bytes)", block->bytes);
    else
        return true;
    condemn(services, what);
    return false;
}

void pb_host_memory_give_back(struct pb_host_services *services, void *memory)
{
    if (memory == NULL)
        return;
    pthread_mutex_lock(&listing);
    /* Looked for, because there is nothing to read in front of memory that was given back before. */
    struct pb_host_block **link = &services->blocks;
    while (*link != NULL && memory_of(*link) != memory)
        link = &(*link)->next;
    struct pb_host_block *block = *link;
    if (block == NULL) {
        condemn(services, "gave host->free what is not from host->alloc, or gave it twice");
    } else if (is_whole(services, block)) {
        *link = block->next;
        pb_free(block);
    } /* else it is left: what is behind it may be the allocator's own, and damaged, too */
    pthread_mutex_unlock(&listing);
}

enum pb_status pb_host_memory_check(struct pb_host_services *services, struct pb_error *error)
{
    pthread_mutex_lock(&listing);
    bool whole = !services->damaged;
    for (struct pb_host_block *block = services->blocks; block != NULL && whole; block = block->next)
        whole = is_whole(services, block);
    pthread_mutex_unlock(&listing);
    return whole ? PB_OK : pb_fail(error, PB_ERROR_RUN, "%s", pb_place->verdict);
}
