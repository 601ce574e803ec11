/* What a step of pruning is, whatever the target counts. */
#ifndef PB_SCHEDULES_CUT_H
#define PB_SCHEDULES_CUT_H

#include <prunebench/schedule.h>

/* Removes channels by their scores, or masks single weights where the target counts those. */
static inline enum pb_status cut(const struct pb_verbs *verbs, const struct pb_target *target)
{
    if (target->measure == PB_MEASURE_WEIGHTS)
        return verbs->mask(verbs, target, NULL);
    const enum pb_status status = verbs->score(verbs, NULL);
    return status == PB_OK ? verbs->prune(verbs, target, NULL) : status;
}

#endif
