/* Histograms of |γ|, the scale factors of batch norms. */
#include "experiment/gamma.h"

#include <math.h>

#include "base/memory.h"

enum { BINS = 128 };

/* |γ| of one group's batch norm: of a coupled group, of the first. NULL without one. */
static const float *gamma_of(const struct pb_network *network, const struct pb_channel_group *group)
{
    return group->norms[0] == UINT32_MAX ? NULL : pb_network_values(network, group->norms[0], PB_ROLE_GAMMA);
}

static uint32_t count_of(const struct pb_network *network, const struct pb_channel_group *group)
{
    return network->graph->nodes[group->producers[0]].shape.channels;
}

enum pb_status pb_gamma_count(const struct pb_network *network, const struct pb_channel_groups *groups, uint32_t first,
                              uint32_t last, struct pb_gamma_record *gamma, struct pb_error *error)
{
    struct pb_gamma_record counted = {.bin_count = BINS};
    bool any = false;
    for (uint32_t g = first; g < last; g++) {
        const float *values = gamma_of(network, &groups->groups[g]);
        for (uint32_t c = 0; values && c < count_of(network, &groups->groups[g]); c++)
            counted.max = fmax(counted.max, fabs(values[c]));
        any = any || values;
    }
    if (!any)
        return PB_OK;
    counted.bins = pb_calloc(BINS, sizeof *counted.bins);
    if (!counted.bins)
        return pb_fail_memory(error, BINS * sizeof *counted.bins);
    for (uint32_t g = first; g < last; g++) {
        const float *values = gamma_of(network, &groups->groups[g]);
        for (uint32_t c = 0; values && c < count_of(network, &groups->groups[g]); c++) {
            const double place = counted.max > 0 ? fabs(values[c]) / counted.max * BINS : 0;
            counted.bins[place < BINS ? (uint32_t)place : BINS - 1]++;
        }
    }
    *gamma = counted;
    return PB_OK;
}

json_t *pb_gamma_to_json(const struct pb_gamma_record *gamma)
{
    if (!gamma->bins)
        return json_null();
    json_t *bins = json_array();
    for (uint32_t i = 0; i < gamma->bin_count; i++)
        json_array_append_new(bins, json_integer(gamma->bins[i]));
    return json_pack("{s:f, s:o}", "max", gamma->max, "bins", bins);
}

enum pb_status pb_gamma_from_json(const json_t *json, struct pb_gamma_record *gamma, struct pb_error *error)
{
    const json_t *bins = json_object_get(json, "bins");
    struct pb_gamma_record read = {.max = json_number_value(json_object_get(json, "max")),
                                   .bin_count = (uint32_t)json_array_size(bins)};
    if (json_is_null(json))
        return PB_OK;
    if (read.bin_count == 0)
        return pb_fail(error, PB_ERROR_INPUT, "a stored stage lacks its histogram of γ; remove its folder");
    read.bins = pb_calloc(read.bin_count, sizeof *read.bins);
    if (!read.bins)
        return pb_fail_memory(error, read.bin_count * sizeof *read.bins);
    for (uint32_t i = 0; i < read.bin_count; i++)
        read.bins[i] = (uint32_t)json_integer_value(json_array_get(bins, i));
    *gamma = read;
    return PB_OK;
}
