/* Time: monotonic, a thread's, and UTC. */
#include "base/clock.h"

#include <string.h>
#include <time.h>

static double read_clock(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double pb_clock(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double pb_thread_clock(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
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
