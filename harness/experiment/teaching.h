/* The network that a training learns from. */
#ifndef PB_EXPERIMENT_TEACHING_H
#define PB_EXPERIMENT_TEACHING_H

#include "experiment/session.h"

/* Before anything is trained: the cell's file, where it has one, can teach it. */
PB_MUST_CHECK enum pb_status pb_teacher_check(const struct pb_session *session, struct pb_error *error);

/* Room for the name of a file's content: "checkpoint 0123456789ab". */
#define PB_TEACHER_NAME 32

/* The teacher of a training: a copy of a stage's network, or that of the cell's file; all NULL where the link does not distil. *network
 * owns it. name: room for teacher->name. */
PB_MUST_CHECK enum pb_status pb_teacher_open(struct pb_session *session, const struct pb_link *link,
                                             struct pb_network **network, char name[PB_TEACHER_NAME],
                                             struct pb_teacher *teacher, struct pb_error *error);

#endif
