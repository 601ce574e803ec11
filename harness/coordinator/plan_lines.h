/* A cell's plan as lines of text: the child process that plans writes it, the coordinator reads it and keeps it for the cell. */
#ifndef PB_COORDINATOR_PLAN_LINES_H
#define PB_COORDINATOR_PLAN_LINES_H

#include "base/text.h"
#include "planning/cell_plan.h"

/* Every cell ends with this line. */
#define PB_PLAN_END "planned"
/* In the file of plans, every cell begins with this and its id. */
#define PB_PLAN_ID "id "
/* After the schedule has run, before costs are estimated: what fails from here on is not the schedule's fault. */
#define PB_PLAN_CHAIN "chained"

/* The lines of a plan, or of the reason why there is none, without the last one. */
void pb_plan_lines_write(const struct pb_cell_plan *plan, struct pb_text *text);
void pb_plan_lines_write_failure(const struct pb_error *failure, struct pb_text *text);

/* One line of those. Lines that are none of them are ignored. */
PB_MUST_CHECK enum pb_status pb_plan_lines_read(const char *line, struct pb_cell_plan *plan, struct pb_error *failure,
                                                struct pb_error *error);
/* The file of plans begins with this and the SHA-256 of the matrix's file. */
#define PB_PLAN_MATRIX "matrix "

/* What a plan must be of: a run may be planned anew while a cell begins. */
struct pb_plan_of {
    const char *id; /* of the cell */
    const char *matrix; /* SHA-256 of the matrix's file; NULL: any */
};
/* The plan whose lines begin at this byte of a file. One that could not be made has no stages. PB_ERROR_STOPPED: it is another plan. */
PB_MUST_CHECK enum pb_status pb_plan_lines_read_file(const char *path, size_t offset, const struct pb_plan_of *of,
                                                     struct pb_cell_plan *plan, struct pb_error *error);
/* Where in the file the cell's plan begins; *found false: the file has none of that cell. */
PB_MUST_CHECK enum pb_status pb_plan_lines_find(const char *path, const char *id, bool *found, size_t *offset,
                                                struct pb_error *error);

#endif
