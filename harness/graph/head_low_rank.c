/*
 * Low-rank bilinear classifiers (S. Kong, C. Fowlkes 2017): ‖U₊ᵀPX‖² − ‖U₋ᵀPX‖² + b for each class, the norms as means over positions, as
 * bilinear pooling has it. P reduces the channels for all classes, and the filters U of each are half of either sign; their squares are
 * pooled and added up by the classifier, which has no weights but b.
 */
#include <inttypes.h>

#include "graph/head.h"

/* U: K·r filters, which belong to their classes, so that none can be removed and no width be given. */
static void build_factors(struct pb_model_builder *builder)
{
    static const char name[] = "factors";
    const uint32_t rank = builder->head.rank;
    const uint64_t filters = (uint64_t)builder->spec->classes * rank;
    if (builder->status != PB_OK)
        return;
    if (rank % 2)
        builder->status =
            pb_fail(builder->error, PB_ERROR_INPUT,
                    "head 'low-rank': rank %" PRIu32 " is odd; half of a class's filters are positive, half "
                    "negative",
                    rank);
    else if (filters > UINT32_MAX)
        builder->status = pb_fail(builder->error, PB_ERROR_INPUT,
                                  "head 'low-rank': rank %" PRIu32 " of %" PRIu32 " classes makes too many filters",
                                  rank, builder->spec->classes);
    else if (pb_build_width_given(builder, name))
        builder->status = pb_fail(builder->error, PB_ERROR_INPUT,
                                  "head 'low-rank': the width of '%s' is the number of classes times head-rank", name);
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_CONV2D,
                                                 .name = name,
                                                 .channels = (uint32_t)filters,
                                                 .fixed = true,
                                                 .conv = {.kernel = {1, 1}}});
}

static void build(struct pb_model_builder *builder)
{
    pb_build_pointwise(builder, "reduce", builder->head.reduction, false);
    build_factors(builder);
    pb_build_pair(builder, PB_OP_MULTIPLY, "square", builder->last, builder->last);
    pb_build_global_pool(builder, "gap");
    pb_build_add(builder,
                 (struct pb_graph_node){.op = PB_OP_SIGNED_SUM, .name = "fc", .channels = builder->spec->classes});
    if (builder->status == PB_OK)
        pb_graph_end_in_classifier(builder->graph);
}

const struct pb_head pb_head_low_rank = {
    .row = {.summary =
                "bilinear classifiers of low rank: signed sums of squared 1×1 convolutions, averaged over positions",
            .kind = "low-rank",
            .reduction = 100,
            .rank = 8},
    .build = build,
};
