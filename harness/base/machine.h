/* What this machine is, and what it lets the process use. */
#ifndef PB_BASE_MACHINE_H
#define PB_BASE_MACHINE_H

#include <stdint.h>

#include "base/error.h"

/* "model name" of the first processor; "unknown" where the kernel does not say. */
void pb_cpu_name(char name[128]);
/* The instruction sets that matter for speed and that the operating system lets programs use: "avx2 fma avx512f …". */
void pb_cpu_flags(char flags[256]);
/* Processors that the process may run on; at least 1. */
uint32_t pb_machine_threads(void);
/* Bytes of memory in all, and those that new work can have; 0 where the kernel does not say. */
void pb_memory(uint64_t *total, uint64_t *available);
/* Bytes of this process that are in memory now, and the most that ever were; 0 where the kernel does not say. */
uint64_t pb_resident_bytes(void);
uint64_t pb_peak_resident_bytes(void);
/*
 * A peak of its own for one piece of work: what is free goes back to the system, and the kernel's count of the most that was resident
 * begins again at what is left. Then growth is how much more than that was resident at once; NaN where the kernel does not count
 * anew. Pieces neither nest nor overlap.
 */
void pb_peak_begin(void);
double pb_peak_growth(void);

/* Makes room for this many open files, raising the process's own limit as far as the system lets it; else says how many it takes. */
PB_MUST_CHECK enum pb_status pb_need_open_files(uint32_t count, struct pb_error *error);

#endif
