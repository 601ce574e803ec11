/* prunebench bench --criteria. */
#ifndef PB_CLI_BENCH_SCORING_H
#define PB_CLI_BENCH_SCORING_H

#include "cli/cli.h"

/* default_classes: where --classes is not given. */
PB_MUST_CHECK enum pb_status pb_bench_scoring(const struct pb_arguments *arguments, size_t default_classes,
                                              struct pb_error *error);

#endif
