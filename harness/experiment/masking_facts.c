/* What one masking of single weights did. */
#include "experiment/masking_facts.h"

#include <math.h>

#include "base/memory.h"

enum pb_status pb_masking_to_facts(const struct pb_graph *graph, const struct pb_masking *masking, json_t *facts,
                                   struct pb_error *error)
{
    json_t *layers = json_array();
    for (uint32_t l = 0; l < masking->count; l++) {
        const struct pb_masked_layer *layer = &masking->layers[l];
        json_t *row = json_pack("{s:s, s:I, s:I}", "name", graph->nodes[graph->parameters[layer->parameter].node].name,
                                "weights", (json_int_t)layer->weights, "masked", (json_int_t)layer->masked);
        if (!isnan(layer->change) && json_object_set_new(row, "change", json_real(layer->change)) != 0) {
            json_decref(row);
            break; /* a row is missing */
        }
        json_array_append_new(layers, row);
    }
    json_t *whole = json_array_size(layers) != masking->count
                        ? NULL
                        : json_pack("{s:f, s:f, s:I, s:I, s:O}", "requested", masking->requested, "achieved",
                                    masking->achieved, "weights", (json_int_t)masking->weights, "masked",
                                    (json_int_t)masking->masked, "layers", layers);
    const bool added = whole && json_object_update(facts, whole) == 0;
    json_decref(whole);
    json_decref(layers);
    return added ? PB_OK : pb_fail_memory(error, masking->count * sizeof *masking->layers);
}

static uint64_t count(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

enum pb_status pb_masking_from_facts(const json_t *facts, struct pb_masking_record *row, struct pb_error *error)
{
    const json_t *layers = json_object_get(facts, "layers");
    struct pb_masking_record read = {
        .requested = json_number_value(json_object_get(facts, "requested")),
        .achieved = json_number_value(json_object_get(facts, "achieved")),
        .weights = count(facts, "weights"),
        .masked = count(facts, "masked"),
        .layer_count = (uint32_t)json_array_size(layers),
    };
    read.layers = pb_calloc((size_t)read.layer_count + 1, sizeof *read.layers);
    if (!read.layers)
        return pb_fail_memory(error, read.layer_count * sizeof *read.layers);
    for (uint32_t l = 0; l < read.layer_count; l++) {
        const json_t *layer = json_array_get(layers, l);
        const char *name = json_string_value(json_object_get(layer, "name"));
        const json_t *change = json_object_get(layer, "change");
        read.layers[l] = (struct pb_masked_layer_record){.name = pb_strdup(name ? name : ""),
                                                         .weights = count(layer, "weights"),
                                                         .masked = count(layer, "masked"),
                                                         .change = change ? json_number_value(change) : NAN};
        if (!read.layers[l].name) {
            pb_masking_record_free(&read);
            return pb_fail_memory(error, 64);
        }
    }
    *row = read;
    return PB_OK;
}
