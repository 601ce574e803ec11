/* OUT/planned-stages: which stages the cells of a run have in their plans, so that no cell removes what another needs. */
#ifndef PB_COORDINATOR_STAGE_INDEX_H
#define PB_COORDINATOR_STAGE_INDEX_H

#include "coordinator/queue.h"

/* One line per stage in the order of the keys, "KEY CELLS", all of the same length: found by bisection, without reading it all. */
PB_MUST_CHECK enum pb_status pb_stage_index_write(const char *path, const struct pb_queue *queue,
                                                  struct pb_error *error);

/* A file that is open for looking up; −1: none. */
PB_MUST_CHECK enum pb_status pb_stage_index_open(const char *path, int *file, struct pb_error *error);
/* How many cells have planned the stage; UINT32_MAX where the file cannot be read: nothing is removed then. */
uint32_t pb_stage_index_cells(int file, const char *key);
void pb_stage_index_close(int *file);

#endif
