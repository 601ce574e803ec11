/* DenseNet-121 (G. Huang 2017) as torchvision has it: every layer of a block reads the channels of all before it. */
#include <inttypes.h>
#include <stdio.h>

#include "graph/family.h"

enum { GROWTH = 32, BOTTLENECK = 4 * GROWTH, BLOCKS = 4 };

struct arrangement {
    uint32_t layers[BLOCKS];
};
static const struct arrangement densenet121 = {{6, 12, 24, 16}};

static const struct pb_model_row models[] = {
    {"densenet121", "DenseNet-121: 58 layers in 4 blocks, each of which reads all before it", PB_HEAD_OWN, 29, false,
     &densenet121},
    {0},
};

/* A layer or transition applies norm and ReLU before its convolution. */
static void build_preactivated(struct pb_model_builder *builder, const char *place, const char *number, double width,
                               struct pb_conv_attributes attributes)
{
    char name[PB_NODE_NAME];
    pb_build_name(builder, name, "%s.norm%s", place, number);
    pb_build_norm(builder, name);
    pb_build_name(builder, name, "%s.relu%s", place, number);
    pb_build_simple(builder, PB_OP_RELU, name);
    pb_build_name(builder, name, "%s.conv%s", place, number);
    pb_build_conv_norm(builder, name, NULL, width, attributes);
}

static void build_layer(struct pb_model_builder *builder, const char *place)
{
    const uint32_t before = builder->last;
    char name[PB_NODE_NAME];
    build_preactivated(builder, place, "1", BOTTLENECK, (struct pb_conv_attributes){.kernel = {1, 1}});
    build_preactivated(builder, place, "2", GROWTH, (struct pb_conv_attributes){.kernel = {3, 3}, .pad = {1, 1}});
    pb_build_name(builder, name, "%s.cat", place);
    pb_build_pair(builder, PB_OP_CONCAT, name, before, builder->last);
}

/* Halves width, height and channels. */
static void build_transition(struct pb_model_builder *builder, const char *place, double width)
{
    char name[PB_NODE_NAME];
    build_preactivated(builder, place, "", width, (struct pb_conv_attributes){.kernel = {1, 1}});
    pb_build_name(builder, name, "%s.pool", place);
    pb_build_add(builder, (struct pb_graph_node){
                              .op = PB_OP_AVG_POOL, .name = name, .pool = {.kernel = {2, 2}, .stride = {2, 2}}});
}

static void build_trunk(struct pb_model_builder *builder, const void *own)
{
    const struct arrangement *arrangement = own;
    double width = 64;
    char place[PB_NODE_NAME];
    pb_build_conv_norm(builder, "conv0", "norm0", width,
                       (struct pb_conv_attributes){.kernel = {7, 7}, .stride = {2, 2}, .pad = {3, 3}});
    pb_build_simple(builder, PB_OP_RELU, "relu0");
    pb_build_max_pool(builder, "pool0", 3, 2, 1);
    for (uint32_t block = 0; block < BLOCKS; block++) {
        for (uint32_t i = 0; i < arrangement->layers[block]; i++) {
            pb_build_name(builder, place, "denseblock%" PRIu32 ".denselayer%" PRIu32, block + 1, i + 1);
            build_layer(builder, place);
            width += GROWTH;
        }
        if (block + 1 == BLOCKS)
            break;
        width /= 2;
        pb_build_name(builder, place, "transition%" PRIu32, block + 1);
        build_transition(builder, place, width);
    }
    pb_build_norm(builder, "norm5");
    pb_build_simple(builder, PB_OP_RELU, "relu5");
}

static void build_head(struct pb_model_builder *builder, const void *own)
{
    (void)own;
    pb_build_global_pool(builder, "avgpool");
    pb_build_classifier(builder, "classifier");
}

static void foreign(const struct pb_graph *graph, uint32_t node, char module[PB_FOREIGN_NAME])
{
    snprintf(module, PB_FOREIGN_NAME, "%s%s", node < graph->parts.head ? "features." : "", graph->nodes[node].name);
}

const struct pb_family pb_family_densenet = {
    .models = models,
    .head_kind = "pooled",
    .build_trunk = build_trunk,
    .build_head = build_head,
    .foreign = foreign,
};
