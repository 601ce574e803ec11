/* Another program's output, for the commands of a batch system. */
#ifndef PB_COORDINATOR_PROGRAM_OUTPUT_H
#define PB_COORDINATOR_PROGRAM_OUTPUT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

struct pb_program_output {
    int exit_code; /* −1: it died of a signal */
    struct pb_text out, err; /* at most 1 MiB of each; data may be NULL */
};

/*
 * Runs words[0], found by $PATH, with these arguments, without input. PB_ERROR_INPUT: there is no such program. PB_ERROR_RUN: it could not be
 * started; or it was killed with what it had started, because it did not end within seconds, or because SIGINT, SIGTERM or SIGHUP, blocked
 * by this process, waits to be taken.
 */
PB_MUST_CHECK enum pb_status pb_program_run(const char *const *words, double seconds, struct pb_program_output *output,
                                            struct pb_error *error);
void pb_program_output_free(struct pb_program_output *output);
/*
 * The last line of what it said to standard error, or else to standard output; "" where there is none. Lines of which says_little is true
 * are passed over, unless all are such ones; it may be NULL. From pb_calloc.
 */
char *pb_program_last_line(const struct pb_program_output *output, bool (*says_little)(const char *line));

#endif
