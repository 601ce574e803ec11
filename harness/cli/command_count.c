/* prunebench count: parameters and multiply-accumulates of a model, per layer and in total. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/resources.h"
#include "cli/cli.h"
#include "cli/model_argument.h"
#include "graph/cost.h"
#include "graph/counting.h"
#include "graph/graph_json.h"

static const struct pb_cli_option options[] = {
    PB_MODEL_OPTIONS,
    {"study", 0, "NAME", "also count the work as this study does"},
    {"json", 0, NULL, "print one JSON object"},
    {0},
};

/* The counting of a study that comes with the program; *counting: NULL when none was asked for. */
static enum pb_status read_counting(const char *study, struct pb_counting *room, const struct pb_counting **counting,
                                    struct pb_error *error)
{
    char *folder = NULL, *path = NULL;
    *counting = NULL;
    if (!study)
        return PB_OK;
    enum pb_status status = pb_resource_dir("studies", &folder, error);
    if (status == PB_OK && !(path = pb_format("%s/%s/counting.xml", folder, study)))
        status = pb_fail_memory(error, strlen(folder));
    if (status == PB_OK && (strchr(study, '/') || !pb_file_exists(path)))
        status = pb_fail(error, PB_ERROR_INPUT, "--study: no study '%s' has a counting.xml in '%s'", study, folder);
    if (status == PB_OK)
        status = pb_counting_read(path, room, error);
    if (status == PB_OK)
        *counting = room;
    pb_free(path);
    pb_free(folder);
    return status;
}

static void print_counted(const struct pb_counting *counting, uint64_t counted)
{
    if (counting)
        printf(" %15" PRIu64, counted);
    putchar('\n');
}

static void print_table(const struct pb_graph *graph, const struct pb_counting *counting, const char *study)
{
    const struct pb_cost total = pb_graph_cost(graph);
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    const struct pb_shape input = graph->nodes[0].shape;
    const int width = pb_graph_name_width(graph, 10);
    printf("%s, %" PRIu32 " classes, %" PRIu32 "×%" PRIu32 " pixels\n\n", graph->model, graph->classes, input.height,
           input.width);
    printf("%-*s %-14s %14s %12s %15s", width, "layer", "operator", "H W C", "parameters", "MACs");
    if (counting)
        printf(" %15.15s", study);
    putchar('\n');
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct pb_node *node = &graph->nodes[i];
        const struct pb_cost cost = pb_node_cost(graph, i);
        char shape[40];
        snprintf(shape, sizeof(shape), "%" PRIu32 " %" PRIu32 " %" PRIu32, node->shape.height, node->shape.width,
                 node->shape.channels);
        printf("%-*s %-14s %14s %12" PRIu64 " %15" PRIu64, width, node->name, pb_op_name(node->op), shape, cost.params,
               cost.macs);
        print_counted(counting, counting ? pb_node_counted(graph, i, counting) : 0);
    }
    printf("%-*s %-14s %14s %12" PRIu64 " %15" PRIu64, width, "total", "", "", total.params, total.macs);
    print_counted(counting, counting ? pb_graph_counted(graph, counting) : 0);
    printf("\nparameters: %" PRIu64 " in the trunk, %" PRIu64 " in the head; FLOPs = 2·MACs = %" PRIu64 "\n", trunk,
           head, 2 * total.macs);
    puts("MACs of one image: convolution k²·Cin·Cout·H·W, linear in·out, bilinear and covariance pooling C²·H·W,\n"
         "projection onto signs Cin·Cout·H·W, matrix square root 3·(N − 1)·C³ in N iterations, Grassmann pooling\n"
         "9/2·C³ + rank·C². A tensor sketch and signed sums only add. Fixed hashes and signs are no parameters.");
    if (counting)
        printf("%s: as studies/%s/counting.xml counts.\n", study, study);
}

static bool put_counted(json_t *row, uint64_t counted)
{
    return json_object_set_new(row, "counted", json_integer((json_int_t)counted)) == 0;
}

static json_t *layer_row(const struct pb_graph *graph, uint32_t index, const struct pb_counting *counting)
{
    const struct pb_node *node = &graph->nodes[index];
    const struct pb_cost cost = pb_node_cost(graph, index);
    json_t *row = pb_graph_node_to_json(graph, index);
    json_t *counts =
        json_pack("{s:[I,I,I], s:I, s:I}", "shape", (json_int_t)node->shape.height, (json_int_t)node->shape.width,
                  (json_int_t)node->shape.channels, "params", (json_int_t)cost.params, "macs", (json_int_t)cost.macs);
    bool good = row && counts && json_object_update(row, counts) == 0;
    good = good && (!counting || put_counted(row, pb_node_counted(graph, index, counting)));
    json_decref(counts);
    if (good)
        return row;
    json_decref(row);
    return NULL;
}

static enum pb_status print_json(const struct pb_graph *graph, const struct pb_counting *counting,
                                 struct pb_error *error)
{
    const struct pb_cost total = pb_graph_cost(graph);
    const uint64_t flops = 2 * total.macs;
    uint64_t trunk, head;
    pb_graph_split_params(graph, &trunk, &head);
    json_t *layers = json_array();
    bool good = layers != NULL;
    for (uint32_t i = 0; good && i < graph->node_count; i++)
        good = json_array_append_new(layers, layer_row(graph, i, counting)) == 0;
    json_t *whole =
        good ? json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "model", graph->model, "classes",
                         (json_int_t)graph->classes, "image_size", (json_int_t)graph->nodes[0].shape.height, "params",
                         (json_int_t)total.params, "params_trunk", (json_int_t)trunk, "params_head", (json_int_t)head,
                         "macs", (json_int_t)total.macs, "flops", (json_int_t)flops, "layers", layers)
             : NULL;
    good = whole && (!counting || put_counted(whole, pb_graph_counted(graph, counting)));
    good = good && json_dumpf(whole, stdout, JSON_INDENT(2)) == 0;
    if (good)
        putchar('\n');
    json_decref(whole);
    json_decref(layers);
    return good ? PB_OK : pb_fail_memory(error, graph->node_count * sizeof(json_t));
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct pb_graph *graph = NULL;
    struct pb_counting room;
    const struct pb_counting *counting;
    const char *study = pb_argument(arguments, "study");
    (void)exit_code;
    enum pb_status status = read_counting(study, &room, &counting, error);
    if (status == PB_OK)
        status = pb_argument_model(arguments, "count", 0, &graph, error);
    if (status != PB_OK)
        return status;
    if (pb_argument(arguments, "json"))
        status = print_json(graph, counting, error);
    else
        print_table(graph, counting, study);
    pb_graph_free(&graph);
    return status;
}

const struct pb_command pb_command_count = {
    .name = "count",
    .usage =
        "--model M --classes K [--head H] [--image-size S] [--width-multiplier F | --widths 12,34,…] [--no-batch-norm] "
        "[--study NAME] "
        "[--json]",
    .summary = "count a model's parameters and multiply-accumulates",
    .details =
        "Prints, for every layer and in total, the parameters and the multiply-accumulates of one image. --widths\n"
        "takes the widths of a pruned network. With --study, it also prints what the study's counting.xml makes of\n"
        "each layer: papers count in ways of their own (with or without biases, norms, poolings).",
    .options = options,
    .run = run,
};
