/*
 * Measured latencies under OUT/latency, a sealed file for each network, backend, thread count and batch. When a figure that
 * documents may have goes from there, the store begins a new generation, which is part of pb_latency_setup: the next run
 * fills all documents anew, so that cells that share a network never have two figures for long.
 */
#ifndef PB_CELL_LATENCY_STORE_H
#define PB_CELL_LATENCY_STORE_H

#include "base/load.h"
#include "results/record.h"

struct pb_kept_latency {
    uint32_t asked; /* runs that were asked for; the row has at least as many */
    struct pb_latency_record row; /* without its stage: any cell's that has this network */
    char reason[PB_LOAD_REASON]; /* noisy: why; "" */
};

#define PB_LATENCY_GENERATION 33
/* "" when there is none: the store is empty, or has lost a figure. */
void pb_latency_generation(const char *out, char generation[PB_LATENCY_GENERATION]);
/* Makes one where there is none; the folder must be there. */
PB_MUST_CHECK enum pb_status pb_latency_begin(const char *out, char generation[PB_LATENCY_GENERATION],
                                              struct pb_error *error);

/* Before a figure is replaced. */
PB_MUST_CHECK enum pb_status pb_latency_end(const char *out, struct pb_error *error);

/* digest: of all that decides the figure (64 hexadecimal digits). False when it is not there; a damaged one also ends the
 * generation. */
bool pb_latency_recall(const char *out, const char *digest, struct pb_kept_latency *kept);
PB_MUST_CHECK enum pb_status pb_latency_keep(const char *out, const char *digest, const struct pb_kept_latency *kept,
                                             struct pb_error *error);

struct pb_latency_store_state {
    uint32_t whole, noisy; /* files; the noisy ones are among the whole ones */
    uint32_t removed;
};
/* Removes damaged files, which are warned about, and with drop_noisy those of noisy figures, so that they are measured
 * again; both end the generation. */
PB_MUST_CHECK enum pb_status pb_latency_sweep(const char *out, bool drop_noisy, struct pb_latency_store_state *state,
                                              struct pb_error *error);

#endif
