/* Who has waited for long can wait a little longer: what is found late costs a small part of the wait. */
#include "coordinator/looks.h"

#include <math.h>

static const double PER_SECOND = 1,
                    LEAST_PER_SECOND = 0.1; /* looks: of who has just begun to wait, and of who has waited long */
static const double SLOWER = 60; /* seconds of waiting that halve the looks */
static const double NAMES_PER_LOOK = 400; /* of a listing, that come with one answer of a server */

double pb_looks_per_second(double waited)
{
    return fmax(PER_SECOND / (1 + waited / SLOWER), LEAST_PER_SECOND);
}

/* Seconds of waiting from which on the looks do not become fewer. */
static double seconds_to_least(void)
{
    return SLOWER * (PER_SECOND / LEAST_PER_SECOND - 1);
}

double pb_looks_within(double waited)
{
    const double falling = fmin(waited, seconds_to_least());
    return PER_SECOND * SLOWER * log1p(falling / SLOWER) + LEAST_PER_SECOND * (waited - falling);
}

double pb_looks_time(double looks)
{
    const double falling = fmin(looks, pb_looks_within(seconds_to_least()));
    return SLOWER * expm1(falling / (PER_SECOND * SLOWER)) + (looks - falling) / LEAST_PER_SECOND;
}

double pb_looks_of_listing(size_t names)
{
    return 1 + (double)names / NAMES_PER_LOOK;
}
