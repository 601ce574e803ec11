/* AlexNet as torchvision has it, after A. Krizhevsky 2014 ("One weird trick"): one column, no local response norm. */
#include "graph/family.h"

static const struct pb_model_row models[] = {
    {"alexnet", "AlexNet: 5 convolutions, 3 max-pools, 3 fully connected", PB_HEAD_OWN, 63, true, NULL},
    {0},
};

static void build_trunk(struct pb_model_builder *builder, const void *plan)
{
    (void)plan;
    pb_build_convolution(builder, "1", 64,
                         (struct pb_conv_attributes){.kernel = {11, 11}, .stride = {4, 4}, .pad = {2, 2}});
    pb_build_max_pool(builder, "pool1", 3, 2, 0);
    pb_build_convolution(builder, "2", 192, (struct pb_conv_attributes){.kernel = {5, 5}, .pad = {2, 2}});
    pb_build_max_pool(builder, "pool2", 3, 2, 0);
    pb_build_convolution(builder, "3", 384, (struct pb_conv_attributes){.kernel = {3, 3}, .pad = {1, 1}});
    pb_build_convolution(builder, "4", 256, (struct pb_conv_attributes){.kernel = {3, 3}, .pad = {1, 1}});
    pb_build_convolution(builder, "5", 256, (struct pb_conv_attributes){.kernel = {3, 3}, .pad = {1, 1}});
    if (!builder->head.choice)
        pb_build_max_pool(builder, "pool5", 3, 2, 0);
}

static void build_head(struct pb_model_builder *builder, const void *plan)
{
    (void)plan;
    pb_build_dropout(builder, "drop6", 0.5);
    pb_build_neurons(builder, "6", 4096);
    pb_build_dropout(builder, "drop7", 0.5);
    pb_build_neurons(builder, "7", 4096);
    pb_build_classifier(builder, "fc8");
}

static void foreign(const struct pb_graph *graph, uint32_t node, char module[PB_FOREIGN_NAME])
{
    pb_foreign_in_sequence(graph, node, module);
}

const struct pb_family pb_family_alexnet = {
    .models = models,
    .lists_widths = true,
    .norms_optional = true,
    .head_kind = "fully-connected",
    .build_trunk = build_trunk,
    .build_head = build_head,
    .foreign = foreign,
};
