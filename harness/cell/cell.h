/* One cell from start to end, and the record of it. */
#ifndef PB_CELL_CELL_H
#define PB_CELL_CELL_H

#include "experiment/run_options.h"
#include "results/record.h"
#include "settings/config.h"

/* Runs the cell from what is stored to its end and fills record (also when it fails: status and message, then the
 * failure is in error too). PB_ERROR_STOPPED: the process was asked to end (base/stop.h); record is of no use then, and the
 * same call resumes. */
PB_MUST_CHECK enum pb_status pb_cell_run(const struct pb_cell_config *config, const struct pb_cell_run_options *options,
                                         struct pb_record *record, struct pb_error *error);

/* Fills id and config pairs (every resolved option) of a record, also for a cell that never ran. */
PB_MUST_CHECK enum pb_status pb_cell_describe(const struct pb_cell_config *config, struct pb_record *record,
                                              struct pb_error *error);
/*
 * SHA-256 over those pairs but for places, the plugins' hashes, pb_numerics and the digest of the cell's inputs (pb_inputs_digest;
 * "" while they are unknown): a stored result is this cell's own when its provenance PB_KEY_CONFIG equals it.
 */
PB_MUST_CHECK enum pb_status pb_cell_digest(const struct pb_cell_config *config, const char *inputs, char hex[65],
                                            struct pb_error *error);

/*
 * Latency of the recorded networks (from record's graphs), for after all cells are done: appends latency rows. A network
 * that was measured for another cell, on this machine with the same backend, threads and batch, is not measured again:
 * its figure is taken from out/latency.
 */
PB_MUST_CHECK enum pb_status pb_cell_latency(const struct pb_cell_config *config, const char *out, uint32_t threads,
                                             struct pb_record *record, struct pb_error *error);
#define PB_LATENCY_PLACE 33
#define PB_LATENCY_SETUP 80
/* Where latencies are measured, as far as it is known without a backend: machine, threads, the store of out. "" when the
 * store has none, or has lost one. */
void pb_latency_place(const char *out, uint32_t threads, char place[PB_LATENCY_PLACE]);
/* The same with the cell's <latency> settings: recorded beside the rows (PB_KEY_LATENCY_SETUP). */
void pb_latency_setup(const struct pb_cell_config *config, const char *place, char setup[PB_LATENCY_SETUP]);

#endif
