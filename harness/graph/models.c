/* VGG-11 and VGG-16 (K. Simonyan, A. Zisserman 2015), with a bilinear (T.-Y. Lin 2015), a pooled or their own head. */
#include "graph/models.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum head { HEAD_BILINEAR, HEAD_GAP, HEAD_FULLY_CONNECTED };

struct model {
    const char *name, *summary;
    uint32_t convolutions[5]; /* per block */
    enum head head;
};

static const struct model models[] = {
    {"vgg16-bcnn", "VGG-16 with bilinear pooling: 13 convolutions, 4 max-pools", {2, 2, 3, 3, 3}, HEAD_BILINEAR},
    {"vgg11-bcnn", "VGG-11 with bilinear pooling: 8 convolutions, 4 max-pools", {1, 1, 2, 2, 2}, HEAD_BILINEAR},
    {"vgg16-gap", "VGG-16 with global average pooling: 13 convolutions, 4 max-pools", {2, 2, 3, 3, 3}, HEAD_GAP},
    {"vgg11-gap", "VGG-11 with global average pooling: 8 convolutions, 4 max-pools", {1, 1, 2, 2, 2}, HEAD_GAP},
    {"vgg16", "VGG-16: 13 convolutions, 5 max-pools, 3 fully connected", {2, 2, 3, 3, 3}, HEAD_FULLY_CONNECTED},
    {"vgg11", "VGG-11: 8 convolutions, 5 max-pools, 3 fully connected", {1, 1, 2, 2, 2}, HEAD_FULLY_CONNECTED},
};
#define MODEL_COUNT (sizeof(models) / sizeof(models[0]))

static const char *const model_names[] = {"vgg16-bcnn", "vgg11-bcnn", "vgg16-gap", "vgg11-gap", "vgg16", "vgg11", NULL};
static const uint32_t block_widths[] = {64, 128, 256, 512, 512};
static const double fully_connected_width = 4096;

const char *const *pb_model_names(void)
{
    return model_names;
}

static const struct model *find_model(const char *name)
{
    for (size_t i = 0; i < MODEL_COUNT; i++)
        if (!strcmp(models[i].name, name))
            return &models[i];
    return NULL;
}

const char *pb_model_summary(const char *name)
{
    const struct model *model = find_model(name);
    return model ? model->summary : NULL;
}

bool pb_model_is_fully_connected(const char *name)
{
    const struct model *model = find_model(name);
    return model && model->head == HEAD_FULLY_CONNECTED;
}

/* A graph that grows at its end. After a failure, adding does nothing. */
struct builder {
    const struct pb_model_spec *spec;
    double scale;
    struct pb_graph *graph;
    uint32_t last; /* node whose output comes next */
    enum pb_status status;
    struct pb_error *error;
};

static void add(struct builder *builder, struct pb_graph_node node)
{
    if (builder->status != PB_OK)
        return;
    node.inputs[0] = builder->last;
    builder->status = pb_graph_add(builder->graph, &node, &builder->last, builder->error);
}

static uint32_t scaled(const struct builder *builder, double width)
{
    const double channels = round(width * builder->scale);
    return channels < 1 ? 1 : (uint32_t)channels;
}

static uint32_t conv_width(const struct builder *builder, uint32_t block, uint32_t convolution)
{
    const struct pb_model_spec *spec = builder->spec;
    return spec->widths ? spec->widths[convolution] : scaled(builder, block_widths[block]);
}

static void add_convolution(struct builder *builder, uint32_t block, uint32_t place, uint32_t width)
{
    char name[32];
    snprintf(name, sizeof(name), "conv%u_%u", block + 1, place + 1);
    add(builder, (struct pb_graph_node){.op = PB_OP_CONV2D,
                                        .name = name,
                                        .channels = width,
                                        .bias = true,
                                        .conv = {.kernel = {3, 3}, .pad = {1, 1}}});
    if (builder->spec->batch_norm) {
        snprintf(name, sizeof(name), "bn%u_%u", block + 1, place + 1);
        add(builder, (struct pb_graph_node){.op = PB_OP_BATCH_NORM, .name = name, .eps = 1e-5, .momentum = 0.1});
    }
    snprintf(name, sizeof(name), "relu%u_%u", block + 1, place + 1);
    add(builder, (struct pb_graph_node){.op = PB_OP_RELU, .name = name});
}

static void add_trunk(struct builder *builder, const struct model *model, uint32_t pools)
{
    uint32_t convolution = 0;
    add(builder, (struct pb_graph_node){.op = PB_OP_INPUT,
                                        .name = "input",
                                        .height = builder->spec->image_size,
                                        .width = builder->spec->image_size,
                                        .channels = 3});
    for (uint32_t block = 0; block < 5; block++) {
        for (uint32_t place = 0; place < model->convolutions[block]; place++, convolution++)
            add_convolution(builder, block, place, conv_width(builder, block, convolution));
        if (block >= pools)
            continue;
        char name[32];
        snprintf(name, sizeof(name), "pool%u", block + 1);
        add(builder,
            (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = name, .pool = {.kernel = {2, 2}, .stride = {2, 2}}});
    }
}

static void add_linear(struct builder *builder, const char *name, uint32_t outputs)
{
    add(builder, (struct pb_graph_node){.op = PB_OP_LINEAR, .name = name, .channels = outputs, .bias = true});
}

static void add_head(struct builder *builder, enum head head)
{
    const uint32_t classes = builder->spec->classes;
    if (head == HEAD_BILINEAR) {
        add(builder, (struct pb_graph_node){.op = PB_OP_BILINEAR_POOL, .name = "bilinear"});
        add(builder, (struct pb_graph_node){.op = PB_OP_SIGNED_SQRT, .name = "sqrt", .eps = 1e-8});
        add(builder, (struct pb_graph_node){.op = PB_OP_L2_NORM, .name = "l2", .eps = 1e-12});
        add_linear(builder, "fc", classes);
    } else if (head == HEAD_GAP) {
        add(builder, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"});
        add_linear(builder, "fc", classes);
    } else {
        add_linear(builder, "fc6", scaled(builder, fully_connected_width));
        add(builder, (struct pb_graph_node){.op = PB_OP_RELU, .name = "relu6"});
        add(builder, (struct pb_graph_node){.op = PB_OP_DROPOUT, .name = "drop6", .dropout = 0.5});
        add_linear(builder, "fc7", scaled(builder, fully_connected_width));
        add(builder, (struct pb_graph_node){.op = PB_OP_RELU, .name = "relu7"});
        add(builder, (struct pb_graph_node){.op = PB_OP_DROPOUT, .name = "drop7", .dropout = 0.5});
        add_linear(builder, "fc8", classes);
    }
}

static enum pb_status check_spec(const struct pb_model_spec *spec, const struct model *model, uint32_t smallest,
                                 double scale, struct pb_error *error)
{
    uint32_t convolutions = 0;
    for (uint32_t block = 0; block < 5; block++)
        convolutions += model->convolutions[block];
    if (!spec->classes)
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': needs at least one class", spec->name);
    if (spec->image_size < smallest)
        return pb_fail(error, PB_ERROR_INPUT,
                       "model '%s': images of %u pixels are too small for its max-pools; the smallest size is %u",
                       spec->name, spec->image_size, smallest);
    if (!(scale > 0) || !(scale * fully_connected_width < (double)UINT32_MAX))
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': a width multiplier of %g makes no layers", spec->name,
                       scale);
    if (!spec->widths)
        return PB_OK;
    if (spec->width_count != convolutions)
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': %u widths were given for its %u convolutions", spec->name,
                       spec->width_count, convolutions);
    for (uint32_t i = 0; i < convolutions; i++)
        if (!spec->widths[i])
            return pb_fail(error, PB_ERROR_INPUT, "model '%s': width %u of %u is 0; every layer needs a channel",
                           spec->name, i + 1, convolutions);
    return PB_OK;
}

static enum pb_status unknown_model(const char *name, struct pb_error *error)
{
    const char *close = pb_closest(name, model_names, MODEL_COUNT);
    struct pb_text known = {0};
    for (size_t i = 0; i < MODEL_COUNT; i++)
        pb_text_append(&known, "%s%s", i ? ", " : "", model_names[i]);
    const enum pb_status status =
        close ? pb_fail(error, PB_ERROR_INPUT, "unknown model '%s'; did you mean '%s'?", name, close)
              : pb_fail(error, PB_ERROR_INPUT, "unknown model '%s'; there are %s", name,
                        known.data && !known.failed ? known.data : "others");
    pb_text_free(&known);
    return status;
}

enum pb_status pb_model_build(const struct pb_model_spec *spec, struct pb_graph **graph, struct pb_error *error)
{
    const struct model *model = find_model(spec->name);
    if (!model)
        return unknown_model(spec->name, error);
    const uint32_t pools = model->head == HEAD_FULLY_CONNECTED ? 5 : 4;
    /* A list of widths replaces the multiplier of the convolutions; one left at 0 is then 1 for the rest. */
    const double scale = spec->widths && spec->width_multiplier == 0 ? 1 : spec->width_multiplier;
    const enum pb_status valid = check_spec(spec, model, 1u << pools, scale, error);
    if (valid != PB_OK)
        return valid;
    struct builder builder = {.spec = spec, .scale = scale, .error = error};
    builder.status = pb_graph_create(spec->name, &builder.graph, error);
    if (builder.status != PB_OK)
        return builder.status;
    add_trunk(&builder, model, pools);
    add_head(&builder, model->head);
    if (builder.status == PB_OK)
        *graph = builder.graph;
    else
        pb_graph_free(&builder.graph);
    return builder.status;
}
