/* What scoring costs, as a table and as JSON, on standard output. */
#ifndef PB_CLI_CRITERIA_REPORT_H
#define PB_CLI_CRITERIA_REPORT_H

#include "bench/bench_criteria.h"

void pb_bench_criteria_print(const struct pb_bench_criteria_spec *spec, const struct pb_bench_criteria *measured);
PB_MUST_CHECK enum pb_status pb_bench_criteria_print_json(const struct pb_bench_criteria_spec *spec,
                                                          const struct pb_bench_criteria *measured,
                                                          struct pb_error *error);

#endif
