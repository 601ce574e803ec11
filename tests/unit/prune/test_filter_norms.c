/*
 * filter-norm against the numbers of Distiller's tests (IntelLabs/distiller, tests/test_thresholding.py and test_ranking.py): the
 * norms of small tensors, and what is above a threshold. Distiller groups one tensor by kernels, filters or input channels; here each
 * of these is a filter of a convolution of its own.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/cost.h"
#include "support/built_criterion.h"
#include "support/graphs.h"

enum { KERNELS = 6 };

/* Two filters of three 3×3 kernels. */
static const float drawn[] = {
    -1.2982F, 0.7574F,  0.7962F,  -0.6695F, 1.5907F,  0.2659F,  0.1423F,  0.3165F,  -0.7629F, /**/
    -0.5480F, -1.2718F, 0.8286F,  -0.6427F, 0.3814F,  -0.7988F, 1.0346F,  1.3023F,  -0.9674F, /**/
    -0.7951F, 1.8784F,  -0.5654F, 0.0456F,  -0.2849F, -0.3332F, -0.2367F, 0.7467F,  0.9212F, /**/
    1.3672F,  0.2993F,  -0.0619F, 1.8156F,  0.7599F,  0.1815F,  0.4136F,  1.8316F,  1.7214F, /**/
    0.5125F,  -1.5329F, 0.9257F,  0.9200F,  0.4376F,  0.5743F,  -0.0097F, 0.9473F,  -0.0899F, /**/
    0.2372F,  2.4369F,  -0.3410F, -1.0595F, 0.8056F,  -0.0357F, -1.0105F, -0.1451F, -0.4194F,
};
/* Three filters of two 2×2 kernels. */
static const float counted[] = {11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24,
                                25, 26, 27, 28, 31, 32, 33, 34, 35, 36, 37, 38};

#define ABOVE(norm_)                                                                                                   \
    {                                                                                                                  \
        .size = sizeof(struct pb_target), .measure = PB_MEASURE_THRESHOLD, .amount = (norm_)                           \
    }
#define HALF                                                                                                           \
    {                                                                                                                  \
        .size = sizeof(struct pb_target), .measure = PB_MEASURE_CHANNELS, .amount = 0.5                                \
    }

struct grouping {
    const char *of, *options;
    const float *tensor;
    uint32_t kernel; /* its side */
    uint32_t filters, inputs;
    uint32_t filter_step, input_step; /* in kernels of the tensor */
    double norms[KERNELS];
    struct pb_target target;
    const char *kept;
};

static const struct grouping groupings[] = {
    {"kernels", "p=1", drawn, 3, 6, 1, 1, 0, {6.5997, 7.7756, 5.8073, 8.4522, 5.9498, 6.4908}, ABOVE(6), "110101"},
    {"filters", "p=2", drawn, 3, 2, 3, 3, 1, {4.5039, 5.2156}, ABOVE(4.7), "01"},
    {"channels", "p=2", drawn, 3, 3, 2, 1, 3, {4.3593, 3.6394, 3.9037}, ABOVE(3.7), "101"},
    /* published as means over 18 weights, of which those above 0.7 stay */
    {"channels", "p=1", drawn, 3, 3, 2, 1, 3, {18 * 0.8362, 18 * 0.7625, 18 * 0.6832}, ABOVE(18 * 0.7), "110"},
    /* half of two: the channel with a mean of 90 over its three kernels goes */
    {"channels", "p=1", counted, 2, 2, 3, 1, 2, {3 * 90, 3 * 106}, HALF, "01"},
};

static struct pb_network *network_with(const struct grouping *grouping)
{
    const uint32_t places = grouping->kernel * grouping->kernel;
    struct pb_graph *graph = graph_begin("grouped", grouping->kernel, grouping->kernel, grouping->inputs);
    const uint32_t conv = graph_add(graph,
                                    (struct pb_graph_node){.op = PB_OP_CONV2D,
                                                           .name = "conv",
                                                           .channels = grouping->filters,
                                                           .conv = {.kernel = {grouping->kernel, grouping->kernel}}},
                                    0);
    graph_linear(graph, "fc", conv, 2);
    struct pb_network *network = network_of(graph, 1);
    float *weight = pb_network_values(network, conv, PB_ROLE_WEIGHT); /* K×R×S×C */
    for (uint32_t k = 0; k < grouping->filters; k++)
        for (uint32_t place = 0; place < places; place++)
            for (uint32_t c = 0; c < grouping->inputs; c++)
                *weight++ = grouping->tensor[(k * grouping->filter_step + c * grouping->input_step) * places + place];
    return network;
}

static void write_kept(const struct grouping *grouping, const struct pb_network *network,
                       const struct pb_scores *scores, char *kept)
{
    struct pb_channel_groups groups = groups_of(network->graph);
    const struct pb_ranking ranking = {.scope = PB_SCOPE_GLOBAL, .floor = 1, .round_to = 1};
    const struct pb_cost cost = pb_graph_cost(network->graph);
    const struct pb_original original = {.channels = groups.total, .params = cost.params, .macs = cost.macs};
    struct pb_pruning pruning = {0};
    struct pb_error error = {0};
    if (pb_rank(network, &groups, scores, &ranking, grouping->target, &original, &pruning, &error) != PB_OK)
        fail_msg("%s: %s", grouping->of, error.text);
    for (uint32_t k = 0; k < grouping->filters; k++)
        *kept++ = pruning.keep.keep[0][k] ? '1' : '0';
    *kept = '\0';
    pb_pruning_free(&pruning);
    pb_channel_groups_free(&groups);
}

static void test_norms_and_what_is_above_a_threshold_are_distillers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof groupings / sizeof *groupings; i++) {
        const struct grouping *grouping = &groupings[i];
        struct pb_network *network = network_with(grouping);
        struct pb_scores scores = {0};
        struct pb_error error = {0};
        char kept[KERNELS + 1];
        if (built_score("filter-norm", grouping->options, network, NULL, &scores, &error) != PB_OK)
            fail_msg("%s: %s", grouping->of, error.text);
        for (uint32_t k = 0; k < grouping->filters; k++) /* weights and norms are published with four decimals */
            if (!(fabs(scores.values[0][k] - grouping->norms[k]) <= 5e-5 * grouping->norms[k]))
                fail_msg("%s, %s: norm %u is %.7g, not %.7g", grouping->of, grouping->options, k, scores.values[0][k],
                         grouping->norms[k]);
        write_kept(grouping, network, &scores, kept);
        assert_string_equal(kept, grouping->kept);
        pb_scores_free(&scores);
        pb_network_free(&network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norms_and_what_is_above_a_threshold_are_distillers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
