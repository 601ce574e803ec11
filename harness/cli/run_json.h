/* What 'run' prints for programs. */
#ifndef PB_CLI_RUN_JSON_H
#define PB_CLI_RUN_JSON_H

#include "coordinator/coordinator.h"

/* One object on standard output: how the run and each of its cells ended. */
PB_MUST_CHECK enum pb_status pb_run_print_json(const char *out, const struct pb_run_summary *summary, int exit_code,
                                               struct pb_error *error);

#endif
