/* What a matrix costs, planned and timed: what 'check' finds, and 'plan' and a dry 'run' with it. */
#ifndef PB_CLI_COMMAND_CHECK_H
#define PB_CLI_COMMAND_CHECK_H

#include <jansson.h>

#include "bench/speeds.h"
#include "cli/cli.h"
#include "matrix/matrix.h"
#include "coordinator/work_plan.h"

/* What one cell would cost, run alone. */
struct estimate {
    uint64_t macs, own_macs; /* own: of its evaluations, which no other cell shares */
    uint64_t memory;
    double seconds; /* 0: unknown */
    uint32_t classes; /* of its data set; 0: it cannot be estimated */
    uint32_t speed; /* among the measured ones, or PB_NO_SPEED */
    char missing[1024]; /* a line for everything that is not here */
    char backend_missing[256];
    char inputs[65]; /* digest of what it works on; "": unknown */
    bool open; /* counted up to its first measurement */
    bool left_out; /* not asked for: nothing of it is known */
    char *failure; /* why it cannot be planned; NULL: it can */
};

struct check {
    struct pb_registry registry;
    struct pb_matrix *matrix;
    struct pb_opened *opened;
    struct pb_speeds speeds;
    struct pb_queue queue; /* which stages the cells share */
    struct estimate *cells;
    double *stage_seconds; /* per shared stage */
    uint64_t macs, memory; /* all cells, every stage once; the largest */
    uint64_t machine_memory; /* bytes; 0: not known */
    double seconds;
    uint32_t unknown; /* cells whose costs are not known */
    uint32_t asked; /* cells that are not left out */
    uint32_t threads;
    const char *const *only; /* globs over ids of the cells that are asked for; NULL: all */
    bool timed; /* speeds are measured, and times printed */
    enum pb_status worst; /* of the cells that cannot be planned: wrong input before other failures */
};

/* Plans every cell of the matrix that the arguments name and estimates what it costs; --threads and --plugin-dir must be among the
 * command's options. check: zeroed but for timed and only; to be freed after a failure, too. */
PB_MUST_CHECK enum pb_status pb_check_matrix(struct check *check, const struct pb_arguments *arguments,
                                             struct pb_error *error);
void pb_check_free(struct check *check);
/* What the cell does beside its stages; seconds are 0 where they are not known. */
struct pb_work pb_check_evaluations(const struct check *check, uint32_t cell);
/* Was a speed measured while other processes ran? Times may then be too long. */
bool pb_check_is_disturbed(const struct check *check);
/* Why cells cannot be planned, to standard error; the exit code that says so, 0 where all can. */
int pb_check_print_failures(const struct check *check);

/* Three digits and a power of 1000: "1.23 T". */
void pb_check_format_count(double count, char text[32]);
PB_MUST_CHECK enum pb_status pb_check_print_text(const struct check *check, struct pb_error *error);
/* Its last lines: counts, costs of all work, measured speeds, memory, and what is not here. */
PB_MUST_CHECK enum pb_status pb_check_print_total(const struct check *check, struct pb_error *error);

struct pb_diff_options {
    const char *out; /* need not exist */
    const char *const *only; /* globs over ids; NULL: all */
    bool retry; /* failed and blocked cells are run again */
    bool json;
};
/* What 'run' would do with the matrix in a folder of earlier results, as text or as JSON. Writes nothing there. */
PB_MUST_CHECK enum pb_status pb_check_print_diff(const struct check *check, const struct pb_diff_options *options,
                                                 struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_check_print_json(const struct check *check, struct pb_error *error);
/* NULL: memory was out. */
json_t *pb_check_speeds_json(const struct pb_speeds *speeds);

#endif
