/* Opening a spec's model. */
#include "onnx/onnx_model.h"

#include <string.h>

#include "onnx/onnx.h"

static enum pb_status refuse(const struct pb_model_spec *spec, const char *what, struct pb_error *error)
{
    return pb_fail(error, PB_ERROR_INPUT, "'%s': %s", spec->file, what);
}

/* What the file decides cannot be asked for. */
static enum pb_status check_asked(const struct pb_model_spec *spec, struct pb_error *error)
{
    if (spec->widths.count || spec->width_multiplier != 1)
        return refuse(spec, "a network from a file has the widths that it has; leave widths and multiplier out", error);
    if (spec->head.choice != PB_HEAD_OWN || spec->head.dimension || spec->head.reduction || spec->head.rank)
        return refuse(spec, "a network from a file keeps its head; leave the head out", error);
    if (!spec->batch_norm)
        return refuse(spec, "a network from a file has the batch norms that it has; leave batch-norm out", error);
    return PB_OK;
}

static enum pb_status check_read(const struct pb_model_spec *spec, const struct pb_graph *graph, struct pb_error *error)
{
    const struct pb_shape images = graph->nodes[0].shape;
    if (images.channels != 3)
        return pb_fail(error, PB_ERROR_INPUT, "'%s': its network takes images of %u colours; data sets have 3",
                       spec->file, images.channels);
    if (spec->image_size && (images.height != spec->image_size || images.width != spec->image_size))
        return pb_fail(error, PB_ERROR_INPUT,
                       "'%s': its network takes images of %u×%u pixels, not of %u×%u; set image-size to that",
                       spec->file, images.height, images.width, spec->image_size, spec->image_size);
    if (spec->classes && graph->classes != spec->classes)
        return pb_fail(error, PB_ERROR_INPUT, "'%s': its network has %u outputs, the data set %u classes", spec->file,
                       graph->classes, spec->classes);
    return PB_OK;
}

enum pb_status pb_model_open(const struct pb_model_spec *spec, struct pb_graph **graph, struct pb_error *error)
{
    struct pb_graph *read = NULL;
    if (!spec->file)
        return pb_model_build(spec, graph, error);
    enum pb_status status = check_asked(spec, error);
    if (status == PB_OK)
        status = pb_onnx_read_graph(spec->file, &read, NULL, error);
    if (status == PB_OK)
        status = check_read(spec, read, error);
    if (status == PB_OK) {
        pb_model_fix_layers(spec->prunable, read);
        *graph = read;
    } else {
        pb_graph_free(&read);
    }
    return status;
}

enum pb_status pb_model_load(const struct pb_model_spec *spec, const char *path, struct pb_network *network,
                             struct pb_pretrained_report *report, struct pb_error *error)
{
    struct pb_network *read = NULL;
    struct pb_onnx_report told = {0};
    if (!spec->file)
        return pb_pretrained_load(path, network, report, error);
    enum pb_status status = pb_onnx_read(path, &read, &told, error);
    if (status == PB_OK && read->graph->value_count != network->graph->value_count)
        status = refuse(spec, "the file has changed since its network was opened", error);
    if (status == PB_OK) {
        memcpy(network->values, read->values, read->graph->value_count * sizeof *read->values);
        pb_network_drop_velocity(network);
        pb_pretrained_report_free(report);
        *report = (struct pb_pretrained_report){.mapping = told.mapping, .unused = told.unused, .mapped = told.mapped};
        told.mapping = told.unused = (struct pb_text){0};
    }
    pb_onnx_report_free(&told);
    pb_network_free(&read);
    return status;
}
