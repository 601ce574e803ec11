/* A benchmark as a table and as JSON, on standard output. */
#ifndef PB_CLI_BENCH_REPORT_H
#define PB_CLI_BENCH_REPORT_H

#include "bench/bench.h"

void pb_bench_print(const struct pb_bench *bench);
PB_MUST_CHECK enum pb_status pb_bench_print_json(const struct pb_bench *bench, struct pb_error *error);

#endif
