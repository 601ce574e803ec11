/*
 * From the same γ or weights, the same kept channels and weights as published code keeps, where its rule is the paper's. Every row was
 * worked out by hand from that rule. Where published code departs from its paper, docs/methods.md says how.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/cost.h"
#include "support/built_criterion.h"
#include "support/built_plugin.h"
#include "support/graphs.h"

enum { FILTERS = 3, INPUTS = 2, CLASSES = 2 };

static uint32_t convolution(struct pb_graph *graph, const char *name, uint32_t input, uint32_t filters)
{
    return graph_add(
        graph,
        (struct pb_graph_node){.op = PB_OP_CONV2D, .name = name, .channels = filters, .conv = {.kernel = {1, 1}}},
        input);
}

static float *values(const struct pb_network *network, const char *node, enum pb_role role)
{
    return pb_network_values(network, pb_graph_find(network->graph, node), role);
}

/* conv1 (3 filters of 2 weights) → bn1 → relu → conv2 (3 of 3) → bn2 → relu → gap → fc, with the weights of all rows. */
static struct pb_network *two_layers(const float gammas[2 * FILTERS])
{
    static const float first[] = {3, -4, 0, 5.5F, 1, 1}, second[] = {2, 2, 2, 0, -4, 0, 5, 0, 0},
                       classifier[] = {5, 0, 1, 0, 1, 1};
    struct pb_graph *graph = graph_begin("two", 1, 1, INPUTS);
    uint32_t node = graph_relu(graph, "relu1", graph_norm(graph, "bn1", convolution(graph, "conv1", 0, FILTERS)));
    node = graph_relu(graph, "relu2", graph_norm(graph, "bn2", convolution(graph, "conv2", node, FILTERS)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CLASSES);
    struct pb_network *network = network_of(graph, 1);
    memcpy(values(network, "conv1", PB_ROLE_WEIGHT), first, sizeof first);
    memcpy(values(network, "conv2", PB_ROLE_WEIGHT), second, sizeof second);
    memcpy(values(network, "fc", PB_ROLE_WEIGHT), classifier, sizeof classifier);
    memcpy(values(network, "bn1", PB_ROLE_GAMMA), gammas, FILTERS * sizeof *gammas);
    memcpy(values(network, "bn2", PB_ROLE_GAMMA), gammas + FILTERS, FILTERS * sizeof *gammas);
    return network;
}

static const float distinct[] = {0.5F, -0.1F, 0.3F, 0.2F, 0.9F, -0.4F}, tied[] = {0.2F, 0.2F, 0.5F, 0.2F, 0.9F, 0.4F};

struct rule {
    const char *source; /* whose rule it is */
    const char *criterion, *options;
    enum pb_count_rule count;
    const float *gammas;
    double share; /* of the channels that go */
    bool per_layer; /* instead of what the criterion declares */
    const char *kept; /* conv1, conv2 */
};

static const struct rule rules[] = {
    /* Eric-mingjie/network-slimming: |γ| > sorted[int(6 · share)] stay: above .4; above .2; of the tied ones above .2. */
    {"slimming", "bn-scale", "", PB_COUNT_THRESHOLD, distinct, 0.5, false, "100 010"},
    {"slimming", "bn-scale", "", PB_COUNT_THRESHOLD, distinct, 0.3, false, "101 011"},
    {"slimming", "bn-scale", "", PB_COUNT_THRESHOLD, tied, 0.2, false, "001 011"},
    /* Exactly as many as asked for: the paper's share. */
    {"the paper of slimming", "bn-scale", "", PB_COUNT_EXACT, distinct, 0.5, false, "100 011"},
    {"the paper of slimming", "bn-scale", "", PB_COUNT_EXACT, tied, 0.2, false, "011 111"},
    /* Li 2017 in Eric-mingjie/rethinking-network-pruning: of each layer the largest Σ|w| stay: 7, 5.5, 2 and 6, 4, 5. */
    {"rethinking, l1-norm-pruning", "filter-norm", "", PB_COUNT_EXACT, distinct, 1.0 / 3, false, "110 101"},
    {"rethinking, l1-norm-pruning", "filter-norm", "", PB_COUNT_EXACT, distinct, 2.0 / 3, false, "100 100"},
    /* he-y/soft-filter-pruning and torch.nn.utils.prune.ln_structured(n=2, dim=0): √Σw² are 5, 5.5, √2 and √12, 4, 5. */
    {"SFP", "filter-norm", "p=2", PB_COUNT_EXACT, distinct, 1.0 / 3, false, "110 011"},
    {"SFP", "filter-norm", "p=2", PB_COUNT_EXACT, distinct, 2.0 / 3, false, "010 001"},
    /*
     * he-y/filter-pruning-geometric-median without its norm's share, and NNI: the distances between the filters of conv1 are 9.962 (1 and
     * 2), 5.385 (1 and 3), 4.610 (2 and 3), their sums 15.35, 14.57, 9.995; those of conv2 6.633, 4.123, 6.403, their sums 10.76, 13.04,
     * 10.53. Between squared weights, as in Torch-Pruning, the first filter of conv1 would go.
     */
    {"FPGM", "fpgm", "", PB_COUNT_EXACT, distinct, 1.0 / 3, false, "110 110"},
    {"FPGM", "fpgm", "", PB_COUNT_EXACT, distinct, 2.0 / 3, false, "100 010"},
    /* VainF/Torch-Pruning: of each layer the largest sums of squared filter, γ and columns: 54.25, 50.26, 6.09 and 37.04, 17.81, 27.16. */
    {"DepGraph", "group-norm", "", PB_COUNT_EXACT, distinct, 1.0 / 3, true, "110 101"},
    {"DepGraph", "group-norm", "", PB_COUNT_EXACT, distinct, 2.0 / 3, true, "100 100"},
    /* The same program's LAMP: Σw² over those of the filters at least as large: 25/55.25, 1, 2/57.25 and 12/53, 16/41, 1. */
    {"Torch-Pruning, LAMP", "lamp", "", PB_COUNT_EXACT, distinct, 1.0 / 2, false, "110 001"},
    {"Torch-Pruning, LAMP", "lamp", "", PB_COUNT_EXACT, distinct, 2.0 / 3, false, "010 001"},
};

static void write_kept(const struct pb_pruning *pruning, char *text)
{
    for (uint32_t g = 0; g < pruning->group_count; g++) {
        if (g > 0)
            *text++ = ' ';
        for (uint32_t c = 0; c < pruning->layers[g].before; c++)
            *text++ = pruning->keep.keep[g][c] ? '1' : '0';
    }
    *text = '\0';
}

static struct pb_ranking ranking_of(const char *criterion, bool per_layer)
{
    char object[64];
    snprintf(object, sizeof object, "criterion-%s", criterion);
    const struct pb_criterion *declared = built_plugin(object, criterion)->criterion;
    return (struct pb_ranking){.scope = per_layer ? PB_SCOPE_LAYER : (enum pb_scope)declared->scope,
                               .normalise = (enum pb_normalise)declared->normalise,
                               .floor = 1,
                               .round_to = 1};
}

static void keep_channels(const struct rule *rule, char *kept)
{
    struct pb_network *network = two_layers(rule->gammas);
    struct pb_channel_groups groups = groups_of(network->graph);
    struct pb_ranking ranking = ranking_of(rule->criterion, rule->per_layer);
    ranking.count = rule->count;
    struct pb_scores scores = {0};
    struct pb_pruning pruning = {0};
    struct pb_error error = {0};
    const struct pb_cost cost = pb_graph_cost(network->graph);
    const struct pb_original original = {.channels = groups.total, .params = cost.params, .macs = cost.macs};
    const struct pb_target target = {.size = sizeof target, .measure = PB_MEASURE_CHANNELS, .amount = rule->share};
    if (built_score(rule->criterion, rule->options, network, NULL, &scores, &error) != PB_OK ||
        pb_rank(network, &groups, &scores, &ranking, target, &original, &pruning, &error) != PB_OK)
        fail_msg("%s: %s", rule->source, error.text);
    write_kept(&pruning, kept);
    pb_pruning_free(&pruning);
    pb_scores_free(&scores);
    pb_channel_groups_free(&groups);
    pb_network_free(&network);
}

static void test_the_same_values_keep_the_same_channels_as_published_code(void **state)
{
    char kept[16];
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        keep_channels(&rules[i], kept);
        if (strcmp(kept, rules[i].kept) != 0)
            fail_msg("row %zu (%s, %s): %s are kept, not %s", i, rules[i].source, rules[i].criterion, kept,
                     rules[i].kept);
    }
}

/* conv (2 filters of 2) → gap → fc (2 × 2). */
enum { WEIGHTS = 4 };
static const float conv_weights[WEIGHTS] = {0.1F, -0.9F, 0.4F, -0.3F}, fc_weights[WEIGHTS] = {5, 8, -7, 0.5F};

struct weight_rule {
    const char *source, *criterion;
    double share; /* of the weights that are masked */
    bool per_layer;
    const char *kept; /* conv, fc */
};

static const struct weight_rule weight_rules[] = {
    /*
     * torch.nn.utils.prune.global_unstructured(L1Unstructured): .1, .3, .4 and .5 are the lowest. open_lth keeps what is above
     * sorted[int(8 · share)] alone, so that .9 would go as well.
     */
    {"global_unstructured", "magnitude", 0.5, false, "0100 1110"},
    /* torch.nn.utils.prune.l1_unstructured of each layer, as Han et al. prune: .1, .3 and .5, 5. */
    {"l1_unstructured", "magnitude", 0.5, true, "0110 0110"},
    /*
     * jaeho-lee/layer-adaptive-sparsity: w² over those at least as large, .01/1.07, 1, .16/.97, .09/1.06 and 25/138, 1, 49/113,
     * .25/138.25. The five lowest are .0018, .0093, .085, .165 and .181.
     */
    {"LAMP", "lamp", 0.5, false, "0100 1110"},
    {"LAMP", "lamp", 0.625, false, "0100 0110"},
};

static void keep_weights(const struct weight_rule *rule, char *kept)
{
    struct pb_graph *graph = graph_begin("weights", 1, 1, 2);
    uint32_t node = convolution(graph, "conv", 0, 2);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CLASSES);
    struct pb_network *network = network_of(graph, 1);
    const struct pb_ranking ranking = ranking_of(rule->criterion, rule->per_layer);
    struct pb_weight_scores scores = {0};
    struct pb_masking masking = {0};
    struct pb_error error = {0};
    float *const layers[] = {values(network, "conv", PB_ROLE_WEIGHT), values(network, "fc", PB_ROLE_WEIGHT)};
    memcpy(layers[0], conv_weights, sizeof conv_weights);
    memcpy(layers[1], fc_weights, sizeof fc_weights);
    if (built_score_weights(rule->criterion, "", network, NULL, &scores, &error) != PB_OK ||
        pb_mask_weights(network, &scores, &ranking, rule->share, &masking, &error) != PB_OK)
        fail_msg("%s: %s", rule->source, error.text);
    for (size_t i = 0; i < 2 * WEIGHTS; i++) {
        if (i == WEIGHTS)
            *kept++ = ' ';
        *kept++ = layers[i / WEIGHTS][i % WEIGHTS] == 0 ? '0' : '1';
    }
    *kept = '\0';
    pb_masking_free(&masking);
    pb_weight_scores_free(&scores);
    pb_network_free(&network);
}

static void test_the_same_values_keep_the_same_weights_as_published_code(void **state)
{
    char kept[16];
    (void)state;
    for (size_t i = 0; i < sizeof weight_rules / sizeof *weight_rules; i++) {
        keep_weights(&weight_rules[i], kept);
        if (strcmp(kept, weight_rules[i].kept) != 0)
            fail_msg("row %zu (%s, %s): %s are kept, not %s", i, weight_rules[i].source, weight_rules[i].criterion,
                     kept, weight_rules[i].kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_values_keep_the_same_channels_as_published_code),
        cmocka_unit_test(test_the_same_values_keep_the_same_weights_as_published_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
