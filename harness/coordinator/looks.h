/* How often a process that waits for others looks at what they do. A look is a call that asks the file system for a name. */
#ifndef PB_COORDINATOR_LOOKS_H
#define PB_COORDINATOR_LOOKS_H

#include <stddef.h>

/* Looks per second of who has waited for so many seconds: 1 at first, half as many after a minute, 0.1 after nine minutes. */
double pb_looks_per_second(double waited);
/* How many these are from the beginning of the wait. */
double pb_looks_within(double waited);
/* The inverse: after how many seconds of waiting there were so many. */
double pb_looks_time(double looks);

/* A listing of a folder, in looks: a server sends so many names with one answer. */
double pb_looks_of_listing(size_t names);

#endif
