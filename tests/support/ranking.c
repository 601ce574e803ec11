/* Small networks with given scores, ranked, for the tests of ranking. */
#include "support/ranking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "graph/cost.h"
#include "support/graphs.h"

static void make_scores(struct ranked *ranked, const double *scores)
{
    const uint32_t count = ranked->groups.count;
    ranked->scores.values = pb_calloc(count, sizeof(double *));
    ranked->scores.channels = pb_calloc(count, sizeof(uint32_t));
    ranked->scores.group_count = count;
    assert_non_null(ranked->scores.values);
    assert_non_null(ranked->scores.channels);
    for (uint32_t g = 0; g < count; g++) {
        const uint32_t channels = ranked->groups.groups[g].channels;
        ranked->scores.channels[g] = channels;
        ranked->scores.values[g] = pb_calloc(channels, sizeof(double));
        assert_non_null(ranked->scores.values[g]);
        for (uint32_t c = 0; c < channels; c++)
            ranked->scores.values[g][c] = *scores++;
    }
}

struct ranked ranked_create(const uint32_t *widths, uint32_t layers, const double *scores)
{
    struct ranked ranked = {0};
    struct pb_graph *graph = graph_begin("ranked", 2, 2, 1);
    uint32_t node = 0;
    for (uint32_t i = 0; i < layers; i++) {
        char name[16];
        snprintf(name, sizeof(name), "conv%u", i);
        node = graph_add(
            graph,
            (struct pb_graph_node){.op = PB_OP_CONV2D, .name = name, .channels = widths[i], .conv = {.kernel = {1, 1}}},
            node);
    }
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, 2);
    ranked.network = network_of(graph, 1);
    ranked.groups = groups_of(graph);
    const struct pb_cost cost = pb_graph_cost(graph);
    ranked.original = (struct pb_original){.channels = ranked.groups.total, .params = cost.params, .macs = cost.macs};
    make_scores(&ranked, scores);
    return ranked;
}

void ranked_free(struct ranked *ranked)
{
    pb_scores_free(&ranked->scores);
    pb_channel_groups_free(&ranked->groups);
    pb_network_free(&ranked->network);
}

struct pb_pruning ranked_rank(const struct ranked *ranked, struct pb_ranking ranking, struct pb_target target)
{
    struct pb_error error = {0};
    struct pb_pruning pruning = {0};
    if (pb_rank(ranked->network, &ranked->groups, &ranked->scores, &ranking, target, &ranked->original, &pruning,
                &error) != PB_OK)
        fail_msg("%s", error.text);
    return pruning;
}

void ranked_cut(struct ranked *ranked, const struct pb_pruning *pruning)
{
    struct pb_error error = {0};
    struct pb_network *compacted = NULL;
    uint32_t next = 0;
    double *scores = pb_calloc(ranked->groups.total, sizeof(*scores));
    assert_non_null(scores);
    for (uint32_t g = 0; g < ranked->groups.count; g++)
        for (uint32_t c = 0; c < ranked->groups.groups[g].channels; c++)
            if (pruning->keep.keep[g][c])
                scores[next++] = ranked->scores.values[g][c];
    if (pb_network_compact(ranked->network, &pruning->keep, &compacted, &error) != PB_OK)
        fail_msg("%s", error.text);
    ranked_free(ranked);
    ranked->network = compacted;
    ranked->groups = groups_of(compacted->graph);
    make_scores(ranked, scores);
    pb_free(scores);
}

void assert_kept(const struct ranked *ranked, const struct pb_pruning *pruning, const char *expected)
{
    struct pb_text text = {0};
    for (uint32_t g = 0; g < ranked->groups.count; g++) {
        pb_text_append(&text, g ? " " : "");
        for (uint32_t c = 0; c < ranked->groups.groups[g].channels; c++)
            pb_text_append(&text, pruning->keep.keep[g][c] ? "1" : "0");
    }
    assert_string_equal(text.data, expected);
    pb_text_free(&text);
}
