/* One cell of a run, with all that its folder holds about it. Internal to 'show'. */
#ifndef PB_CLI_SHOWN_CELL_H
#define PB_CLI_SHOWN_CELL_H

#include "base/text.h"
#include "planning/cell_plan.h"
#include "results/record.h"
#include "summary/headline.h"

struct pb_shown_cell {
    const char *out;
    char *id;
    char *document, *log; /* paths */
    bool has_record; /* a document exists */
    struct pb_record record;
    struct pb_headline headline;
    bool listed, own; /* the matrix that was run last has the cell; the document is of its settings there */
    char *running; /* what it does now; NULL: it does not run */
    struct pb_cell_plan plan; /* its stages; none where it has not been planned */
    char *log_end;
};

/* name: an id, or the beginning of one alone. *cell is to be freed after success. */
PB_MUST_CHECK enum pb_status pb_shown_cell_read(const char *out, const char *name, struct pb_shown_cell *cell,
                                                struct pb_error *error);
void pb_shown_cell_free(struct pb_shown_cell *cell);
/* "ok", "crashed", …; "running"; "not run". */
const char *pb_shown_cell_state(const struct pb_shown_cell *cell);
/* Whether the stage is stored, as far as the folder tells. */
bool pb_shown_cell_stored(const struct pb_shown_cell *cell, const struct pb_planned_stage *stage);

void pb_shown_cell_text(const struct pb_shown_cell *cell, struct pb_text *text);
PB_MUST_CHECK enum pb_status pb_shown_cell_print_json(const struct pb_shown_cell *cell, struct pb_error *error);

#endif
