/* What this machine lets the process use. */
#include "base/machine.h"

#include <sched.h>

uint32_t pb_machine_threads(void)
{
    cpu_set_t allowed;
    const int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    return count > 0 ? (uint32_t)count : 1;
}
