/* What one benchmark measured. */
#ifndef PB_BENCH_BENCH_H
#define PB_BENCH_BENCH_H

#include "base/load.h"
#include "bench/bench_data.h"
#include "engine/engine.h"

struct pb_bench {
    const struct pb_device *device;
    const struct pb_engine *engine;
    const struct pb_graph *graph;
    uint32_t batch, threads;
    bool training;
    double *seconds; /* per step, one for every run, sorted */
    size_t runs, steps_per_run;
    struct pb_load load; /* what else the machine did meanwhile */
    double peak_gflops;
    const char *peak_isa;
    const struct pb_bench_data *data; /* NULL: not asked for */
    struct pb_engine_memory memory;
    uint64_t baseline_bytes; /* program, libraries and backend, before anything was allocated */
    uint64_t predicted_bytes,
        peak_rss_bytes; /* the same two with --data: it is predicted without the images' pipeline */
};

/* Whether the figures are not to be relied on: the machine was busy, or its runs differ too much. reason: why; "" when they are. */
bool pb_bench_is_noisy(const struct pb_bench *bench, char reason[PB_LOAD_REASON]);

#endif
