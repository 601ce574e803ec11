/* How long many workers would take for a run, and what they would ask of the shared folder: the real queue, in virtual time. */
#ifndef PB_COORDINATOR_SIMULATION_H
#define PB_COORDINATOR_SIMULATION_H

#include "coordinator/queue.h"

/* Which of the cells that may start a worker takes. */
enum pb_simulated_order {
    PB_ORDER_LONGEST, /* pb_queue_next */
    PB_ORDER_MATRIX, /* the first in the matrix's order: for comparison */
};

/*
 * Operations on the metadata of the shared folder: every open, close, link, rename, removal and look at a name that its server
 * answers. The defaults (pb_simulation_defaults) are those that a small run makes below its folder.
 */
struct pb_simulated_operations {
    double join; /* a worker that begins, up to its first listing */
    double claim; /* a cell's lease taken and given back, its process begun, its result written and marked */
    double stage; /* a stage's lease taken and given back, the stage stored, and what its training kept removed */
    double epoch; /* the state of a training and its best network, after each epoch */
};

struct pb_simulation {
    uint32_t workers;
    const bool *waiting; /* per cell: it is to be run; NULL: all are */
    const double *stage_seconds; /* per stage of the queue: to make it */
    const uint32_t
        *stage_epochs; /* per stage: parts after each of which its state is stored; NULL, 0 and 1: only the end is */
    const double *cell_seconds; /* per cell: work behind its stages that no other cell shares; NULL: none */
    double start_seconds; /* from the claim to the cell's first work */
    /* How long a worker has its host on average (exponentially distributed), until it is told to leave; until the host dies. 0: never */
    double preemption_seconds, loss_seconds;
    double grace_seconds; /* that a worker has to leave */
    double return_seconds; /* from the end of a worker to its return; not less than expiry_seconds */
    double expiry_seconds; /* from the death of a host until others take over the cell */
    uint64_t seed; /* of preemptions and deaths */
    enum pb_simulated_order order;
    struct pb_simulated_operations operations;
};

/* All times in seconds: workers × makespan = busy + idle + away + left. */
struct pb_simulated {
    double makespan; /* until the last cell has ended */
    double work; /* all stages that were missing, and each cell's start and own work, once */
    double critical; /* the longest cell alone: no run is shorter */
    uint32_t critical_cell;
    double busy; /* of all workers: in cells */
    double repeated; /* the part of busy that had been done before and was lost */
    double idle; /* of all workers: without a cell, while one waits that may not start yet */
    double away; /* of all workers: preempted, or their host is dead */
    double left; /* of all workers: they found that no cell waits, and their hosts are free */
    uint32_t ended; /* cells; those behind a failed stage never start */
    uint64_t preempted, lost; /* cells that a preemption stopped, or that their host took with it */
    double operations, peak_operations; /* in all; in the minute that had most */
};

/* Settings of one worker that always has its host: it starts a cell in 5 s, has 100 s to leave, is back after 5 min, and its claim
 * expires after 60 s. */
struct pb_simulation pb_simulation_defaults(void);
/* The queue is used, and left as it was. PB_ERROR_INPUT: workers lose their hosts so often that an epoch would hardly ever be stored. */
PB_MUST_CHECK enum pb_status pb_simulate(struct pb_queue *queue, const struct pb_simulation *simulation,
                                         struct pb_simulated *simulated, struct pb_error *error);

#endif
