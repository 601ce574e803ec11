/* Making scores of different layers comparable. */
#ifndef PB_PRUNE_NORMALISE_H
#define PB_PRUNE_NORMALISE_H

#include <prunebench/criterion.h>

#include "base/error.h"

/*
 * normalised[c] from scores[c], count values of the layer called name; denominators take magnitudes, and a layer of
 * zeros stays one. LAMP needs scores ≥ 0: a negative one is PB_ERROR_INPUT.
 */
PB_MUST_CHECK enum pb_status pb_normalise_scores(enum pb_normalise rule, const char *name, const double *scores,
                                                 uint32_t count, double *normalised, struct pb_error *error);

#endif
