/* What this process dies of, noted for its parent before it does (base/place.h); where no parent reads the notes, printed. */
#ifndef PB_BASE_FAULT_H
#define PB_BASE_FAULT_H

#include "base/error.h"

/* From now on the access that ends the process is noted; one in foreign code is printed unless the notes are shared. The
 * process ends as it would have. */
PB_MUST_CHECK enum pb_status pb_fault_watch(struct pb_error *error);

#endif
