/* λ·|γ| as penalties like any other. */
#include "training/norm_penalties.h"

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    (void)self;
    return PB_OK;
}

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    static const struct pb_penalty_term scales = {
        .size = sizeof scales, .unit = PB_UNIT_NORM_SCALES, .rule = PB_RULE_L1};
    (void)self;
    return index == 0 ? &scales : NULL;
}

static enum pb_status fill(const struct pb_penalty_view *layer, bool counts, double *coefficients)
{
    for (uint32_t u = 0; u < layer->units; u++)
        coefficients[u] = counts ? 1 : 0;
    return PB_OK;
}

static enum pb_status all_but_last(void *self, uint32_t index, const struct pb_penalty_view *layer,
                                   double *coefficients)
{
    (void)self;
    (void)index;
    return fill(layer, !layer->last_norm, coefficients);
}

static enum pb_status last(void *self, uint32_t index, const struct pb_penalty_view *layer, double *coefficients)
{
    (void)self;
    (void)index;
    return fill(layer, layer->last_norm, coefficients);
}

const struct pb_penalty pb_norm_penalty = {
    .size = sizeof pb_norm_penalty, .create = create, .term = term, .coefficients = all_but_last};
const struct pb_penalty pb_last_norm_penalty = {
    .size = sizeof pb_last_norm_penalty, .create = create, .term = term, .coefficients = last};
