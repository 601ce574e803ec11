/* What this machine lets the process use. */
#ifndef PB_BASE_MACHINE_H
#define PB_BASE_MACHINE_H

#include <stdint.h>

/* Processors that the process may run on; at least 1. */
uint32_t pb_machine_threads(void);

#endif
