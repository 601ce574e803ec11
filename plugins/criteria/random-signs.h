/*
 * The empirical Fisher information (1/N)·Σ_n g_n·g_nᵀ, g_n the gradient of example n's loss, from gradients of batches: each example's
 * loss has a random sign r_n, for which E[(Σ r_n·g_n)(Σ r_n·g_n)ᵀ] = Σ g_n·g_nᵀ. With one image for each batch it is exact.
 */
#ifndef PB_CRITERIA_RANDOM_SIGNS_H
#define PB_CRITERIA_RANDOM_SIGNS_H

#include <stdio.h>

#include "gradient-objective.h"

/* ±1 */
static inline double draw_sign(struct pb_rng *rng)
{
    return pb_rng_uniform(rng) < 0.5 ? -1 : 1;
}

/* The hook objective_grad: of the cross-entropy, with a sign for each example where `draw` says so. */
static inline enum pb_status gradient_with_signs(const struct pb_host *host, const struct pb_logits_view *batch,
                                                 bool draw, float *derivative)
{
    enum pb_status status = PB_OK;
    struct pb_rng rng;
    char stream[32];
    snprintf(stream, sizeof stream, "signs/%u", (unsigned)batch->batch_index);
    host->rng_init(host, &rng, stream);
    for (uint32_t n = 0; n < batch->batch && status == PB_OK; n++)
        status = gradient_of_cross_entropy(host, batch, n, 1, draw ? draw_sign(&rng) : 1, derivative);
    return status;
}

#endif
