/*
 * ResNet (K. He 2016) as torchvision has it: the strided convolution of a bottleneck is its 3×3 one. The forms for small images
 * (20, 56 and 110 layers) shorten by 1×1 convolutions where the widths change, because a shortcut without weights would pad with
 * channels that do not exist. Nodes are named after torchvision's modules.
 */
#include "graph/family.h"

struct arrangement {
    uint32_t blocks[4]; /* per stage; 0: there is none */
    bool bottleneck;
    bool small; /* images of 32 pixels: a 3×3 convolution without stride in front, no pooling */
};
static const struct arrangement resnet18 = {{2, 2, 2, 2}, false, false}, resnet34 = {{3, 4, 6, 3}, false, false},
                                resnet50 = {{3, 4, 6, 3}, true, false}, resnet101 = {{3, 4, 23, 3}, true, false},
                                resnet20 = {{3, 3, 3, 0}, false, true}, resnet56 = {{9, 9, 9, 0}, false, true},
                                resnet110 = {{18, 18, 18, 0}, false, true};

static const struct pb_model_row models[] = {
    {"resnet18", "ResNet-18: 8 blocks of two 3×3 convolutions", PB_HEAD_OWN, 1, false, &resnet18},
    {"resnet34", "ResNet-34: 16 blocks of two 3×3 convolutions", PB_HEAD_OWN, 1, false, &resnet34},
    {"resnet50", "ResNet-50: 16 bottleneck blocks", PB_HEAD_OWN, 1, false, &resnet50},
    {"resnet101", "ResNet-101: 33 bottleneck blocks", PB_HEAD_OWN, 1, false, &resnet101},
    {"resnet20", "ResNet-20 for small images: 9 blocks of 16 to 64 channels", PB_HEAD_OWN, 1, false, &resnet20},
    {"resnet56", "ResNet-56 for small images: 27 blocks of 16 to 64 channels", PB_HEAD_OWN, 1, false, &resnet56},
    {"resnet110", "ResNet-110 for small images: 54 blocks of 16 to 64 channels", PB_HEAD_OWN, 1, false, &resnet110},
    {0},
};

enum { EXPANSION = 4 }; /* of a bottleneck's last convolution */

/* A block on its way into the builder. */
struct block {
    struct pb_model_builder *builder;
    char prefix[PB_NODE_NAME]; /* "layer1.0" */
};

static void convolve(const struct block *block, uint32_t number, double width, uint32_t kernel, uint32_t stride)
{
    char conv[PB_NODE_NAME], norm[PB_NODE_NAME];
    pb_build_name(block->builder, conv, "%s.conv%u", block->prefix, number);
    pb_build_name(block->builder, norm, "%s.bn%u", block->prefix, number);
    pb_build_conv_norm(block->builder, conv, norm, width,
                       (struct pb_conv_attributes){
                           .kernel = {kernel, kernel}, .stride = {stride, stride}, .pad = {kernel / 2, kernel / 2}});
}

static void activate(const struct block *block, const char *which)
{
    char name[PB_NODE_NAME];
    pb_build_name(block->builder, name, "%s.relu%s", block->prefix, which);
    pb_build_simple(block->builder, PB_OP_RELU, name);
}

/* What is added to a block's output: its input, brought to the output's shape where that differs. */
static uint32_t shorten(const struct block *block, uint32_t input, double width, uint32_t stride)
{
    char conv[PB_NODE_NAME], norm[PB_NODE_NAME];
    pb_build_name(block->builder, conv, "%s.downsample.0", block->prefix);
    pb_build_name(block->builder, norm, "%s.downsample.1", block->prefix);
    block->builder->last = input;
    pb_build_conv_norm(block->builder, conv, norm, width,
                       (struct pb_conv_attributes){.kernel = {1, 1}, .stride = {stride, stride}});
    return block->builder->last;
}

static void build_block(const struct block *block, const struct arrangement *arrangement, double width, uint32_t stride,
                        bool projects)
{
    const uint32_t input = block->builder->last;
    const double output = arrangement->bottleneck ? width * EXPANSION : width;
    char name[PB_NODE_NAME];
    if (arrangement->bottleneck) {
        convolve(block, 1, width, 1, 1);
        activate(block, "1");
        convolve(block, 2, width, 3, stride);
        activate(block, "2");
        convolve(block, 3, output, 1, 1);
    } else {
        convolve(block, 1, width, 3, stride);
        activate(block, "1");
        convolve(block, 2, output, 3, 1);
    }
    const uint32_t last = block->builder->last;
    const uint32_t shortcut = projects ? shorten(block, input, output, stride) : input;
    pb_build_name(block->builder, name, "%s.add", block->prefix);
    pb_build_pair(block->builder, PB_OP_ADD, name, last, shortcut);
    activate(block, "");
}

static void build_trunk(struct pb_model_builder *builder, const void *own)
{
    const struct arrangement *arrangement = own;
    const uint32_t kernel = arrangement->small ? 3 : 7, stride = arrangement->small ? 1 : 2;
    double width = arrangement->small ? 16 : 64;
    pb_build_conv_norm(builder, "conv1", "bn1", width,
                       (struct pb_conv_attributes){
                           .kernel = {kernel, kernel}, .stride = {stride, stride}, .pad = {kernel / 2, kernel / 2}});
    pb_build_simple(builder, PB_OP_RELU, "relu");
    if (!arrangement->small)
        pb_build_max_pool(builder, "maxpool", 3, 2, 1);
    for (uint32_t stage = 0; stage < 4; stage++) {
        for (uint32_t i = 0; i < arrangement->blocks[stage]; i++) {
            struct block block = {.builder = builder};
            pb_build_name(builder, block.prefix, "layer%u.%u", stage + 1, i);
            const bool first = i == 0, strided = first && stage > 0;
            build_block(&block, arrangement, width, strided ? 2 : 1, strided || (first && arrangement->bottleneck));
        }
        width *= 2;
    }
}

static void build_head(struct pb_model_builder *builder, const void *own)
{
    (void)own;
    pb_build_global_pool(builder, "avgpool");
    pb_build_classifier(builder, "fc");
}

const struct pb_family pb_family_resnet = {
    .models = models,
    .head_kind = "pooled",
    .build_trunk = build_trunk,
    .build_head = build_head,
    .foreign = pb_foreign_as_named,
};
