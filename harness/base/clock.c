/* Time: monotonic and UTC. */
#include "base/clock.h"

#include <string.h>
#include <time.h>

double pb_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void pb_utc_now(char buffer[32])
{
    struct tm parts;
    const time_t now = time(NULL);
    memset(&parts, 0, sizeof parts);
    gmtime_r(&now, &parts);
    if (strftime(buffer, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        buffer[0] = '\0';
}
