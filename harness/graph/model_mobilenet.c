/*
 * MobileNet: v1 (A. Howard 2017) with timm's names of modules, v2 (M. Sandler 2018) with torchvision's. Depthwise convolutions between
 * 1×1 ones; in v2 around a narrow residual stream. Both end in ReLU6.
 */
#include "graph/family.h"

struct stage {
    uint32_t expansion, width, blocks, stride; /* stride: of the first block */
};
static const struct stage stages_v1[] = {{0, 64, 1, 1},  {0, 128, 2, 2},  {0, 256, 2, 2},
                                         {0, 512, 6, 2}, {0, 1024, 2, 2}, {0}};
static const struct stage stages_v2[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2},  {6, 64, 4, 2},
                                         {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}, {0}};

struct arrangement {
    const struct stage *stages;
    const char *stem_conv, *stem_norm, *stem_activation;
    void (*build_blocks)(struct pb_model_builder *builder, const struct stage *stages);
    const char *dropout, *classifier; /* dropout NULL: none */
};
static void build_separable(struct pb_model_builder *builder, const struct stage *stages);
static void build_inverted(struct pb_model_builder *builder, const struct stage *stages);
static const struct arrangement v1 = {.stages = stages_v1,
                                      .stem_conv = "conv_stem",
                                      .stem_norm = "bn1",
                                      .stem_activation = "relu1",
                                      .build_blocks = build_separable,
                                      .classifier = "classifier"};
static const struct arrangement v2 = {.stages = stages_v2,
                                      .stem_conv = "features.0.0",
                                      .stem_norm = "features.0.1",
                                      .stem_activation = "features.0.2",
                                      .build_blocks = build_inverted,
                                      .dropout = "classifier.0",
                                      .classifier = "classifier.1"};

static const struct pb_model_row models[] = {
    {"mobilenet_v1", "MobileNet v1: 13 depthwise separable convolutions", PB_HEAD_OWN, 1, false, &v1},
    {"mobilenet_v2", "MobileNet v2: 17 inverted residual blocks", PB_HEAD_OWN, 1, false, &v2},
    {0},
};

static const struct pb_conv_attributes pointwise = {.kernel = {1, 1}};

static struct pb_conv_attributes window_3x3(uint32_t stride)
{
    return (struct pb_conv_attributes){.kernel = {3, 3}, .stride = {stride, stride}, .pad = {1, 1}};
}

/* Names of one block: its prefix and what follows. */
struct names {
    char conv[PB_NODE_NAME], norm[PB_NODE_NAME], activation[PB_NODE_NAME];
};
static struct names names_of(struct pb_model_builder *builder, const char *prefix, const char *conv, const char *norm,
                             const char *activation)
{
    struct names names = {0};
    pb_build_name(builder, names.conv, "%s.%s", prefix, conv);
    pb_build_name(builder, names.norm, "%s.%s", prefix, norm);
    pb_build_name(builder, names.activation, "%s.%s", prefix, activation);
    return names;
}

static void build_separable(struct pb_model_builder *builder, const struct stage *stages)
{
    for (uint32_t s = 0; stages[s].blocks; s++)
        for (uint32_t i = 0; i < stages[s].blocks; i++) {
            char prefix[PB_NODE_NAME];
            pb_build_name(builder, prefix, "blocks.%u.%u", s, i);
            const struct names depthwise = names_of(builder, prefix, "conv_dw", "bn1", "relu1");
            pb_build_depthwise(builder, depthwise.conv, depthwise.norm, window_3x3(i == 0 ? stages[s].stride : 1));
            pb_build_simple(builder, PB_OP_RELU6, depthwise.activation);
            const struct names across = names_of(builder, prefix, "conv_pw", "bn2", "relu2");
            pb_build_conv_norm(builder, across.conv, across.norm, stages[s].width, pointwise);
            pb_build_simple(builder, PB_OP_RELU6, across.activation);
        }
}

/* One block of v2: expand, filter each channel, project; the input is added where the shapes agree. */
static void build_inverted_block(struct pb_model_builder *builder, const char *prefix, double hidden, double width,
                                 uint32_t stride, bool expands, bool adds)
{
    const uint32_t input = builder->last;
    if (expands) {
        const struct names names = names_of(builder, prefix, "conv.0.0", "conv.0.1", "conv.0.2");
        pb_build_conv_norm(builder, names.conv, names.norm, hidden, pointwise);
        pb_build_simple(builder, PB_OP_RELU6, names.activation);
    }
    const struct names depthwise = expands ? names_of(builder, prefix, "conv.1.0", "conv.1.1", "conv.1.2")
                                           : names_of(builder, prefix, "conv.0.0", "conv.0.1", "conv.0.2");
    pb_build_depthwise(builder, depthwise.conv, depthwise.norm, window_3x3(stride));
    pb_build_simple(builder, PB_OP_RELU6, depthwise.activation);
    const struct names project = expands ? names_of(builder, prefix, "conv.2", "conv.3", "add")
                                         : names_of(builder, prefix, "conv.1", "conv.2", "add");
    pb_build_conv_norm(builder, project.conv, project.norm, width, pointwise);
    if (adds)
        pb_build_pair(builder, PB_OP_ADD, project.activation, builder->last, input);
}

static void build_inverted(struct pb_model_builder *builder, const struct stage *stages)
{
    uint32_t number = 1;
    double input = 32;
    char prefix[PB_NODE_NAME];
    for (uint32_t s = 0; stages[s].blocks; s++)
        for (uint32_t i = 0; i < stages[s].blocks; i++, number++) {
            const uint32_t stride = i == 0 ? stages[s].stride : 1;
            pb_build_name(builder, prefix, "features.%u", number);
            build_inverted_block(builder, prefix, input * stages[s].expansion, stages[s].width, stride,
                                 stages[s].expansion > 1, i > 0);
            input = stages[s].width;
        }
    pb_build_name(builder, prefix, "features.%u", number);
    const struct names last = names_of(builder, prefix, "0", "1", "2");
    pb_build_conv_norm(builder, last.conv, last.norm, 1280, pointwise);
    pb_build_simple(builder, PB_OP_RELU6, last.activation);
}

static void build_trunk(struct pb_model_builder *builder, const void *own)
{
    const struct arrangement *arrangement = own;
    pb_build_conv_norm(builder, arrangement->stem_conv, arrangement->stem_norm, 32, window_3x3(2));
    pb_build_simple(builder, PB_OP_RELU6, arrangement->stem_activation);
    arrangement->build_blocks(builder, arrangement->stages);
}

static void build_head(struct pb_model_builder *builder, const void *own)
{
    const struct arrangement *arrangement = own;
    pb_build_global_pool(builder, "avgpool");
    if (arrangement->dropout)
        pb_build_dropout(builder, arrangement->dropout, 0.2);
    pb_build_classifier(builder, arrangement->classifier);
}

const struct pb_family pb_family_mobilenet = {
    .models = models,
    .head_kind = "pooled",
    .build_trunk = build_trunk,
    .build_head = build_head,
    .foreign = pb_foreign_as_named,
};
