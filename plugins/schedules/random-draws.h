/* Random numbers of searches. */
#ifndef PB_SCHEDULES_RANDOM_DRAWS_H
#define PB_SCHEDULES_RANDOM_DRAWS_H

#include <math.h>

#include <prunebench/rng.h>

/* Of mean 0 and variance 1 (Box & Muller 1958). */
static inline double draw_normal(struct pb_rng *rng)
{
    const double radius = sqrt(-2 * log(1 - pb_rng_uniform(rng)));
    return radius * cos(2 * M_PI * pb_rng_uniform(rng));
}

/* The normal distribution of that mean in 0 … 1 and deviation, without what is outside 0 … 1. */
static inline double draw_truncated(struct pb_rng *rng, double mean, double deviation)
{
    double x;
    do
        x = mean + deviation * draw_normal(rng);
    while (x < 0 || x > 1);
    return x;
}

#endif
