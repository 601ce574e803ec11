/* How long numbers of workers would take for a planned matrix. */
#ifndef PB_CLI_PLAN_SIMULATION_H
#define PB_CLI_PLAN_SIMULATION_H

#include "cli/command_check.h"
#include "coordinator/simulation.h"

/* One number of workers, with the cells in the order in which 'run' starts them, and in the matrix's. */
struct pb_simulated_workers {
    uint32_t workers;
    struct pb_simulated longest, in_order;
};

struct pb_plan_simulation {
    struct pb_simulated_workers *rows;
    uint32_t count; /* 0: --workers was not given */
    double speed; /* multiply-accumulates per second of a worker; 0: those that were measured here */
    double preempt_hours, lose_hours; /* on average, until a worker is preempted; until its host dies; 0: never */
    struct pb_simulation settings; /* of all rows */
    double *stage_seconds, *cell_seconds;
    uint32_t *stage_epochs;
    bool *waiting; /* per cell */
};

/* Options of a command for it. */
#define PB_SIMULATION_OPTIONS                                                                                          \
    {"workers", 0, "N",                                                                                                \
     "also simulate the run on so many workers that share a folder, for each number of a list (1,10,100): how long "   \
     "it takes, how much of that they wait, "                                                                          \
     "and what they ask of the folder"},                                                                               \
        {"worker-speed", 0, "MACS",                                                                                    \
         "with --workers: multiply-accumulates per second of a worker (default: as measured here)"},                   \
        {"preempt", 0, "HOURS",                                                                                        \
         "with --workers: each is told to leave its host after so many hours on average (default: never)"},            \
    {                                                                                                                  \
        "lose", 0, "HOURS",                                                                                            \
            "with --workers: each loses its host without notice after so many hours on average (default: never)"       \
    }

/* What the options ask for; timed: speeds will be measured. *simulation: zeroed; to be freed after a failure, too. */
PB_MUST_CHECK enum pb_status pb_plan_simulation_read(const struct pb_arguments *arguments, bool timed,
                                                     struct pb_plan_simulation *simulation, struct pb_error *error);
/* Simulates what was read. stored: per stage, those that need not be made; may be NULL. */
PB_MUST_CHECK enum pb_status pb_plan_simulate(struct check *check, const bool *stored,
                                              struct pb_plan_simulation *simulation, struct pb_error *error);
void pb_plan_simulation_free(struct pb_plan_simulation *simulation);

/* A table, and the cell that no number of workers is faster than; nothing where nothing was simulated. */
void pb_plan_simulation_append(const struct check *check, const struct pb_plan_simulation *simulation,
                               struct pb_text *text);
/* NULL: memory was out. */
json_t *pb_plan_simulation_json(const struct check *check, const struct pb_plan_simulation *simulation);

#endif
