/* Whether what a benchmark measured can be relied on. */
#include "bench/bench.h"

#include <stdio.h>

bool pb_bench_is_noisy(const struct pb_bench *bench, char reason[PB_LOAD_REASON])
{
    const double spread = pb_relative_spread(bench->seconds, bench->runs);
    if (pb_load_is_busy(&bench->load, bench->threads, reason))
        return true;
    if (!(spread > PB_LARGE_SPREAD)) /* NaN: too few runs to tell */
        return false;
    snprintf(reason, PB_LOAD_REASON, "the middle half of the runs differs by %.0f %%", 100 * spread);
    return true;
}
