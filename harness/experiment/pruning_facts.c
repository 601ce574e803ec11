/* What one pruning step did, as the facts of its stage and as a row of the record. */
#include "experiment/pruning_facts.h"

#include <math.h>

#include "base/memory.h"
#include "experiment/gamma.h"

/* Adds "gamma-before" and "gamma-after" of some layers to object. */
static enum pb_status add_gammas(const struct pb_pruning_done *done, const struct pb_channel_groups *after,
                                 uint32_t first, uint32_t last, json_t *object, struct pb_error *error)
{
    struct pb_gamma_record was = {0}, is = {0};
    enum pb_status status = pb_gamma_count(done->before, done->groups, first, last, &was, error);
    if (status == PB_OK)
        status = pb_gamma_count(done->after, after, first, last, &is, error);
    if (status == PB_OK && (json_object_set_new(object, "gamma-before", pb_gamma_to_json(&was)) != 0 ||
                            json_object_set_new(object, "gamma-after", pb_gamma_to_json(&is)) != 0))
        status = pb_fail_memory(error, 0);
    pb_gamma_record_free(&was);
    pb_gamma_record_free(&is);
    return status;
}

static enum pb_status add_layer(const struct pb_pruning_done *done, const struct pb_channel_groups *after,
                                uint32_t group, json_t *layers, struct pb_error *error)
{
    const struct pb_layer_pruning *layer = &done->pruning->layers[group];
    const uint32_t repeats = done->groups->groups[group].repeats;
    json_t *object = json_pack("{s:s, s:i, s:i, s:i, s:i}", "name",
                               done->before->graph->nodes[done->groups->groups[group].producers[0]].name, "before",
                               (int)(layer->before * repeats), "after", (int)(layer->after * repeats), "floored",
                               (int)(layer->floored * repeats), "ties", (int)(layer->ties * repeats));
    if (!object || json_array_append_new(layers, object) != 0)
        return pb_fail_memory(error, 0);
    /* JSON has no NaN: a layer that nothing was to leave has no threshold. */
    if (!isnan(layer->threshold) && json_object_set_new(object, "threshold", json_real(layer->threshold)) != 0)
        return pb_fail_memory(error, 0);
    return add_gammas(done, after, group, group + 1, object, error);
}

enum pb_status pb_pruning_to_facts(const struct pb_pruning_done *done, json_t *facts, struct pb_error *error)
{
    const struct pb_pruning *pruning = done->pruning;
    struct pb_channel_groups after = {0};
    json_t *layers = json_array();
    json_t *whole =
        json_pack("{s:f, s:i, s:f, s:f, s:O}", "achieved", pruning->achieved, "floored", (int)pruning->floored,
                  "threshold", pruning->threshold, "equivalence", done->equivalence, "layers", layers);
    enum pb_status status = whole ? PB_OK : pb_fail_memory(error, 0);
    if (status == PB_OK && !isnan(pruning->requested) &&
        json_object_set_new(whole, "requested", json_real(pruning->requested)) != 0)
        status = pb_fail_memory(error, 0);
    if (status == PB_OK)
        status = pb_channel_groups_find(done->after->graph, &after, error);
    for (uint32_t g = 0; status == PB_OK && g < done->groups->count; g++)
        status = add_layer(done, &after, g, layers, error);
    if (status == PB_OK)
        status = add_gammas(done, &after, 0, done->groups->count, whole, error);
    if (status == PB_OK && json_object_update(facts, whole) != 0)
        status = pb_fail_memory(error, 0);
    pb_channel_groups_free(&after);
    json_decref(whole);
    json_decref(layers);
    return status;
}

static uint32_t count(const json_t *object, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(object, key));
}

static double real(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value ? json_number_value(value) : (double)NAN;
}

static enum pb_status read_layer(const json_t *object, struct pb_pruned_layer_record *layer, struct pb_error *error)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    layer->before = count(object, "before");
    layer->after = count(object, "after");
    layer->floored = count(object, "floored");
    layer->ties = count(object, "ties");
    layer->threshold = real(object, "threshold");
    layer->name = pb_strdup(name ? name : "");
    enum pb_status status = layer->name ? PB_OK : pb_fail_memory(error, 64);
    if (status == PB_OK)
        status = pb_gamma_from_json(json_object_get(object, "gamma-before"), &layer->gamma_before, error);
    if (status == PB_OK)
        status = pb_gamma_from_json(json_object_get(object, "gamma-after"), &layer->gamma_after, error);
    return status;
}

enum pb_status pb_pruning_from_facts(const json_t *facts, struct pb_pruning_record *row, struct pb_error *error)
{
    const json_t *layers = json_object_get(facts, "layers");
    struct pb_pruning_record read = {
        .requested = real(facts, "requested"),
        .achieved = real(facts, "achieved"),
        .threshold = real(facts, "threshold"),
        .equivalence = real(facts, "equivalence"),
        .floored = count(facts, "floored"),
        .layer_count = (uint32_t)json_array_size(layers),
    };
    enum pb_status status = PB_OK;
    const char *warnings = json_string_value(json_object_get(facts, "warnings"));
    if (warnings && !(read.warnings = pb_strdup(warnings)))
        return pb_fail_memory(error, 64);
    read.layers = pb_calloc(read.layer_count ? read.layer_count : 1, sizeof *read.layers);
    if (!read.layers)
        return pb_fail_memory(error, read.layer_count * sizeof *read.layers);
    for (uint32_t i = 0; status == PB_OK && i < read.layer_count; i++)
        status = read_layer(json_array_get(layers, i), &read.layers[i], error);
    if (status == PB_OK)
        status = pb_gamma_from_json(json_object_get(facts, "gamma-before"), &read.gamma_before, error);
    if (status == PB_OK)
        status = pb_gamma_from_json(json_object_get(facts, "gamma-after"), &read.gamma_after, error);
    if (status == PB_OK)
        *row = read;
    else
        pb_pruning_record_free(&read);
    return status;
}
