/* The steps of which the families' models are built. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "graph/family.h"

void pb_build_name(struct pb_model_builder *builder, char name[PB_NODE_NAME], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(name, PB_NODE_NAME, format, arguments);
    va_end(arguments);
    if ((length < 0 || length >= PB_NODE_NAME) && builder->status == PB_OK)
        builder->status = pb_fail(builder->error, PB_ERROR_RUN, "node name '%s…' is longer than %d characters", name,
                                  PB_NODE_NAME - 1);
}

void pb_build_add(struct pb_model_builder *builder, struct pb_graph_node node)
{
    if (builder->status != PB_OK)
        return;
    if (!node.input_count)
        node.inputs[0] = builder->last;
    builder->status = pb_graph_add(builder->graph, &node, &builder->last, builder->error);
}

void pb_build_input(struct pb_model_builder *builder)
{
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_INPUT,
                                                 .name = "input",
                                                 .height = builder->spec->image_size,
                                                 .width = builder->spec->image_size,
                                                 .channels = 3});
}

uint32_t pb_build_width_given(const struct pb_model_builder *builder, const char *name)
{
    const struct pb_model_widths *widths = &builder->spec->widths;
    for (uint32_t i = 0; i < widths->count; i++)
        if (strcmp(widths->list[i].node, name) == 0)
            return widths->list[i].channels;
    return 0;
}

/* What the spec gives a layer by name; else what the multiplier makes of its width. */
static uint32_t width_of(const struct pb_model_builder *builder, const char *name, double width)
{
    const uint32_t given = pb_build_width_given(builder, name);
    if (given)
        return given;
    const double channels = round(width * builder->scale);
    return channels < 1 ? 1 : (uint32_t)channels;
}

/* The next of a list of widths, where there is one. */
static uint32_t filters_of(struct pb_model_builder *builder, const char *name, double width)
{
    const struct pb_model_widths *widths = &builder->spec->widths;
    const uint32_t place = builder->convolutions++;
    const bool listed = !pb_widths_are_named(widths) && place < widths->count;
    return listed ? widths->list[place].channels : width_of(builder, name, width);
}

void pb_build_norm(struct pb_model_builder *builder, const char *name)
{
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_BATCH_NORM, .name = name, .eps = 1e-5, .momentum = 0.1});
}

void pb_build_convolution(struct pb_model_builder *builder, const char *place, double width,
                          struct pb_conv_attributes conv)
{
    char name[32];
    snprintf(name, sizeof name, "conv%s", place);
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_CONV2D,
                                                 .name = name,
                                                 .channels = filters_of(builder, name, width),
                                                 .bias = true,
                                                 .conv = conv});
    if (builder->spec->batch_norm) {
        snprintf(name, sizeof name, "bn%s", place);
        pb_build_norm(builder, name);
    }
    snprintf(name, sizeof name, "relu%s", place);
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_RELU, .name = name});
}

void pb_build_conv_norm(struct pb_model_builder *builder, const char *conv, const char *norm, double width,
                        struct pb_conv_attributes attributes)
{
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_CONV2D,
                                                 .name = conv,
                                                 .channels = filters_of(builder, conv, width),
                                                 .conv = attributes});
    if (norm)
        pb_build_norm(builder, norm);
}

void pb_build_pointwise(struct pb_model_builder *builder, const char *name, uint32_t filters, bool bias)
{
    const uint32_t given = pb_build_width_given(builder, name);
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_CONV2D,
                                                 .name = name,
                                                 .channels = given ? given : filters,
                                                 .bias = bias,
                                                 .conv = {.kernel = {1, 1}}});
}

void pb_build_depthwise(struct pb_model_builder *builder, const char *conv, const char *norm,
                        struct pb_conv_attributes attributes)
{
    if (builder->status != PB_OK)
        return;
    attributes.groups = builder->graph->nodes[builder->last].shape.channels;
    pb_build_add(builder, (struct pb_graph_node){
                              .op = PB_OP_CONV2D, .name = conv, .channels = attributes.groups, .conv = attributes});
    pb_build_norm(builder, norm);
}

void pb_build_simple(struct pb_model_builder *builder, enum pb_op op, const char *name)
{
    pb_build_add(builder, (struct pb_graph_node){.op = op, .name = name});
}

void pb_build_pair(struct pb_model_builder *builder, enum pb_op op, const char *name, uint32_t a, uint32_t b)
{
    pb_build_add(builder, (struct pb_graph_node){.op = op, .name = name, .inputs = {a, b}, .input_count = 2});
}

void pb_build_global_pool(struct pb_model_builder *builder, const char *name)
{
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = name});
}

void pb_build_max_pool(struct pb_model_builder *builder, const char *name, uint32_t kernel, uint32_t stride,
                       uint32_t pad)
{
    pb_build_add(builder, (struct pb_graph_node){
                              .op = PB_OP_MAX_POOL,
                              .name = name,
                              .pool = {.kernel = {kernel, kernel}, .stride = {stride, stride}, .pad = {pad, pad}}});
}

void pb_build_dropout(struct pb_model_builder *builder, const char *name, double share)
{
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_DROPOUT, .name = name, .dropout = share});
}

static void add_linear(struct pb_model_builder *builder, const char *name, uint32_t outputs)
{
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_LINEAR, .name = name, .channels = outputs, .bias = true});
}

void pb_build_neurons(struct pb_model_builder *builder, const char *place, double width)
{
    char name[32];
    snprintf(name, sizeof name, "fc%s", place);
    add_linear(builder, name, width_of(builder, name, width));
    snprintf(name, sizeof name, "relu%s", place);
    pb_build_add(builder, (struct pb_graph_node){.op = PB_OP_RELU, .name = name});
}

void pb_build_classifier(struct pb_model_builder *builder, const char *name)
{
    add_linear(builder, name, builder->spec->classes);
    if (builder->status == PB_OK)
        pb_graph_end_in_classifier(builder->graph);
}
