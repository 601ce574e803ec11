/*
 * How long OpenMP's threads spin while they wait for each other. Libgomp's default is milliseconds: on a machine where
 * other processes run too, a step then takes up to a hundred times as long, because a spinning thread keeps the one that
 * it waits for from running.
 */
#include "base/spinning.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define SPIN_COUNT "10000" /* some microseconds */

/* A function in .preinit_array would be early enough for libgomp, but glibc's constructor discards what it sets. */
void pb_limit_spinning(char **argv)
{
    char program[PATH_MAX];
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length > 0 && setenv("GOMP_SPINCOUNT", SPIN_COUNT, 1) == 0) {
        program[length] = '\0';
        execv(program, argv);
    }
    pb_log(PB_LOG_WARNING,
           "this program cannot start itself again to limit how long threads spin (%s); where other "
           "processes run too, it may be slow: set GOMP_SPINCOUNT=" SPIN_COUNT,
           strerror(errno));
}
