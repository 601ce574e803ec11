/* Criteria that come with the harness, loaded as plugins. */
#include "support/built_criterion.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/built_plugin.h"
#include "support/graphs.h"

static struct pb_loaded load(const char *name)
{
    char object[128];
    snprintf(object, sizeof object, "criterion-%s", name);
    return (struct pb_loaded){.plugin = built_plugin(object, name), .file = "built"};
}

static struct pb_options choose(const struct pb_plugin *plugin, const char *chosen)
{
    struct given given[8];
    uint32_t count = 0;
    char text[128], *rest = text;
    snprintf(text, sizeof text, "%s", chosen);
    for (char *pair; (pair = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(pair, '=');
        assert_non_null(value);
        assert_in_range(count, 0, 7);
        *value++ = '\0';
        given[count++] = (struct given){pair, value};
    }
    return built_options(plugin, given, count);
}

enum pb_status built_score(const char *name, const char *chosen, const struct pb_network *network,
                           const struct pb_calibration *calibration, struct pb_scores *scores, struct pb_error *error)
{
    const struct pb_loaded loaded = load(name);
    struct pb_options options = choose(loaded.plugin, chosen);
    struct pb_channel_groups groups = groups_of(network->graph);
    const enum pb_coupling coupling = (enum pb_coupling)loaded.plugin->criterion->coupling;
    const enum pb_status status =
        pb_score_network(&loaded, &options, network, &groups, coupling, calibration, scores, error);
    pb_channel_groups_free(&groups);
    pb_options_free(&options);
    return status;
}

enum pb_status built_score_weights(const char *name, const char *chosen, const struct pb_network *network,
                                   const struct pb_calibration *calibration, struct pb_weight_scores *scores,
                                   struct pb_error *error)
{
    const struct pb_loaded loaded = load(name);
    struct pb_options options = choose(loaded.plugin, chosen);
    struct pb_channel_groups groups = groups_of(network->graph);
    const enum pb_status status = pb_score_weights(&loaded, &options, network, &groups, calibration, scores, error);
    pb_channel_groups_free(&groups);
    pb_options_free(&options);
    return status;
}

enum pb_status built_mask(const char *name, const char *chosen, const struct pb_network *network,
                          const struct pb_calibration *calibration, const struct pb_ranking *ranking, double share,
                          struct pb_network **masked, struct pb_masking *masking, struct pb_error *error)
{
    const struct pb_loaded loaded = load(name);
    struct pb_options options = choose(loaded.plugin, chosen);
    struct pb_channel_groups groups = groups_of(network->graph);
    const struct pb_mask_task task = {.criterion = &loaded,
                                      .options = &options,
                                      .groups = &groups,
                                      .calibration = calibration,
                                      .ranking = ranking,
                                      .share = share};
    struct pb_network *copy = NULL;
    enum pb_status status = pb_network_copy(network, &copy, error);
    if (status == PB_OK)
        status = pb_mask_network(&task, network, copy, masking, error);
    if (status == PB_OK)
        *masked = copy;
    else
        pb_network_free(&copy);
    pb_channel_groups_free(&groups);
    pb_options_free(&options);
    return status;
}

enum pb_status built_select(const char *name, const char *chosen, const struct pb_network *network,
                            const struct pb_calibration *calibration, const uint32_t *remove, struct pb_keep *keep,
                            struct pb_error *error)
{
    enum { MOST = 64 };
    const struct pb_loaded loaded = load(name);
    struct pb_options options = choose(loaded.plugin, chosen);
    struct pb_channel_groups groups = groups_of(network->graph);
    struct pb_layer_pruning layers[MOST] = {0};
    struct pb_pruning pruning = {.keep = *keep, .layers = layers, .group_count = groups.count};
    assert_in_range(groups.count, 1, MOST);
    for (uint32_t g = 0; g < groups.count; g++) {
        layers[g].before = groups.groups[g].channels;
        layers[g].after = layers[g].before - remove[g];
    }
    const enum pb_status status =
        pb_select_channels(&loaded, &options, network, &groups, calibration, NULL, &pruning, error);
    pb_channel_groups_free(&groups);
    pb_options_free(&options);
    return status;
}

enum pb_status built_repair(const char *name, const char *chosen, const struct pb_network *before,
                            struct pb_network *network, const struct pb_calibration *calibration,
                            struct pb_repaired **repaired, uint32_t *count, struct pb_error *error)
{
    const struct pb_loaded loaded = load(name);
    struct pb_options options = choose(loaded.plugin, chosen);
    const enum pb_status status =
        pb_repair_network(&loaded, &options, before, network, calibration, repaired, count, error);
    pb_options_free(&options);
    return status;
}

static const struct pb_layer_view *show_layer(const struct pb_network_view *network, uint32_t layer)
{
    const struct fed *fed = network->context;
    return layer < network->layer_count ? &fed->layers[layer] : NULL;
}

static const struct pb_group_view *show_group(const struct pb_network_view *network, uint32_t group)
{
    const struct fed *fed = network->context;
    return group == 0 ? &fed->group : NULL;
}

static void complete(struct fed *fed, uint32_t index)
{
    struct pb_layer_view *layer = &fed->layers[index];
    uint32_t *const sizes[] = {&layer->input_channels,    &layer->kernel_height,    &layer->kernel_width,
                               &layer->output_height,     &layer->output_width,     &layer->batch_count,
                               &layer->activation_height, &layer->activation_width, &layer->batch};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        *sizes[i] += *sizes[i] == 0;
    layer->size = sizeof *layer;
    layer->index = fed->producers[index] = index;
    layer->layers = fed->network.layer_count;
    layer->name = "conv";
    layer->network = &fed->network;
}

static void succeed(struct fed *fed, enum pb_status status)
{
    struct pb_error error = {0};
    if (pb_host_result(&fed->host, status, &error) != PB_OK)
        fail_msg("%s", error.text);
}

void fed_open(struct fed *fed, const char *name, const char *options, struct pb_layer_view *layers, uint32_t count)
{
    const struct pb_loaded loaded = load(name);
    assert_in_range(count, 1, 4);
    *fed = (struct fed){
        .criterion = loaded.plugin->criterion, .options = choose(loaded.plugin, options), .layers = layers};
    fed->network = (struct pb_network_view){.size = sizeof fed->network,
                                            .context = fed,
                                            .layer_count = count,
                                            .group_count = 1,
                                            .layer = show_layer,
                                            .group = show_group};
    for (uint32_t l = 0; l < count; l++)
        complete(fed, l);
    fed->group = (struct pb_group_view){.size = sizeof fed->group,
                                        .id = "conv",
                                        .channels = layers[0].channels,
                                        .producer_count = count,
                                        .producers = fed->producers};
    pb_host_init(&fed->host, name, 1, 1);
    succeed(fed, fed->criterion->create(&fed->host.table, fed->options.values, &fed->self));
    if (fed->criterion->prepare)
        succeed(fed, fed->criterion->prepare(fed->self, &fed->network));
}

void fed_observe(struct fed *fed)
{
    for (uint32_t l = 0; l < fed->network.layer_count; l++)
        succeed(fed, fed->criterion->observe(fed->self, &fed->layers[l]));
}

static uint32_t weights_of(const struct pb_layer_view *layer)
{
    return layer->channels * layer->kernel_height * layer->kernel_width * layer->input_channels;
}

uint32_t fed_products(struct fed *fed, const double *hessian)
{
    enum { MOST = 16 };
    const uint32_t products = fed->criterion->products ? fed->criterion->products(fed->self) : 1;
    for (uint32_t product = 0; product < products; product++) {
        float direction[MOST] = {0}, result[MOST];
        uint32_t count = 0;
        for (uint32_t l = 0; l < fed->network.layer_count; count += weights_of(&fed->layers[l++])) {
            struct pb_direction part = {.size = sizeof part, .weight = direction + count};
            const size_t bytes = weights_of(&fed->layers[l]) * sizeof *direction;
            assert_in_range(count + weights_of(&fed->layers[l]), 1, MOST);
            if (fed->criterion->direction)
                succeed(fed, fed->criterion->direction(fed->self, &fed->layers[l], product, &part));
            else
                memcpy(part.weight, fed->layers[l].weight_grad, bytes);
        }
        for (uint32_t i = 0; i < count; i++) {
            double sum = 0;
            for (uint32_t j = 0; j < count; j++)
                sum += hessian[i * count + j] * (double)direction[j];
            result[i] = (float)sum;
        }
        count = 0;
        for (uint32_t l = 0; l < fed->network.layer_count; count += weights_of(&fed->layers[l++])) {
            const struct pb_product_view view = {.size = sizeof view,
                                                 .product = product,
                                                 .products = products,
                                                 .step = 1,
                                                 .weight_direction = direction + count,
                                                 .weight_product = result + count};
            succeed(fed, fed->criterion->observe_product(fed->self, &fed->layers[l], &view));
        }
    }
    return products;
}

void fed_score(struct fed *fed, uint32_t layer, double *scores)
{
    succeed(fed, fed->criterion->score(fed->self, &fed->layers[layer], scores));
}

void fed_score_weights(struct fed *fed, uint32_t layer, double *scores)
{
    succeed(fed, fed->criterion->score_weights(fed->self, &fed->layers[layer], scores));
}

void fed_repair_weights(struct fed *fed, uint32_t layer, const unsigned char *masked, float *weight)
{
    for (uint32_t i = 0; i < weights_of(&fed->layers[layer]); i++)
        weight[i] = masked[i] ? 0 : fed->layers[layer].weight[i];
    succeed(fed, fed->criterion->repair_weights(fed->self, &fed->layers[layer], masked, weight));
}

void fed_close(struct fed *fed)
{
    if (fed->criterion->destroy && fed->self)
        fed->criterion->destroy(fed->self);
    succeed(fed, PB_OK); /* it wrote nowhere beside its memory */
    pb_host_close(&fed->host);
    pb_options_free(&fed->options);
}

void assert_scores(const double *scores, const double *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(scores[i] - expected[i]) <= 1e-6 * fabs(expected[i])))
            fail_msg("score %zu is %.9g, not %.9g", i, scores[i], expected[i]);
}
