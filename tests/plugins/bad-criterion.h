/* What the deliberately bad plugins have in common: a criterion that would be good. Each spoils one thing. */
#ifndef BAD_CRITERION_H
#define BAD_CRITERION_H

#include <prunebench/criterion.h>

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    for (uint32_t i = 0; i < layer->channels; i++)
        scores[i] = i;
    return PB_OK;
}

static const struct pb_criterion good_operations = {
    .size = sizeof(struct pb_criterion),
    .create = create,
    .score = score,
};

/* The members that are right, under a name; a plugin adds what it does not spoil. */
#define GOOD_TEXTS(name_) .name = (name_), .summary = "Deliberately bad", .version = "1.0.0"
#define GOOD_OPERATIONS .criterion = &good_operations

/* The one symbol of an object with a single plugin. */
#define EXPORT(plugin_)                                                                                                \
    const struct pb_plugin *prunebench_plugin(uint32_t index)                                                          \
    {                                                                                                                  \
        return index == 0 ? &(plugin_) : NULL;                                                                         \
    }

#endif
