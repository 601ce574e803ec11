/* VGG-11 and VGG-16 (K. Simonyan, A. Zisserman 2015), with a bilinear (T.-Y. Lin 2015), a pooled or their own head. */
#include <stdio.h>

#include "graph/family.h"

enum head { HEAD_BILINEAR, HEAD_GAP, HEAD_FULLY_CONNECTED };

struct arrangement {
    uint32_t convolutions[5]; /* per block */
    enum head head;
};

#define VGG11(head)                                                                                                    \
    &(const struct arrangement)                                                                                        \
    {                                                                                                                  \
        {1, 1, 2, 2, 2}, head                                                                                          \
    }
#define VGG16(head)                                                                                                    \
    &(const struct arrangement)                                                                                        \
    {                                                                                                                  \
        {2, 2, 3, 3, 3}, head                                                                                          \
    }
static const struct pb_model_row models[] = {
    {"vgg16-bcnn", "VGG-16 with bilinear pooling: 13 convolutions, 4 max-pools", "bilinear", 16, false,
     VGG16(HEAD_BILINEAR)},
    {"vgg11-bcnn", "VGG-11 with bilinear pooling: 8 convolutions, 4 max-pools", "bilinear", 16, false,
     VGG11(HEAD_BILINEAR)},
    {"vgg16-gap", "VGG-16 with global average pooling: 13 convolutions, 4 max-pools", "pooled", 16, false,
     VGG16(HEAD_GAP)},
    {"vgg11-gap", "VGG-11 with global average pooling: 8 convolutions, 4 max-pools", "pooled", 16, false,
     VGG11(HEAD_GAP)},
    {"vgg16", "VGG-16: 13 convolutions, 5 max-pools, 3 fully connected", "fully-connected", 32, true,
     VGG16(HEAD_FULLY_CONNECTED)},
    {"vgg11", "VGG-11: 8 convolutions, 5 max-pools, 3 fully connected", "fully-connected", 32, true,
     VGG11(HEAD_FULLY_CONNECTED)},
    {0},
};

static void build_trunk(struct pb_model_builder *builder, const struct arrangement *arrangement)
{
    static const double widths[] = {64, 128, 256, 512, 512};
    const uint32_t pools = arrangement->head == HEAD_FULLY_CONNECTED ? 5 : 4;
    char name[32];
    for (uint32_t block = 0; block < 5; block++) {
        for (uint32_t i = 0; i < arrangement->convolutions[block]; i++) {
            snprintf(name, sizeof name, "%u_%u", block + 1, i + 1);
            pb_build_convolution(builder, name, widths[block],
                                 (struct pb_conv_attributes){.kernel = {3, 3}, .pad = {1, 1}});
        }
        snprintf(name, sizeof name, "pool%u", block + 1);
        if (block < pools)
            pb_build_max_pool(builder, name, 2, 2);
    }
}

static void build(struct pb_model_builder *builder, const void *own)
{
    const struct arrangement *arrangement = own;
    pb_build_input(builder);
    build_trunk(builder, arrangement);
    pb_build_head(builder);
    switch (arrangement->head) {
    case HEAD_BILINEAR:
        pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "bilinear"});
        pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_SIGNED_SQRT, .name = "sqrt", .eps = 1e-8});
        pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_L2_NORM, .name = "l2", .eps = 1e-12});
        pb_build_classifier(builder, "fc");
        break;
    case HEAD_GAP:
        pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"});
        pb_build_classifier(builder, "fc");
        break;
    case HEAD_FULLY_CONNECTED:
        pb_build_neurons(builder, "6", 4096);
        pb_build_dropout(builder, "drop6");
        pb_build_neurons(builder, "7", 4096);
        pb_build_dropout(builder, "drop7");
        pb_build_classifier(builder, "fc8");
        break;
    }
}

static bool foreign(const struct pb_graph *graph, uint32_t node, const void *own, char module[PB_FOREIGN_NAME])
{
    const struct arrangement *arrangement = own;
    if (node >= graph->parts.head && arrangement->head != HEAD_FULLY_CONNECTED)
        return false;
    pb_foreign_in_sequence(graph, node, module);
    return true;
}

const struct pb_family pb_family_vgg = {
    .models = models,
    .lists_widths = true,
    .build = build,
    .foreign = foreign,
};
