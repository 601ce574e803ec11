/* What a criterion said of a network. */
#include "cli/score_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <jansson.h>

void pb_scored_free(struct pb_scored *scored)
{
    pb_weight_scores_free(&scored->weights);
    pb_removal_order_free(&scored->order);
    pb_scores_free(&scored->scores);
    pb_channel_groups_free(&scored->groups);
    pb_network_free(&scored->network);
}

static const char *group_name(const struct pb_scored *scored, uint32_t group)
{
    return scored->network->graph->nodes[scored->groups.groups[group].producers[0]].name;
}

static const char *weights_name(const struct pb_scored *scored, uint32_t layer)
{
    const struct pb_graph *graph = scored->network->graph;
    return graph->nodes[graph->parameters[scored->weights.layers[layer].parameter].node].name;
}

/* How many scores a layer has, and the lowest, the mean and the highest of them. */
static void print_values(const char *name, const double *values, size_t count)
{
    double low = INFINITY, high = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
        sum += values[i];
    }
    printf("%-12s %9zu %12.6g %12.6g %12.6g", name, count, low, sum / (double)count, high);
}

static void print_channels(const struct pb_scored *scored)
{
    enum { SHOWN = 8 };
    printf("%-12s %9s %12s %12s %12s  first to go\n", "layer", "channels", "lowest", "mean", "highest");
    for (uint32_t g = 0; g < scored->scores.group_count; g++) {
        const uint32_t channels = scored->scores.channels[g];
        print_values(group_name(scored, g), scored->scores.values[g], channels);
        printf(" ");
        for (uint32_t c = 0; c < channels && c < SHOWN; c++)
            printf(" %" PRIu32, scored->order.layers[g][c].channel);
        puts(channels > SHOWN ? " …" : "");
    }
}

static void print_weights(const struct pb_scored *scored)
{
    printf("%-12s %9s %12s %12s %12s\n", "layer", "weights", "lowest", "mean", "highest");
    for (uint32_t i = 0; i < scored->weights.count; i++) {
        print_values(weights_name(scored, i), scored->weights.layers[i].scores, scored->weights.layers[i].count);
        puts("");
    }
}

void pb_scored_print(const struct pb_scored *scored)
{
    printf("criterion '%s' on %s, %" PRIu32 " classes", scored->criterion, scored->network->graph->model,
           scored->network->graph->classes);
    if (scored->images)
        printf(", from %" PRIu32 " training images", scored->images);
    puts("\n");
    if (scored->weights.count)
        print_weights(scored);
    else
        print_channels(scored);
}

static json_t *reals(const double *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_real(values[i]));
    return list;
}

static json_t *group_json(const struct pb_scored *scored, uint32_t group)
{
    const uint32_t channels = scored->scores.channels[group];
    const struct pb_candidate *by_rank = scored->order.layers[group];
    json_t *normalised = json_array(), *order = json_array();
    for (uint32_t c = 0; c < channels; c++)
        json_array_append_new(normalised, json_null());
    for (uint32_t k = 0; k < channels; k++) {
        json_array_set_new(normalised, by_rank[k].channel, json_real(by_rank[k].score));
        json_array_append_new(order, json_integer(by_rank[k].channel));
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "layer", group_name(scored, group), "scores",
                     reals(scored->scores.values[group], channels), "normalised", normalised, "order", order);
}

static json_t *layers_json(const struct pb_scored *scored)
{
    json_t *layers = json_array();
    for (uint32_t i = 0; i < scored->weights.count; i++)
        json_array_append_new(layers,
                              json_pack("{s:s, s:o}", "layer", weights_name(scored, i), "scores",
                                        reals(scored->weights.layers[i].scores, scored->weights.layers[i].count)));
    for (uint32_t g = 0; g < scored->scores.group_count; g++)
        json_array_append_new(layers, group_json(scored, g));
    return layers;
}

/* Over all layers: [layer, channel], the first to go first. */
static json_t *order_json(const struct pb_scored *scored)
{
    json_t *order = json_array();
    for (uint32_t i = 0; i < scored->order.count; i++) {
        const struct pb_candidate *next = &scored->order.candidates[i];
        json_array_append_new(order, json_pack("[s,i]", group_name(scored, next->group), (int)next->channel));
    }
    return order;
}

enum pb_status pb_scored_print_json(const struct pb_scored *scored, struct pb_error *error)
{
    const struct pb_graph *graph = scored->network->graph;
    json_t *whole = json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:o}", "criterion", scored->criterion, "model",
                              graph->model, "classes", (json_int_t)graph->classes, "images", (json_int_t)scored->images,
                              "scope", scored->scope, "normalise", scored->normalise, "layers", layers_json(scored));
    if (whole && !scored->weights.count)
        json_object_set_new(whole, "order", order_json(scored));
    const bool good = whole && json_dumpf(whole, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) == 0;
    if (good)
        putchar('\n');
    json_decref(whole);
    return good ? PB_OK : pb_fail_memory(error, graph->value_count * sizeof(json_t));
}
