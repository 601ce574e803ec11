/* A process that is asked to end in order. */
#include "base/stop.h"

#include <signal.h>

static volatile sig_atomic_t requested, by_others;
static pid_t starter; /* set before the handler is */

static void ask(int number, siginfo_t *info, void *context)
{
    (void)context;
    requested = 1;
    if (starter != 0 && info->si_pid == starter)
        return;
    if (by_others) {
        /* It is blocked in here, and ends the process when this returns. */
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
    by_others = 1;
}

enum pb_status pb_stop_watch(pid_t coordinator, struct pb_error *error)
{
    struct sigaction action = {.sa_sigaction = ask, .sa_flags = SA_SIGINFO | SA_RESTART};
    requested = by_others = 0;
    starter = coordinator;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGTERM, &action, NULL) == 0 ? PB_OK : pb_fail_errno(error, "watch for SIGTERM");
}

enum pb_status pb_stop_check(struct pb_error *error)
{
    return requested ? pb_fail(error, PB_ERROR_STOPPED,
                               "it was asked to end (SIGTERM), and what is done is stored: the same command resumes")
                     : PB_OK;
}
