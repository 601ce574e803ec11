/* Who makes a temporary file: its name says so, and what a dead process left can be computed from what is being written. */
#ifndef PB_BASE_OWNER_H
#define PB_BASE_OWNER_H

#include "base/error.h"

/*
 * HOST-LIFE-PID-NOISE: this host, this process's life (its start, in this boot of the machine), its number, and random
 * digits that make the name unique. Hexadecimal but for the number. From pb_calloc; NULL when memory or file descriptors are out.
 */
char *pb_owner_tag(void);

enum pb_owner_state {
    PB_OWNER_NONE, /* the name has no such tag: nobody's temporary file */
    PB_OWNER_ALIVE,
    PB_OWNER_GONE,
    PB_OWNER_ELSEWHERE, /* on another host, or the kernel does not say: nothing is known about it */
};
/* What became of the process whose tag is in a name of the form ANYTHING.TAG.tmp or ANYTHING.new-TAG. */
enum pb_owner_state pb_owner_of(const char *name);
/* The same of a tag alone. */
enum pb_owner_state pb_owner_of_tag(const char *tag);

#endif
