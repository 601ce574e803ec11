/* Two results of one stage, computed by processes that did not know of each other. */
#ifndef PB_STAGES_SAME_STAGE_H
#define PB_STAGES_SAME_STAGE_H

#include "base/error.h"

/*
 * stored and made are folders of stages with one key, so they must hold the same bytes, but for what is measured: seconds and memory.
 * PB_ERROR_RUN says which file differs. A network that was dropped from one of them is not compared.
 */
PB_MUST_CHECK enum pb_status pb_stage_require_same(const char *stored, const char *made, struct pb_error *error);

#endif
