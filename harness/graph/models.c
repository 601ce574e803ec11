/* The named models of all families: finding one, checking what is asked of it, building it. */
#include "graph/models.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "graph/head.h"
#include "graph/op_table.h"

#define FAMILY(name) &pb_family_##name,
static const struct pb_family *const families[] = {PB_FAMILIES(FAMILY)};
enum { FAMILY_COUNT = sizeof families / sizeof *families };

const struct pb_model_row *pb_model_at(uint32_t index)
{
    for (size_t f = 0; f < FAMILY_COUNT; f++)
        for (const struct pb_model_row *row = families[f]->models; row->name; row++)
            if (index-- == 0)
                return row;
    return NULL;
}

const struct pb_family *pb_family_of(const char *model, const struct pb_model_row **row)
{
    for (size_t f = 0; f < FAMILY_COUNT; f++)
        for (*row = families[f]->models; (*row)->name; ++*row)
            if (strcmp((*row)->name, model) == 0)
                return families[f];
    return NULL;
}

/* The head that the spec asks for, else the model's. */
static struct pb_head_spec head_asked(const struct pb_model_spec *spec, const struct pb_model_row *row)
{
    struct pb_head_spec asked = spec->head;
    if (asked.choice == PB_HEAD_OWN)
        asked.choice = row->head;
    return asked;
}

const char *pb_model_head_kind(const struct pb_model_spec *spec)
{
    const struct pb_model_row *row;
    const struct pb_family *family = pb_family_of(spec->name, &row);
    if (!family)
        return "";
    const enum pb_head_choice choice = head_asked(spec, row).choice;
    return choice == PB_HEAD_OWN ? family->head_kind : pb_head_row(choice)->kind;
}

struct pb_head_spec pb_model_head_sizes(const struct pb_model_spec *spec)
{
    struct pb_error error = {0};
    struct pb_head_spec sizes = {0};
    const struct pb_model_row *row = pb_model_find(spec->name);
    const struct pb_head_spec asked = row ? head_asked(spec, row) : spec->head;
    return pb_head_resolve(&asked, &sizes, &error) == PB_OK ? sizes : asked;
}

const struct pb_model_row *pb_model_find(const char *name)
{
    const struct pb_model_row *row;
    return pb_family_of(name, &row) ? row : NULL;
}

bool pb_model_exists(const char *name, struct pb_text *hint)
{
    if (pb_model_find(name) || strcmp(name, PB_MODEL_OF_FILE) == 0)
        return true;
    uint32_t count = 0;
    while (pb_model_at(count))
        count++;
    const char **names = pb_calloc(count, sizeof *names);
    for (uint32_t i = 0; names && i < count; i++)
        names[i] = pb_model_at(i)->name;
    const char *close = names ? pb_closest(name, names, count) : NULL;
    if (close)
        pb_text_append(hint, "did you mean '%s'?", close);
    else
        pb_text_append(hint, "there are ");
    for (uint32_t i = 0; names && !close && i < count; i++)
        pb_text_append(hint, "%s%s", i ? ", " : "", names[i]);
    if (names && !close)
        pb_text_append(hint, ", and " PB_MODEL_OF_FILE " for a network from a file");
    pb_free(names);
    return false;
}

static enum pb_status unknown_model(const char *name, struct pb_error *error)
{
    struct pb_text hint = {0};
    if (pb_model_exists(name, &hint))
        return PB_OK;
    const enum pb_status status = pb_fail(error, PB_ERROR_INPUT, "unknown model '%s'; %s", name,
                                          hint.data && !hint.failed ? hint.data : "see 'prunebench help catalogue'");
    pb_text_free(&hint);
    return status;
}

static enum pb_status check_spec(const struct pb_model_spec *spec, const struct pb_family *family,
                                 const struct pb_model_row *row, double scale, struct pb_error *error)
{
    if (!spec->batch_norm && !family->norms_optional)
        return pb_fail(error, PB_ERROR_INPUT,
                       "model '%s' exists with batch norms only; leave batch-norm=\"false\" (--no-batch-norm) out",
                       spec->name);
    if (!spec->classes)
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': needs at least one class", spec->name);
    if (spec->image_size < row->smallest)
        return pb_fail(error, PB_ERROR_INPUT,
                       "model '%s': images of %u pixels are too small for its max-pools; the smallest size is %u",
                       spec->name, spec->image_size, row->smallest);
    if (!(scale > 0) || !(scale * PB_WIDTH_LIMIT < (double)UINT32_MAX))
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': a width multiplier of %g makes no layers", spec->name,
                       scale);
    for (uint32_t i = 0; i < spec->widths.count; i++)
        if (!spec->widths.list[i].channels)
            return pb_fail(error, PB_ERROR_INPUT, "model '%s': width %u of %u is 0; every layer needs a channel",
                           spec->name, i + 1, spec->widths.count);
    return PB_OK;
}

/* The layers whose widths can be given by name, but for the one that was. */
static enum pb_status unknown_layer(const struct pb_graph *graph, const char *name, struct pb_error *error)
{
    const uint32_t node = pb_graph_find(graph, name);
    if (node != PB_NO_NODE && node == graph->parts.classifier)
        return pb_fail(error, PB_ERROR_INPUT, "model '%s': the width of '%s' is the number of classes", graph->model,
                       name);
    const char **names = pb_calloc(graph->node_count, sizeof *names);
    size_t count = 0;
    for (uint32_t i = 0; names && i < graph->node_count; i++)
        if (pb_makes_channels(graph, i))
            names[count++] = graph->nodes[i].name;
    const char *close = names ? pb_closest(name, names, count) : NULL;
    const enum pb_status status =
        pb_fail(error, PB_ERROR_INPUT, "model '%s': '%s' is no layer whose width can be given; %s'%s'%s", graph->model,
                name, close ? "did you mean " : "the first is ",
                close   ? close
                : names ? names[0]
                        : "",
                close ? "?" : "");
    pb_free(names);
    return status;
}

/* A list has one width for every convolution; a name is that of a layer. */
static enum pb_status check_widths(const struct pb_model_builder *builder, const struct pb_family *family)
{
    const struct pb_model_widths *widths = &builder->spec->widths;
    const struct pb_graph *graph = builder->graph;
    for (uint32_t i = 0; i < widths->count && pb_widths_are_named(widths); i++) {
        const uint32_t node = pb_graph_find(graph, widths->list[i].node);
        if (node == PB_NO_NODE || !pb_makes_channels(graph, node))
            return unknown_layer(graph, widths->list[i].node, builder->error);
    }
    if (!widths->count || pb_widths_are_named(widths))
        return PB_OK;
    if (!family->lists_widths)
        return pb_fail(builder->error, PB_ERROR_INPUT,
                       "model '%s': its layers have no single order; give their widths by name, as in conv1=32",
                       graph->model);
    if (widths->count != builder->convolutions)
        return pb_fail(builder->error, PB_ERROR_INPUT,
                       "model '%s': %" PRIu32 " widths were given for its %" PRIu32 " convolutions", graph->model,
                       widths->count, builder->convolutions);
    return PB_OK;
}

void pb_model_fix_layers(enum pb_prunable prunable, struct pb_graph *graph)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (i == graph->parts.classifier)
            continue;
        const bool neurons = graph->nodes[i].op == PB_OP_LINEAR;
        const bool layer = neurons || graph->nodes[i].op == PB_OP_CONV2D;
        if ((neurons && prunable != PB_PRUNABLE_ALL) ||
            (layer && i >= graph->parts.head && prunable == PB_PRUNABLE_TRUNK))
            graph->nodes[i].fixed = true;
    }
}

/* The trunk, then the head. */
static enum pb_status build_model(struct pb_model_builder *builder, const struct pb_family *family,
                                  const struct pb_model_row *row)
{
    const struct pb_head *head = pb_head_of(builder->head.choice);
    pb_build_input(builder);
    family->build_trunk(builder, row->own);
    if (builder->status != PB_OK)
        return builder->status;
    pb_graph_begin_head(builder->graph);
    if (builder->head.choice != row->head)
        snprintf(builder->graph->head, sizeof builder->graph->head, "%s", pb_head_names[builder->head.choice]);
    if (head)
        head->build(builder);
    else
        family->build_head(builder, row->own);
    if (builder->status != PB_OK)
        return builder->status;
    pb_model_fix_layers(builder->spec->prunable, builder->graph);
    return check_widths(builder, family);
}

enum pb_status pb_model_build(const struct pb_model_spec *spec, struct pb_graph **graph, struct pb_error *error)
{
    const struct pb_model_row *row;
    const struct pb_family *family = pb_family_of(spec->name, &row);
    if (!family)
        return unknown_model(spec->name, error);
    /* Widths replace the multiplier of the layers that they give; one left at 0 is then 1 for the rest. */
    const double scale = spec->widths.count && spec->width_multiplier == 0 ? 1 : spec->width_multiplier;
    const struct pb_head_spec head = head_asked(spec, row);
    struct pb_model_builder builder = {.spec = spec, .scale = scale, .error = error};
    enum pb_status status = check_spec(spec, family, row, scale, error);
    if (status == PB_OK)
        status = pb_head_resolve(&head, &builder.head, error);
    if (status == PB_OK)
        status = pb_graph_create(spec->name, &builder.graph, error);
    if (status != PB_OK)
        return status;
    status = build_model(&builder, family, row);
    if (status == PB_OK)
        *graph = builder.graph;
    else
        pb_graph_free(&builder.graph);
    return status;
}
