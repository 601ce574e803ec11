/* How a child ended, as a message: of what, in which hook of which plugin, and why as far as that is known. */
#ifndef PB_COORDINATOR_CHILD_END_H
#define PB_COORDINATOR_CHILD_END_H

#include "cell/cell.h"
#include "coordinator/child.h"

struct pb_child_end {
    enum pb_cell_status status;
    char signal[32]; /* "SIGSEGV"; "" */
    char message[1500];
};

/* Of a child that has ended without writing its cell's document. */
void pb_child_describe_end(const struct pb_child *child, const struct pb_cell_config *cell, struct pb_child_end *end);

/* Whether it was asked to end, by whomever, and did so in order: what it has done is stored, its cell has not ended, and a process that is
 * started again resumes there. */
bool pb_child_has_stopped(const struct pb_child *child);

/* Whether it ended in its schedule's own code, outside every verb: then none of its stages has failed. */
bool pb_child_ended_in_schedule(const struct pb_child *child);

/* "schedule 'odd', hook run: it read address 0x0", or what was written to that must not be; "" when nothing is known. */
void pb_child_describe_place(const struct pb_child *child, char *text, size_t size);

#endif
