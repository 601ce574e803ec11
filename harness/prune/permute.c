/* The random control of a ranking: as many channels of each layer, drawn. */
#include "prune/permute.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/rng.h"

void pb_draw_name(struct pb_draw draw, char name[32])
{
    if (draw.depth || draw.epoch)
        snprintf(name, 32, "/%" PRIu32 "/%" PRIu32, draw.depth, draw.epoch);
    else
        name[0] = '\0';
}

enum pb_status pb_permute_keep(const struct pb_network *network, const struct pb_channel_groups *groups,
                               const struct pb_ranking *ranking, const uint32_t *kept, struct pb_keep *keep,
                               struct pb_error *error)
{
    for (uint32_t g = 0; g < groups->count; g++) {
        const uint32_t channels = groups->groups[g].channels;
        struct pb_rng rng;
        char stream[96], draw[32];
        uint32_t *places = pb_calloc(channels, sizeof(*places));
        if (!places)
            return pb_fail_memory(error, channels * sizeof(*places));
        for (uint32_t c = 0; c < channels; c++)
            places[c] = c;
        pb_draw_name(ranking->draw, draw);
        snprintf(stream, sizeof(stream), "permute/%s/%u%s", network->graph->nodes[groups->groups[g].producers[0]].name,
                 channels, draw);
        pb_rng_init(&rng, ranking->seed, stream);
        pb_rng_shuffle(&rng, places, channels);
        for (uint32_t k = 0; k < channels; k++)
            keep->keep[g][places[k]] = k < kept[g];
        pb_free(places);
    }
    return PB_OK;
}
