/* The operator suite of a backend in child processes, so that an operator that crashes, exits or hangs is named like one that is wrong. */
#ifndef PB_COORDINATOR_SUITE_RUNS_H
#define PB_COORDINATOR_SUITE_RUNS_H

#include "engine/device.h"
#include "suite/suite.h"

/* How the children are started. */
struct pb_suite_children {
    const char *const
        *command; /* the words of a command that runs pb_suite_child, without the program; NULL-terminated */
    const char *skip; /* the option of that command that names an operator to skip */
    uint32_t threads;
};

struct pb_suite_outcome {
    struct pb_suite_report report; /* its digest stays 0 */
    char description[160], fallbacks[1024]; /* of the device */
    bool ended; /* the backend has ended or blocked a process: it is not safe to call in this one */
    char problem[400]; /* how the backend's destroy has ended the process behind the last operator; "" */
};

/*
 * Runs the suite in a child. When an operator ends the child, or does not return within $PRUNEBENCH_OPERATOR_SECONDS (default
 * 60), that is the operator's problem in the report, and another child runs the suite without it. PB_OK whatever is found; an
 * error where the backend cannot be opened, be it that its create ends the process.
 */
PB_MUST_CHECK enum pb_status pb_suite_in_children(const struct pb_suite_children *children,
                                                  struct pb_suite_outcome *outcome, struct pb_error *error);

/* The child's side: writes lines about the device and its operators. */
PB_MUST_CHECK enum pb_status pb_suite_child(struct pb_device *device, const char *const *skipped, int descriptor,
                                            struct pb_error *error);
/* … or why there is no device. */
PB_MUST_CHECK enum pb_status pb_suite_child_refuse(const struct pb_error *reason, int descriptor,
                                                   struct pb_error *error);

/* One line into the outcome; *refusal, *done: what it says beside it. Lines that are none of pb_suite_child's are ignored. */
void pb_suite_line_read(const char *line, struct pb_suite_outcome *outcome, struct pb_error *refusal, bool *done);

#endif
