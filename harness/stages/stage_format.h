/* Under which keys stages are stored: OUT/stages/.format. */
#ifndef PB_STAGES_STAGE_FORMAT_H
#define PB_STAGES_STAGE_FORMAT_H

#include <stdbool.h>

#include "base/error.h"

/* Part of every key; raised when keys are made, or stored stages are read, in another way. What stages hold is distinguished by
 * pb_numerics. */
#define PB_STAGE_FORMAT "4"

/* *other: the folder, OUT/stages, holds stages under keys of another format. One without stages takes this format. */
PB_MUST_CHECK enum pb_status pb_stage_format_claim(const char *folder, bool *other, struct pb_error *error);

#endif
