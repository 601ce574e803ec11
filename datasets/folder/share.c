/* A test split for sets that come without one: a share of every class, the same on every machine and for every run's seed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "folder/folder.h"

/* An image's place in its class's draw. */
struct ticket {
    uint64_t number;
    struct pb_sample *sample;
};

/* FNV-1a over the path below the root, then SplitMix64's finaliser over it and the seed: moving the set changes nothing, and an
 * image added to it moves hardly any other to the other split. */
static uint64_t draw(const char *path, uint64_t seed)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = path; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    hash += (seed + 1) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
    return hash ^ hash >> 31;
}

static int by_class_and_number(const void *left, const void *right)
{
    const struct ticket *a = left, *b = right;
    if (a->sample->label != b->sample->label)
        return a->sample->label < b->sample->label ? -1 : 1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return strcmp(a->sample->path, b->sample->path);
}

static enum pb_status share_class(const struct folder *self, const struct ticket *tickets, size_t count)
{
    const struct pb_host *host = self->arena.host;
    const struct pb_sample *first = tickets->sample;
    if (count == 1)
        return host->fail(host, PB_ERROR_INPUT,
                          "%s: this is the only image of class '%s'; a test share needs two of every class",
                          first->path, self->classes.names[first->label]);
    const size_t requested = (size_t)llround((double)count * self->options->test_share);
    const size_t chosen = requested < 1 ? 1 : requested > count - 1 ? count - 1 : requested;
    for (size_t i = 0; i < chosen; i++)
        tickets[i].sample->split = PB_SPLIT_TEST;
    return PB_OK;
}

enum pb_status folder_share_out(struct folder *self)
{
    const size_t count = self->samples.count, skip = strlen(self->root);
    enum pb_status status = PB_OK;
    struct ticket *tickets = arena_alloc(&self->arena, count, sizeof *tickets);
    if (tickets == NULL)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        tickets[i] =
            (struct ticket){.number = draw(self->samples.items[i].path + skip, (uint64_t)self->options->test_seed),
                            .sample = &self->samples.items[i]};
    qsort(tickets, count, sizeof *tickets, by_class_and_number);
    for (size_t begin = 0, end; begin < count && status == PB_OK; begin = end) {
        for (end = begin + 1; end < count && tickets[end].sample->label == tickets[begin].sample->label;)
            end++;
        status = share_class(self, &tickets[begin], end - begin);
    }
    return status;
}
