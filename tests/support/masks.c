#include "support/masks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"

void mask_some(struct pb_network *network, double share, uint64_t seed)
{
    struct pb_error error = {0};
    struct pb_rng rng;
    pb_rng_init(&rng, seed, "mask");
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        unsigned char *mask = NULL;
        if (!pb_can_be_masked(&network->graph->parameters[p]))
            continue;
        assert_int_equal(pb_network_need_mask(network, p, &mask, &error), PB_OK);
        for (size_t i = 0; i < network->graph->parameters[p].count; i++)
            if (pb_rng_uniform(&rng) < share)
                pb_mask_add(mask, i);
    }
    pb_network_apply_masks(network);
}

void assert_masked_are_zero(const struct pb_network *network)
{
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        const unsigned char *mask = pb_weight_mask(network, p);
        if (!pb_can_be_masked(parameter))
            continue;
        for (size_t i = 0; i < parameter->count; i++) {
            const size_t at = parameter->offset + i;
            if (pb_mask_has(mask, i) != (network->values[at] == 0))
                fail_msg("%s[%zu] is %g, masked: %d", parameter->name, i, (double)network->values[at],
                         pb_mask_has(mask, i));
            if (network->velocity && pb_mask_has(mask, i))
                assert_true(network->velocity[at] == 0);
        }
    }
}
