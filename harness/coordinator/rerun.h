/* Why a stored result is not the cell's own any more. */
#ifndef PB_COORDINATOR_RERUN_H
#define PB_COORDINATOR_RERUN_H

#include "cell/cell.h"

/*
 * *why, from pb_calloc: "training.epochs was 6 and is 3, and 2 more settings", or whose code has changed. *baseline: the
 * unpruned network that the cell is compared with is trained in another way. inputs: digest of what the cell works on, or ""
 * while it is unknown: then a place that has changed is a reason.
 */
PB_MUST_CHECK enum pb_status pb_rerun_why(const struct pb_cell_config *cell, const char *inputs,
                                          const struct pb_record *record, char **why, bool *baseline,
                                          struct pb_error *error);
/* Whether the document was made from the places that the matrix names now. */
PB_MUST_CHECK enum pb_status pb_rerun_same_places(const struct pb_cell_config *cell, const struct pb_record *record,
                                                  bool *same, struct pb_error *error);

#endif
