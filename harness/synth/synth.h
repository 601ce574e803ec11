/* Draws the default images. */
#ifndef PB_SYNTH_SYNTH_H
#define PB_SYNTH_SYNTH_H

#include <prunebench/plugin.h>

#include "drawing/drawing.h"

/* What the library exports, PB_SYNTH_SYMBOL. */
PB_EXPORT extern const struct pb_synth_library prunebench_synth;

#endif
