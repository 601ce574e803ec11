/* Writing a network's weights as PyTorch's state_dict of torchvision's model has them. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "graph/foreign.h"
#include "graph/pretrained.h"
#include "graph/safetensors.h"

struct export
{
    const struct pb_network *network;
    struct pb_tensor *tensors; /* names and data from pb_calloc, but for the counters' data */
    size_t count;
    struct pb_pretrained_report report;
};

/* PyTorch's norms have a counter of batches, and loading strictly asks for it. */
static const int64_t no_batches = 0;

static enum pb_status add_tensor(struct export *export, const struct pb_parameter *parameter, const char *name,
                                 struct pb_error *error)
{
    const struct pb_graph *graph = export->network->graph;
    struct pb_tensor *tensor = &export->tensors[export->count++];
    float *values = pb_calloc(parameter->count, sizeof(*values));
    *tensor = (struct pb_tensor){.name = pb_strdup(name), .dtype = "F32", .count = parameter->count, .data = values};
    if (!values || !tensor->name)
        return pb_fail_memory(error, parameter->count * sizeof(*values));
    tensor->rank = pb_foreign_dims(parameter, tensor->dims);
    pb_foreign_from_own(graph, parameter, export->network->values + parameter->offset, values);
    export->report.mapped++;
    pb_text_append(&export->report.mapping, "%s -> %s\n", parameter->name, name);
    return PB_OK;
}

static enum pb_status add_counter(struct export *export, const char *name, struct pb_error *error)
{
    struct pb_tensor *tensor = &export->tensors[export->count++];
    const int stem = (int)(strlen(name) - strlen("running_var"));
    *tensor = (struct pb_tensor){
        .name = pb_format("%.*snum_batches_tracked", stem, name), .dtype = "I64", .count = 1, .data = &no_batches};
    return tensor->name ? PB_OK : pb_fail_memory(error, PB_FOREIGN_NAME);
}

static enum pb_status add_all(struct export *export, struct pb_error *error)
{
    const struct pb_graph *graph = export->network->graph;
    const char *last_kept = "";
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < graph->parameter_count && status == PB_OK; i++) {
        const struct pb_parameter *parameter = &graph->parameters[i];
        const char *node = graph->nodes[parameter->node].name;
        char name[PB_FOREIGN_NAME];
        if (pb_foreign_name(graph, parameter, name)) {
            status = add_tensor(export, parameter, name, error);
            if (status == PB_OK && parameter->role == PB_ROLE_RUNNING_VAR)
                status = add_counter(export, name, error);
        } else if (strcmp(last_kept, node) != 0) {
            pb_text_append(&export->report.kept, export->report.kept.length ? " %s" : "%s", node);
            last_kept = node;
        }
    }
    return status;
}

static void free_tensors(struct export *export)
{
    for (size_t i = 0; export->tensors && i < export->count; i++) {
        pb_free(export->tensors[i].name);
        if (export->tensors[i].data != &no_batches)
            pb_free((void *)(uintptr_t) export->tensors[i].data);
    }
    pb_free(export->tensors);
}

enum pb_status pb_pretrained_export(const char *path, const struct pb_network *network,
                                    struct pb_pretrained_report *report, struct pb_error *error)
{
    static const char *const keys[] = {"format"}, *const values[] = {"pt"};
    struct export export = {.network = network};
    enum pb_status status = PB_OK;
    if (!pb_foreign_is_known(network->graph))
        return pb_fail(error, PB_ERROR_INPUT, "'%s': torchvision has no names for the layers of model '%s'", path,
                       network->graph->model);
    /* At most one counter beside each parameter. */
    export.tensors = pb_calloc(2 * (size_t)network->graph->parameter_count, sizeof(*export.tensors));
    if (!export.tensors)
        status = pb_fail_memory(error, network->graph->parameter_count * sizeof(*export.tensors));
    if (status == PB_OK)
        status = add_all(&export, error);
    if (status == PB_OK && (export.report.mapping.failed || export.report.kept.failed))
        status = pb_fail_memory(error, export.report.mapping.length);
    if (status == PB_OK)
        status = pb_safetensors_write(path, export.tensors, export.count, keys, values, 1, error);
    free_tensors(&export);
    if (status == PB_OK && report) {
        pb_pretrained_report_free(report);
        *report = export.report;
    } else {
        pb_pretrained_report_free(&export.report);
    }
    return status;
}
