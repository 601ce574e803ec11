/* How many channels each group keeps: what schedules that allocate work on. */
#ifndef PB_SCHEDULES_ALLOCATION_H
#define PB_SCHEDULES_ALLOCATION_H

#include <math.h>

#include <prunebench/schedule.h>

/* Of the network's groups, input side first. */
struct allocation {
    const struct pb_host *host; /* whose memory the arrays are */
    uint32_t count;
    uint32_t *whole; /* channels when it was opened */
    uint32_t *kept; /* for whoever opens it; equal to whole at first */
};

static inline void allocation_close(struct allocation *allocation)
{
    if (!allocation->host)
        return;
    allocation->host->free(allocation->host, allocation->whole);
    allocation->host->free(allocation->host, allocation->kept);
    *allocation = (struct allocation){0};
}

/* Of the current network. On failure, too, it is to be closed. */
static inline enum pb_status allocation_open(const struct pb_host *host, const struct pb_verbs *verbs,
                                             struct allocation *allocation)
{
    struct pb_network_cost cost = {.size = sizeof cost};
    enum pb_status status = verbs->cost(verbs, &cost);
    if (status != PB_OK)
        return status;
    *allocation = (struct allocation){.host = host,
                                      .count = cost.groups,
                                      .whole = host->alloc(host, cost.groups * sizeof *allocation->whole),
                                      .kept = host->alloc(host, cost.groups * sizeof *allocation->kept)};
    if (!allocation->whole || !allocation->kept)
        return PB_ERROR_MEMORY;
    for (uint32_t g = 0; g < cost.groups && status == PB_OK; g++) {
        struct pb_network_group group = {.size = sizeof group};
        status = verbs->group(verbs, g, &group);
        allocation->whole[g] = allocation->kept[g] = group.channels;
    }
    return status;
}

/* What a target counts. */
static inline double measured(const struct pb_network_cost *cost, uint32_t measure)
{
    return measure == PB_MEASURE_MACS         ? (double)cost->macs
           : measure == PB_MEASURE_PARAMETERS ? (double)cost->params
                                              : (double)cost->channels;
}

/* What a target leaves of the unpruned network. Of channels a whole number, as prune counts them. */
static inline double allowed(const struct pb_network_cost *cost, const struct pb_target *target)
{
    const double whole = target->measure == PB_MEASURE_MACS         ? (double)cost->original_macs
                         : target->measure == PB_MEASURE_PARAMETERS ? (double)cost->original_params
                                                                    : (double)cost->original_channels;
    return target->measure == PB_MEASURE_CHANNELS ? whole - round(whole * target->amount)
                                                  : whole * (1 - target->amount);
}

/* The measure that the current network would have with these channels. */
static inline enum pb_status measure_of(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                                        uint32_t measure, double *value)
{
    struct pb_network_cost cost = {.size = sizeof cost};
    const enum pb_status status = verbs->cost_of(verbs, channels, count, &cost);
    *value = measured(&cost, measure);
    return status;
}

/* A schedule that allocates channels has nothing to do with single weights. */
static inline enum pb_status refuse_weights(const struct pb_host *host, const struct pb_target *target)
{
    return target->measure == PB_MEASURE_WEIGHTS
               ? host->fail(host, PB_ERROR_INPUT, "it removes channels; leave out measure=\"weights\" on <targets>")
               : PB_OK;
}

#endif
