/* How a worker ended, as a message: of what, in which hook of which plugin, and why as far as that is known. */
#ifndef PB_COORDINATOR_WORKER_END_H
#define PB_COORDINATOR_WORKER_END_H

#include "cell/cell.h"
#include "coordinator/worker.h"

struct pb_worker_end {
    enum pb_cell_status status;
    char signal[32]; /* "SIGSEGV"; "" */
    char message[1500];
};

/* Of a worker that has ended without writing its cell's document. */
void pb_worker_describe_end(const struct pb_worker *worker, const struct pb_cell_config *cell,
                            struct pb_worker_end *end);

/* Whether it ended in its schedule's own code, outside every verb: then none of its stages has failed. */
bool pb_worker_ended_in_schedule(const struct pb_worker *worker);

/* "schedule 'odd', hook run: it read address 0x0", or what was written to that must not be; "" when nothing is known. */
void pb_worker_describe_place(const struct pb_worker *worker, char *text, size_t size);

#endif
