/* MeanReplacement: the means of removed channels go into the biases of the layers that read them. */
#ifndef PB_PRUNE_REPAIR_MEAN_H
#define PB_PRUNE_REPAIR_MEAN_H

#include "prune/repair.h"

/*
 * Replaces what was removed from `before` by its mean over the calibration images, as part of the biases of network, in place:
 * b_m += Σ_rsc W[m][r][s][c]·E[a_rsc] with the weights W of `before`, over the channels c that are gone. E[a_rsc] is the mean, over images
 * and output positions, of what position (r, s) of the window reads: for a linear layer of one value of its input, for a convolution over
 * the positions whose whole window is within the image. Where its window leaves the image, an output moves by the same constant, although
 * fewer values of the removed channels reached it. A layer without a position within the image takes the mean over all of them. Products of
 * two channels are removed with either of them. Layers without bias stay as they are. *repaired as of pb_repair_network; error_after
 * is measured in the network with all its layers repaired.
 */
PB_MUST_CHECK enum pb_status pb_repair_by_means(const struct pb_network *before, struct pb_network *network,
                                                const struct pb_calibration *calibration, struct pb_repaired **repaired,
                                                uint32_t *count, struct pb_error *error);

#endif
