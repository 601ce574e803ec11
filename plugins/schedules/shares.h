/* Allocations from shares of the groups' channels that rise with one number, which is chosen so that a limit is met. */
#ifndef PB_SCHEDULES_SHARES_H
#define PB_SCHEDULES_SHARES_H

#include "kept-channels.h"

struct shares {
    const void *context; /* share's first argument */
    double (*share)(const void *context, uint32_t g, double scale); /* in 0 … 1, never falling with scale ≥ 0 */
    const char *remedy; /* for a limit that even the shares at scale 0 exceed: "lower least" */
};

static inline void keep_shares(struct allocation *allocation, const struct shares *shares, double scale)
{
    for (uint32_t g = 0; g < allocation->count; g++) {
        const double channels = floor(allocation->whole[g] * shares->share(shares->context, g, scale));
        allocation->kept[g] = (uint32_t)fmax(1, channels);
    }
}

/* Channels are counted exactly: those that rounding down left over go to the groups with the largest remainders. */
static inline void fill_up(struct allocation *allocation, const struct shares *shares, double scale, double limit)
{
    uint64_t sum = 0;
    for (uint32_t g = 0; g < allocation->count; g++)
        sum += allocation->kept[g];
    for (; sum < (uint64_t)limit; sum++) {
        uint32_t best = UINT32_MAX;
        double most = -INFINITY;
        for (uint32_t g = 0; g < allocation->count; g++) {
            const double share = shares->share(shares->context, g, scale);
            const double missing = allocation->whole[g] * share - allocation->kept[g];
            if (allocation->kept[g] < allocation->whole[g] && missing > most) {
                most = missing;
                best = g;
            }
        }
        allocation->kept[best]++;
    }
}

/* Keeps the largest shares of the current network's channels that meet the limit. */
static inline enum pb_status meet_limit(struct allocation *allocation, const struct pb_verbs *verbs, uint32_t measure,
                                        double limit, const struct shares *shares)
{
    double meets = 0, fails = 1e6, value = 0;
    keep_shares(allocation, shares, 0);
    enum pb_status status = measure_of(verbs, allocation->kept, allocation->count, measure, &value);
    if (status == PB_OK && value > limit)
        return refuse_least(allocation->host, shares->share(shares->context, 0, 0), value, limit, shares->remedy);
    for (int i = 0; i < 60 && status == PB_OK; i++) {
        const double middle = meets > 0 ? sqrt(meets * fails) : fails * 0x1p-10;
        keep_shares(allocation, shares, middle);
        status = measure_of(verbs, allocation->kept, allocation->count, measure, &value);
        *(value <= limit ? &meets : &fails) = middle;
        if (meets == 0 && fails < 1e-9)
            break;
    }
    keep_shares(allocation, shares, meets);
    if (status == PB_OK && measure == PB_MEASURE_CHANNELS)
        fill_up(allocation, shares, meets, limit);
    return status;
}

#endif
