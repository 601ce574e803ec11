/* How many channels each group keeps: what schedules that allocate work on. */
#ifndef PB_SCHEDULES_KEPT_CHANNELS_H
#define PB_SCHEDULES_KEPT_CHANNELS_H

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

/* Scores the current network and prunes it to the allocation. pruned: may be NULL. */
static inline enum pb_status prune_to_allocation(const struct pb_verbs *verbs, const struct allocation *allocation,
                                                 pb_stage *pruned)
{
    const enum pb_status status = verbs->score(verbs, NULL);
    return status == PB_OK ? verbs->prune_to(verbs, allocation->kept, allocation->count, pruned) : status;
}

/* The accuracy on the validation images of the trained network, pruned to the allocation and not trained. Begins and ends at it. */
static inline enum pb_status accuracy_of(const struct pb_verbs *verbs, const struct allocation *allocation,
                                         pb_stage trained, double *accuracy)
{
    struct pb_measurement measurement = {.size = sizeof measurement};
    pb_stage candidate = 0;
    enum pb_status status = prune_to_allocation(verbs, allocation, &candidate);
    if (status == PB_OK)
        status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measurement);
    if (status == PB_OK)
        status = verbs->restore(verbs, trained, NULL);
    if (status == PB_OK)
        status = verbs->drop(verbs, candidate);
    *accuracy = measurement.top1;
    return status;
}

/* The most channels of group g, fewer than below, that meet the limit, the others being kept as they are; 0 where one channel is still
 * too many. */
static inline enum pb_status most_that_fit(const struct pb_verbs *verbs, struct allocation *allocation,
                                           uint32_t measure, double limit, uint32_t g, uint32_t below, uint32_t *most)
{
    const uint32_t now = allocation->kept[g];
    uint32_t fits = 0, exceeds = below;
    enum pb_status status = PB_OK;
    while (exceeds - fits > 1 && status == PB_OK) {
        double value = 0;
        allocation->kept[g] = fits + (exceeds - fits) / 2;
        status = measure_of(verbs, allocation->kept, allocation->count, measure, &value);
        *(value <= limit ? &fits : &exceeds) = allocation->kept[g];
    }
    allocation->kept[g] = now;
    *most = fits;
    return status;
}

/* Where the least that groups keep exceeds what the target leaves. */
static inline enum pb_status refuse_least(const struct pb_host *host, double least, double value, double limit,
                                          const char *remedy)
{
    return host->fail(host, PB_ERROR_INPUT,
                      "keeping the share %g of every group costs %g where the target leaves %g; %s", least, value,
                      limit, remedy);
}

/* A schedule that allocates channels divides a share of them, and has nothing to do with single weights. */
static inline enum pb_status refuse_other_measures(const struct pb_host *host, const struct pb_target *target)
{
    return target->measure > PB_MEASURE_MACS
               ? host->fail(host, PB_ERROR_INPUT,
                            "it removes a share of channels, parameters or MACs; set measure on <targets> to one of "
                            "\"channels\", \"params\", \"macs\"")
               : PB_OK;
}

#endif
