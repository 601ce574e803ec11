/* Stages that are no longer needed: removed, and computed again where they are needed after all. */
#ifndef PB_EXPERIMENT_DROP_H
#define PB_EXPERIMENT_DROP_H

#include "experiment/session.h"

/* Removes the network of a stage from the disk, and those on the way to it that lead to nothing else. A stage that another cell has
 * planned keeps its network, and so does every stage where the matrix has all stages kept. */
PB_MUST_CHECK enum pb_status pb_drop_branch(struct pb_session *session, pb_stage stage, struct pb_error *error);
/* When the cell is done: removes its stages that no other cell has planned, but for the last one: the cell's product. */
PB_MUST_CHECK enum pb_status pb_drop_private_stages(struct pb_session *session, struct pb_error *error);
/* For the session: does the work of a stage whose network was dropped once more, and stores the network again. */
enum pb_status pb_drop_compute_again(struct pb_session *session, pb_stage stage, struct pb_network **network,
                                     struct pb_error *error);

#endif
