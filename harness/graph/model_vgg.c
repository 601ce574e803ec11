/* VGG (K. Simonyan, A. Zisserman 2015), with its own head or another; its bilinear form is of T.-Y. Lin 2015. */
#include <stdio.h>

#include "graph/family.h"

struct arrangement {
    uint32_t convolutions[5]; /* per block */
};
static const struct arrangement vgg11 = {{1, 1, 2, 2, 2}}, vgg13 = {{2, 2, 2, 2, 2}}, vgg16 = {{2, 2, 3, 3, 3}},
                                vgg19 = {{2, 2, 4, 4, 4}};

/* torchvision's names with _bn are of the same models: here batch-norm says whether there are norms, and they are the default. */
static const struct pb_model_row models[] = {
    {"vgg16-bcnn", "VGG-16 with bilinear pooling: 13 convolutions, 4 max-pools", PB_HEAD_BILINEAR, 16, false, &vgg16},
    {"vgg11-bcnn", "VGG-11 with bilinear pooling: 8 convolutions, 4 max-pools", PB_HEAD_BILINEAR, 16, false, &vgg11},
    {"vgg16-gap", "VGG-16 with global average pooling: 13 convolutions, 4 max-pools", PB_HEAD_GAP, 16, false, &vgg16},
    {"vgg11-gap", "VGG-11 with global average pooling: 8 convolutions, 4 max-pools", PB_HEAD_GAP, 16, false, &vgg11},
    {"vgg11", "VGG-11: 8 convolutions, 5 max-pools, 3 fully connected", PB_HEAD_OWN, 32, true, &vgg11},
    {"vgg13", "VGG-13: 10 convolutions, 5 max-pools, 3 fully connected", PB_HEAD_OWN, 32, true, &vgg13},
    {"vgg16", "VGG-16: 13 convolutions, 5 max-pools, 3 fully connected", PB_HEAD_OWN, 32, true, &vgg16},
    {"vgg19", "VGG-19: 16 convolutions, 5 max-pools, 3 fully connected", PB_HEAD_OWN, 32, true, &vgg19},
    {"vgg11_bn", "VGG-11, as torchvision calls it with batch norms", PB_HEAD_OWN, 32, true, &vgg11},
    {"vgg13_bn", "VGG-13, as torchvision calls it with batch norms", PB_HEAD_OWN, 32, true, &vgg13},
    {"vgg16_bn", "VGG-16, as torchvision calls it with batch norms", PB_HEAD_OWN, 32, true, &vgg16},
    {"vgg19_bn", "VGG-19, as torchvision calls it with batch norms", PB_HEAD_OWN, 32, true, &vgg19},
    {0},
};

static void build_trunk(struct pb_model_builder *builder, const void *own)
{
    static const double widths[] = {64, 128, 256, 512, 512};
    const struct arrangement *arrangement = own;
    const uint32_t pools = builder->head.choice ? 4 : 5; /* the last one shrinks the images for the hidden layers */
    char name[32];
    for (uint32_t block = 0; block < 5; block++) {
        for (uint32_t i = 0; i < arrangement->convolutions[block]; i++) {
            snprintf(name, sizeof name, "%u_%u", block + 1, i + 1);
            pb_build_convolution(builder, name, widths[block],
                                 (struct pb_conv_attributes){.kernel = {3, 3}, .pad = {1, 1}});
        }
        snprintf(name, sizeof name, "pool%u", block + 1);
        if (block < pools)
            pb_build_max_pool(builder, name, 2, 2, 0);
    }
}

static void build_head(struct pb_model_builder *builder, const void *own)
{
    (void)own;
    pb_build_neurons(builder, "6", 4096);
    pb_build_dropout(builder, "drop6", 0.5);
    pb_build_neurons(builder, "7", 4096);
    pb_build_dropout(builder, "drop7", 0.5);
    pb_build_classifier(builder, "fc8");
}

static void foreign(const struct pb_graph *graph, uint32_t node, char module[PB_FOREIGN_NAME])
{
    pb_foreign_in_sequence(graph, node, module);
}

const struct pb_family pb_family_vgg = {
    .models = models,
    .lists_widths = true,
    .norms_optional = true,
    .head_kind = "fully-connected",
    .build_trunk = build_trunk,
    .build_head = build_head,
    .foreign = foreign,
};
