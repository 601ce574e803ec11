/* What 'check' found. Internal to the command. */
#ifndef PB_CLI_COMMAND_CHECK_H
#define PB_CLI_COMMAND_CHECK_H

#include "bench/speeds.h"
#include "matrix/matrix.h"
#include "coordinator/queue.h"

/* What one cell would cost, run alone. */
struct estimate {
    uint64_t macs, own_macs; /* own: of its evaluations, which no other cell shares */
    uint64_t memory;
    double seconds; /* 0: unknown */
    uint32_t classes; /* of its data set; 0: it cannot be estimated */
    uint32_t speed; /* among the measured ones, or PB_NO_SPEED */
    char missing[768]; /* a line for everything that is not here */
    char backend_missing[256];
    bool open; /* counted up to its first measurement */
    char *failure; /* why it cannot be planned; NULL: it can */
};

struct check {
    struct pb_registry registry;
    struct pb_matrix *matrix;
    struct pb_planner *planner;
    struct pb_speeds speeds;
    struct pb_queue queue; /* which stages the cells share */
    struct estimate *cells;
    double *stage_seconds; /* per shared stage */
    uint64_t macs, memory; /* all cells, every stage once; the largest */
    uint64_t machine_memory; /* bytes; 0: not known */
    double seconds;
    uint32_t unknown; /* cells whose costs are not known */
    uint32_t threads;
    bool timed; /* speeds are measured, and times printed */
    enum pb_status worst; /* of the cells that cannot be planned: wrong input before other failures */
};

PB_MUST_CHECK enum pb_status pb_check_print_json(const struct check *check, struct pb_error *error);

#endif
