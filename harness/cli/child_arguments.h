/* The options of a command that the coordinator starts as its child. */
#ifndef PB_CLI_CHILD_ARGUMENTS_H
#define PB_CLI_CHILD_ARGUMENTS_H

#include "cli/cli.h"

/* Their rows for a command's own table. */
#define PB_CHILD_OPTIONS                                                                                               \
    {"report-to", 0, "FD",                                                                                             \
     "write a line for every step to this descriptor, and end with the process that started this"},                    \
        {"note-to", 0, "FD", "keep notes of the plugin's hook that runs in the memory behind this descriptor"},        \
    {                                                                                                                  \
        "parent", 0, "PID", "with --report-to: the process that started this; end at once when another is the parent"  \
    }

/* Takes the notes to where the coordinator reads them, and ties the process's life to it. *report_to: where lines are written;
 * −1 where no coordinator has started this process. */
PB_MUST_CHECK enum pb_status pb_argument_coordinator(const struct pb_arguments *arguments, int *report_to,
                                                     struct pb_error *error);

#endif
