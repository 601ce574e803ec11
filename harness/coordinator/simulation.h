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
    double claim; /* a cell's lease taken and given back, its process begun, its result written */
    double stage; /* a stage's lease taken and given back, the stage stored, and what its training kept removed */
    double epoch; /* the state of a training and its best network, after each epoch */
    double look; /* of a worker that looks for a cell */
};

struct pb_simulation {
    uint32_t workers;
    const bool *waiting; /* per cell: it is to be run; NULL: all are */
    const double *stage_seconds; /* per stage of the queue: to make it */
    const uint32_t
        *stage_epochs; /* per stage: parts after each of which its state is stored; NULL, 0 and 1: only the end is */
    const double *cell_seconds; /* per cell: work behind its stages that no other cell shares; NULL: none */
    double start_seconds; /* from the claim to the cell's first work */
    double look_seconds; /* between two looks of a worker that found no cell to start */
    double
        preemption_seconds; /* how long a worker has its host on average (exponentially distributed); 0: to the end */
    double return_seconds; /* from a preemption until the worker is back */
    double expiry_seconds; /* from a preemption until others take over the cell */
    uint64_t seed; /* of the preemptions */
    enum pb_simulated_order order;
    struct pb_simulated_operations operations;
};

/* All times in seconds. Workers stay to the end: workers × makespan = busy + idle + away. */
struct pb_simulated {
    double makespan; /* until the last cell has ended */
    double work; /* all stages that were missing, and each cell's start and own work, once */
    double critical; /* the longest cell alone: no run is shorter */
    uint32_t critical_cell;
    double busy; /* of all workers: in cells */
    double repeated; /* the part of busy that had been done before and was lost */
    double idle, away; /* of all workers: without a cell that may start; preempted */
    uint32_t ended; /* cells; those behind a failed stage never start */
    uint64_t preempted; /* cells that a preemption stopped */
    double operations, peak_operations; /* in all; in the minute that had most */
};

/* Settings of one worker that is never preempted: it looks every second, starts a cell in 5 s, is back after 5 min, and its lease
 * expires after 60 s. */
struct pb_simulation pb_simulation_defaults(void);
/* The queue is used, and left as it was. PB_ERROR_INPUT: preemptions come so often that an epoch would hardly ever be stored. */
PB_MUST_CHECK enum pb_status pb_simulate(struct pb_queue *queue, const struct pb_simulation *simulation,
                                         struct pb_simulated *simulated, struct pb_error *error);

#endif
