/* prunebench count: parameters and multiply-accumulates of a model, per layer and in total. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "graph/cost.h"
#include "graph/models.h"

static const struct pb_cli_option options[] = {
    {"model", 'm', "NAME", "vgg16-bcnn, vgg11-bcnn, vgg16-gap, vgg11-gap, vgg16 or vgg11"},
    {"classes", 'k', "K", "number of classes"},
    {"image-size", 's', "S", "height and width of the images (224)"},
    {"width-multiplier", 'w', "F", "scale of every layer's width (1)"},
    {"widths", 0, "LIST", "width of every convolution, separated by commas, instead of a multiplier"},
    {"no-batch-norm", 0, NULL, "leave the batch norms out"},
    {"json", 0, NULL, "print one JSON object"},
    {0},
};

static enum pb_status parse_widths(const char *text, uint32_t **widths, uint32_t *count, struct pb_error *error)
{
    double *values = NULL;
    size_t values_count = 0;
    uint32_t *parsed = NULL;
    if (!pb_parse_real_list(text, &values, &values_count) || !values_count || values_count > UINT32_MAX) {
        pb_free(values);
        return pb_fail(error, PB_ERROR_INPUT, "--widths: '%.80s' is no list of numbers such as 64,128,256", text);
    }
    enum pb_status status = PB_OK;
    parsed = pb_calloc(values_count, sizeof(*parsed));
    if (!parsed)
        status = pb_fail_memory(error, values_count * sizeof(*parsed));
    for (size_t i = 0; i < values_count && status == PB_OK; i++) {
        if (values[i] >= 1 && values[i] <= UINT32_MAX && values[i] == (double)(uint32_t)values[i])
            parsed[i] = (uint32_t)values[i];
        else
            status = pb_fail(error, PB_ERROR_INPUT, "--widths: number %zu, %g, is not a whole number of channels",
                             i + 1, values[i]);
    }
    pb_free(values);
    if (status != PB_OK) {
        pb_free(parsed);
        return status;
    }
    *widths = parsed;
    *count = (uint32_t)values_count;
    return PB_OK;
}

static enum pb_status build(const struct pb_arguments *arguments, struct pb_graph **graph, struct pb_error *error)
{
    struct pb_model_spec spec = {.name = pb_argument(arguments, "model"), .width_multiplier = 1};
    const char *list = pb_argument(arguments, "widths");
    size_t classes = 0, image_size = 224;
    uint32_t *widths = NULL;
    if (!spec.name || !pb_argument(arguments, "classes"))
        return pb_fail(error, PB_ERROR_INPUT, "count needs --model and --classes; see 'prunebench count --help'");
    if (list && pb_argument(arguments, "width-multiplier"))
        return pb_fail(error, PB_ERROR_INPUT, "--widths and --width-multiplier exclude each other");
    enum pb_status status = pb_argument_size(arguments, "classes", 1, UINT32_MAX, &classes, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "image-size", 1, 1u << 20, &image_size, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "width-multiplier", 1e-6, 1e3, &spec.width_multiplier, error);
    if (status == PB_OK && list)
        status = parse_widths(list, &widths, &spec.width_count, error);
    if (status != PB_OK)
        return status;
    spec.classes = (uint32_t)classes;
    spec.image_size = (uint32_t)image_size;
    spec.widths = widths;
    spec.batch_norm = !pb_argument(arguments, "no-batch-norm");
    status = pb_model_build(&spec, graph, error);
    pb_free(widths);
    return status;
}

static void print_table(const struct pb_graph *graph)
{
    const struct pb_cost total = pb_graph_cost(graph);
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    const struct pb_shape input = graph->nodes[0].shape;
    printf("%s, %" PRIu32 " classes, %" PRIu32 "×%" PRIu32 " pixels\n\n", graph->model, graph->classes, input.height,
           input.width);
    printf("%-10s %-14s %14s %12s %15s %15s\n", "layer", "operator", "H W C", "parameters", "MACs", "thesis MACs");
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
                         (json_int_t)(2 * total.macs), "layers", layers)
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
    enum pb_status status = build(arguments, &graph, error);
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
               "same as the thesis counted them (with ptflops). --widths takes the widths of a pruned network.",
    .options = options,
    .run = run,
};
