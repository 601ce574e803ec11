/* prunebench count: parameters and multiply-accumulates of a model, per layer and in total. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/cli.h"
#include "cli/model_argument.h"
#include "graph/cost.h"

static const struct pb_cli_option options[] = {
    PB_MODEL_OPTIONS,
    {"json", 0, NULL, "print one JSON object"},
    {0},
};

static void print_table(const struct pb_graph *graph)
{
    const struct pb_cost total = pb_graph_cost(graph);
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    const struct pb_shape input = graph->nodes[0].shape;
    printf("%s, %" PRIu32 " classes, %" PRIu32 "×%" PRIu32 " pixels\n\n", graph->model, graph->classes, input.height,
           input.width);
    printf("%-10s %-14s %14s %12s %15s %15s\n", "layer", "operator", "H W C", "parameters", "MACs", "ptflops");
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_node *node = &graph->nodes[i];
        const struct pb_cost cost = pb_node_cost(graph, i);
        char shape[40];
        snprintf(shape, sizeof(shape), "%" PRIu32 " %" PRIu32 " %" PRIu32, node->shape.height, node->shape.width,
                 node->shape.channels);
        printf("%-10s %-14s %14s %12" PRIu64 " %15" PRIu64 " %15" PRIu64 "\n", node->name, pb_op_name(node->op), shape,
               cost.params, cost.macs, cost.macs_thesis);
    }
    printf("%-10s %-14s %14s %12" PRIu64 " %15" PRIu64 " %15" PRIu64 "\n\n", "total", "", "", total.params, total.macs,
           total.macs_thesis);
    printf("parameters: %" PRIu64 " in the trunk, %" PRIu64 " in the head; FLOPs = 2·MACs = %" PRIu64 "\n", trunk, head,
           2 * total.macs);
    puts("MACs of one image: convolution k²·Cin·Cout·H·W, linear in·out, bilinear pooling C²·H·W.\n"
         "Thesis MACs, as ptflops counts: + Cout·H·W per convolution's bias, 2·C·H·W per batch norm, C·H·W per ReLU,\n"
         "the input's size per pooling; bilinear pooling not at all.");
}

static json_t *layer_row(const struct pb_graph *graph, uint32_t index)
{
    const struct pb_node *node = &graph->nodes[index];
    const struct pb_cost cost = pb_node_cost(graph, index);
    return json_pack("{s:s, s:s, s:[I,I,I], s:I, s:I, s:I}", "name", node->name, "op", pb_op_name(node->op), "shape",
                     (json_int_t)node->shape.height, (json_int_t)node->shape.width, (json_int_t)node->shape.channels,
                     "params", (json_int_t)cost.params, "macs", (json_int_t)cost.macs, "macs_thesis",
                     (json_int_t)cost.macs_thesis);
}

static enum pb_status print_json(const struct pb_graph *graph, struct pb_error *error)
{
    const struct pb_cost total = pb_graph_cost(graph);
    const uint64_t flops = 2 * total.macs;
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    json_t *layers = json_array();
    bool good = layers != NULL;
    for (uint32_t i = 0; good && i < graph->node_count; i++)
        good = json_array_append_new(layers, layer_row(graph, i)) == 0;
    json_t *whole =
        good ? json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "model", graph->model, "classes",
                         (json_int_t)graph->classes, "image_size", (json_int_t)graph->nodes[0].shape.height, "params",
                         (json_int_t)total.params, "params_trunk", (json_int_t)trunk, "params_head", (json_int_t)head,
                         "macs", (json_int_t)total.macs, "macs_thesis", (json_int_t)total.macs_thesis, "flops",
                         (json_int_t)flops, "layers", layers)
             : NULL;
    good = whole && json_dumpf(whole, stdout, JSON_INDENT(2)) == 0;
    if (good)
        putchar('\n');
    json_decref(whole);
    json_decref(layers);
    return good ? PB_OK : pb_fail_memory(error, graph->node_count * sizeof(json_t));
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct pb_graph *graph = NULL;
    (void)exit_code;
    enum pb_status status = pb_argument_model(arguments, "count", 0, &graph, error);
    if (status != PB_OK)
        return status;
    if (pb_argument(arguments, "json"))
        status = print_json(graph, error);
    else
        print_table(graph);
    pb_graph_free(&graph);
    return status;
}

const struct pb_command pb_command_count = {
    .name = "count",
    .usage =
        "--model M --classes K [--image-size S] [--width-multiplier F | --widths 12,34,…] [--no-batch-norm] [--json]",
    .summary = "count a model's parameters and multiply-accumulates",
    .details = "Prints, for every layer and in total, the parameters, the multiply-accumulates of one image, and the\n"
               "same as ptflops counts them. --widths takes the widths of a pruned network.",
    .options = options,
    .run = run,
};
