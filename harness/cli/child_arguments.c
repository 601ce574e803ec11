/* The options of a command that the coordinator starts as its child. */
#include "cli/child_arguments.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/place.h"

/* A child must not outlive its coordinator, whose next run would start the same work again. */
static enum pb_status meet_coordinator(const struct pb_arguments *arguments, int *report_to, struct pb_error *error)
{
    size_t descriptor = 0, parent = (size_t)getppid();
    if (!pb_argument(arguments, "report-to"))
        return PB_OK;
    enum pb_status status = pb_argument_size(arguments, "report-to", 0, 1024, &descriptor, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "parent", 1, INT32_MAX, &parent, error);
    if (status != PB_OK)
        return status;
    if (fcntl((int)descriptor, F_SETFD, FD_CLOEXEC) != 0)
        return pb_fail_errno(error, "--report-to %zu", descriptor);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || (size_t)getppid() != parent)
        return pb_fail(error, PB_ERROR_RUN, "the process that started this one is gone");
    *report_to = (int)descriptor;
    return PB_OK;
}

/* What this process dies of, in a plugin's hook, is read by the coordinator. */
static enum pb_status keep_notes(const struct pb_arguments *arguments, struct pb_error *error)
{
    size_t descriptor = 0;
    if (!pb_argument(arguments, "note-to"))
        return PB_OK;
    const enum pb_status status = pb_argument_size(arguments, "note-to", 0, 1024, &descriptor, error);
    return status == PB_OK ? pb_place_share((int)descriptor, error) : status;
}

enum pb_status pb_argument_coordinator(const struct pb_arguments *arguments, int *report_to, struct pb_error *error)
{
    *report_to = -1;
    const enum pb_status status = meet_coordinator(arguments, report_to, error);
    return status == PB_OK ? keep_notes(arguments, error) : status;
}
