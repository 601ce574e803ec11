/* Checkpoints come back as they were saved, from the file alone; what does not fit is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/checkpoint.h"
#include "graph/graph_json.h"
#include "graph/models.h"
#include "graph/safetensors.h"
#include "support/folder.h"
#include "support/graphs.h"
#include "support/small_networks.h"

static struct pb_network *load(const char *path, struct pb_metadata *metadata)
{
    struct pb_error error = {0};
    struct pb_network *network = NULL;
    if (pb_checkpoint_load(path, &network, metadata, &error) != PB_OK)
        fail_msg("%s", error.text);
    return network;
}

static void save(const char *path, const struct pb_network *network, bool velocity, const struct pb_metadata *metadata)
{
    struct pb_error error = {0};
    if (pb_checkpoint_save(path, network, velocity, metadata, &error) != PB_OK)
        fail_msg("%s", error.text);
}

/* Every operator, every attribute away from its default. */
static struct pb_network *odd_network(void)
{
    struct pb_graph *graph = graph_begin("odd", 11, 9, 3);
    const uint32_t first =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONV2D,
                      .name = "first",
                      .channels = 6,
                      .conv = {.kernel = {3, 2}, .stride = {2, 1}, .pad = {1, 2}, .dilation = {1, 2}, .groups = 3}},
                  0);
    const uint32_t skip = graph_conv(graph, "skip", first, 4);
    const uint32_t depth = graph_add(graph,
                                     (struct pb_graph_node){.op = PB_OP_CONV2D,
                                                            .name = "depth",
                                                            .channels = 4,
                                                            .bias = true,
                                                            .conv = {.kernel = {3, 3}, .pad = {1, 1}, .groups = 4}},
                                     skip);
    const uint32_t norm = graph_add(
        graph, (struct pb_graph_node){.op = PB_OP_BATCH_NORM, .name = "bn", .eps = 1.1e-3, .momentum = 0.3}, depth);
    uint32_t node = graph_relu(graph, "relu", graph_sum(graph, "sum", norm, skip));
    node =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_MAX_POOL, .name = "max", .pool = {.kernel = {3, 2}, .stride = {1, 2}, .pad = {1, 1}}},
                  node);
    node =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "avg", .pool = {.kernel = {2, 2}}}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_DROPOUT, .name = "drop", .dropout = 0.3}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_RELU6, .name = "cut"}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MULTIPLY, .name = "square", .inputs = {0, node}}, node);
    node = graph_add(
        graph,
        (struct pb_graph_node){.op = PB_OP_CONCAT, .name = "thrice", .inputs = {0, node, node}, .input_count = 3},
        node);
    graph_bilinear_head(graph, node, 5);
    return network_of(graph, 4);
}

/* Operators on matrices, every attribute away from its default. */
static struct pb_network *matrices_network(void)
{
    struct pb_graph *graph = graph_begin("matrices", 3, 2, 4);
    uint32_t node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_COVARIANCE_POOL, .name = "pairs"}, 0);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MATRIX_SQRT, .name = "root", .iterations = 11}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_GRASSMANN_POOL, .name = "projector", .rank = 3}, node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_UPPER_TRIANGLE, .name = "upper"}, node);
    graph_linear(graph, "fc", node, 2);
    return network_of(graph, 4);
}

static void assert_same_graph(const struct pb_graph *a, const struct pb_graph *b)
{
    assert_string_equal(a->model, b->model);
    assert_int_equal(a->classes, b->classes);
    assert_memory_equal(&a->parts, &b->parts, sizeof a->parts);
    assert_int_equal(a->node_count, b->node_count);
    for (uint32_t i = 0; i < a->node_count; i++) {
        const struct pb_node *x = &a->nodes[i], *y = &b->nodes[i];
        assert_int_equal(x->op, y->op);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->input_count, y->input_count);
        assert_memory_equal(x->inputs, y->inputs, sizeof(x->inputs));
        assert_memory_equal(&x->shape, &y->shape, sizeof(x->shape));
        assert_memory_equal(x->parameters, y->parameters, sizeof(x->parameters));
        assert_int_equal(x->fixed, y->fixed);
    }
    const struct pb_conv_attributes *conv = &b->nodes[1].attributes.conv;
    if (!strcmp(a->model, "odd")) {
        assert_int_equal(conv->stride[0], 2);
        assert_int_equal(conv->pad[1], 2);
        assert_int_equal(conv->dilation[1], 2);
        assert_int_equal(conv->groups, 3);
        assert_true(b->nodes[pb_graph_find(b, "bn")].attributes.bn.eps == 1.1e-3);
        assert_true(b->nodes[pb_graph_find(b, "bn")].attributes.bn.momentum == 0.3);
        assert_true(b->nodes[pb_graph_find(b, "drop")].attributes.dropout == 0.3);
        assert_true(b->nodes[pb_graph_find(b, "sqrt")].attributes.eps == 1e-8);
    }
}

static void test_operators_on_matrices_come_back(void **state)
{
    const char *path = folder_path(state, "matrices.safetensors");
    struct pb_network *network = matrices_network();
    save(path, network, false, NULL);
    struct pb_network *loaded = load(path, NULL);
    const struct pb_graph *graph = loaded->graph;
    assert_same_graph(network->graph, graph);
    assert_int_equal(graph->nodes[pb_graph_find(graph, "root")].attributes.iterations, 11);
    assert_int_equal(graph->nodes[pb_graph_find(graph, "projector")].attributes.rank, 3);
    pb_network_free(&network);
    pb_network_free(&loaded);
}

static void test_a_network_of_every_operator_comes_back(void **state)
{
    const char *path = folder_path(state, "odd.safetensors");
    struct pb_error error = {0};
    struct pb_network *network = odd_network();
    struct pb_metadata metadata = {0}, read = {0};
    assert_int_equal(pb_metadata_set(&metadata, "stage", "first", &error), PB_OK);
    assert_int_equal(pb_metadata_set(&metadata, "epoch", "7", &error), PB_OK);
    assert_int_equal(pb_metadata_set(&metadata, "stage", "base \"x\"", &error), PB_OK);
    save(path, network, true, &metadata);
    struct pb_network *loaded = load(path, &read);
    assert_same_graph(network->graph, loaded->graph);
    assert_memory_equal(network->values, loaded->values, network->graph->value_count * sizeof(float));
    assert_memory_equal(network->velocity, loaded->velocity, network->graph->value_count * sizeof(float));
    assert_int_equal(read.count, 2);
    assert_string_equal(pb_metadata_get(&read, "stage"), "base \"x\"");
    assert_string_equal(pb_metadata_get(&read, "epoch"), "7");
    assert_null(pb_metadata_get(&read, "other"));
    pb_metadata_free(&metadata);
    pb_metadata_free(&read);
    pb_network_free(&network);
    pb_network_free(&loaded);
}

/* Hashes and signs cannot be learnt again: they must come back bit for bit. */
static void test_heads_with_hashes_come_back(void **state)
{
    const char *path = folder_path(state, "hashes.safetensors");
    for (int kind = SMALL_SKETCHED; kind <= SMALL_PROJECTED; kind++) {
        struct pb_network *network = small_network((enum small_network)kind, 0);
        save(path, network, false, NULL);
        struct pb_network *loaded = load(path, NULL);
        assert_same_graph(network->graph, loaded->graph);
        assert_memory_equal(network->values, loaded->values, network->graph->value_count * sizeof(float));
        pb_network_free(&network);
        pb_network_free(&loaded);
    }
}

/* An output that does not exist would be written to. */
static void test_values_that_are_no_hashes_are_refused(void **state)
{
    static const struct {
        enum small_network kind;
        const char *node;
        size_t row; /* of the hashes */
        float value;
    } cases[] = {{SMALL_SKETCHED, "sketch", 0, 40},    {SMALL_SKETCHED, "sketch", 2, -1},
                 {SMALL_SKETCHED, "sketch", 0, 0.5F},  {SMALL_SKETCHED, "sketch", 2, NAN},
                 {SMALL_SKETCHED, "sketch", 1, 0},     {SMALL_SKETCHED, "sketch", 3, 2},
                 {SMALL_PROJECTED, "signs_2", 6, 0.5F}};
    const char *path = folder_path(state, "bad.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pb_error error = {0};
        struct pb_network *network = small_network(cases[i].kind, 0), *loaded = NULL;
        const uint32_t node = pb_graph_find(network->graph, cases[i].node);
        const struct pb_parameter *hashes =
            &network->graph->parameters[network->graph->nodes[node].parameters[PB_ROLE_HASH]];
        network->values[hashes->offset + cases[i].row * hashes->dims[1] + 1] = cases[i].value;
        save(path, network, false, NULL);
        assert_int_equal(pb_checkpoint_load(path, &loaded, NULL, &error), PB_ERROR_INPUT);
        if (!strstr(error.text, "has values that are no hashes") || !strstr(error.text, cases[i].node))
            fail_msg("case %zu: '%s'", i, error.text);
        assert_null(loaded);
        pb_network_free(&network);
    }
}

static struct pb_network *pruned_model(void)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL, *pruned = NULL;
    const struct pb_model_spec spec = {
        .name = "vgg11-bcnn", .classes = 3, .image_size = 16, .width_multiplier = 0.05, .batch_norm = true};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    assert_int_equal(pb_network_create(graph, &network, &error), PB_OK);
    pb_network_initialise(network, 11);
    struct pb_channel_groups groups = groups_of(network->graph);
    struct pb_keep keep = {0};
    assert_int_equal(pb_keep_create(&groups, &keep, &error), PB_OK);
    for (uint32_t g = 0; g < groups.count; g++)
        keep.keep[g][1] = false;
    assert_int_equal(pb_network_compact(network, &keep, &pruned, &error), PB_OK);
    pb_network_free(&network);
    pb_keep_free(&keep);
    pb_channel_groups_free(&groups);
    return pruned;
}

static void test_a_pruned_network_remembers_where_its_channels_came_from(void **state)
{
    const char *path = folder_path(state, "pruned.safetensors");
    struct pb_network *pruned = pruned_model();
    save(path, pruned, false, NULL);
    struct pb_network *loaded = load(path, NULL);
    assert_same_graph(pruned->graph, loaded->graph);
    assert_int_equal(loaded->group_count, 8);
    assert_int_equal(loaded->original_widths[0], 3); /* 64 × 0.05 = 3.2 */
    assert_int_equal(loaded->origin[0][0], 0);
    assert_int_equal(loaded->origin[0][1], 2);
    assert_int_equal(loaded->original_widths[7], 26); /* 512 × 0.05 = 25.6 */
    assert_int_equal(loaded->origin[7][24], 25);
    assert_null(loaded->velocity);
    pb_network_free(&pruned);
    pb_network_free(&loaded);
}

static void test_a_reader_that_knows_nothing_of_us_finds_the_weights(void **state)
{
    const char *path = folder_path(state, "plain.safetensors");
    struct pb_error error = {0};
    struct pb_network *network = odd_network();
    char command[512], script[] = "import json, struct, sys\n"
                                  "raw = open(sys.argv[1], 'rb').read()\n"
                                  "n, = struct.unpack('<Q', raw[:8])\n"
                                  "h = json.loads(raw[8:8 + n])\n"
                                  "graph = json.loads(h['__metadata__']['prunebench.graph'])\n"
                                  "assert [x['name'] for x in graph['nodes']][:3] == ['input', 'first', 'skip']\n"
                                  "assert json.loads(h['__metadata__']['prunebench.widths']) == [2, 4]\n"
                                  "assert h['first.weight']['shape'] == [6, 3, 2, 1]\n"
                                  "b, e = h['bn.gamma']['data_offsets']\n"
                                  "print(*struct.unpack('<4f', raw[8 + n + b:8 + n + e]))\n";
    const char *script_path = folder_path(state, "read.py"), *out_path = folder_path(state, "out");
    save(path, network, false, NULL);
    assert_int_equal(pb_file_write_atomic(script_path, script, strlen(script), &error), PB_OK);
    snprintf(command, sizeof(command), "python3 '%s' '%s' >'%s'", script_path, path, out_path);
    assert_int_equal(system(command), 0);
    char *text = NULL;
    size_t length, count;
    double *values = NULL;
    assert_int_equal(pb_file_read(out_path, 1000, &text, &length, &error), PB_OK);
    assert_true(pb_parse_real_list(text, &values, &count));
    assert_int_equal(count, 4);
    const float *gamma = pb_network_values(network, pb_graph_find(network->graph, "bn"), PB_ROLE_GAMMA);
    for (size_t i = 0; i < 4; i++)
        assert_true((float)values[i] == gamma[i]);
    pb_free(values);
    pb_free(text);
    pb_network_free(&network);
}

/* Rewrites the checkpoint with one metadata text or one tensor changed. */
struct change {
    const char *key, *value; /* metadata */
    const char *without; /* tensor left out */
    const char *renamed; /* tensor that gets another name */
};

static void refuses(void **state, const struct pb_network *network, struct change change, const char *message)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    const char *path = folder_path(state, "good"), *bad = folder_path(state, "bad");
    const char *values[32];
    struct pb_tensor tensors[64];
    char stranger[] = "stranger";
    size_t count = 0;
    save(path, network, false, NULL);
    assert_int_equal(pb_safetensors_open(path, &file, &error), PB_OK);
    for (size_t i = 0; i < file.metadata_count; i++)
        values[i] = change.key && !strcmp(file.metadata_keys[i], change.key) ? change.value : file.metadata_values[i];
    for (size_t i = 0; i < file.count; i++) {
        if (change.without && !strcmp(file.tensors[i].name, change.without))
            continue;
        tensors[count] = file.tensors[i];
        if (change.renamed && !strcmp(file.tensors[i].name, change.renamed))
            tensors[count].name = stranger;
        count++;
    }
    assert_int_equal(pb_safetensors_write(bad, tensors, count, (const char *const *)file.metadata_keys, values,
                                          file.metadata_count, &error),
                     PB_OK);
    struct pb_network *loaded = NULL;
    assert_int_equal(pb_checkpoint_load(bad, &loaded, NULL, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(loaded);
    pb_safetensors_close(&file);
}

#define NODE(text) "{\"model\":\"m\",\"nodes\":[" text "]}"
#define INPUT "{\"op\":\"input\",\"name\":\"input\",\"inputs\":[],\"height\":4,\"width\":4,\"channels\":3}"

#define CONV(name, filters)                                                                                            \
    "{\"op\":\"conv2d\",\"name\":\"" name "\",\"inputs\":[\"input\"],\"channels\":" filters                            \
    ",\"kernel\":[1,1],\"stride\":[1,1],\"pad\":[0,0],\"dilation\":[1,1],\"groups\":1,\"depthwise\":false,\"bias\":"   \
    "false}"

static void test_a_checkpoint_whose_coupled_layers_differ_names_both(void **state)
{
    struct pb_network *network = odd_network();
    refuses(state, network,
            (struct change){
                .key = "prunebench.graph",
                .value = NODE(INPUT "," CONV("long_way", "4") "," CONV(
                    "short_cut", "5") ","
                                      "{\"op\":\"add\",\"name\":\"sum\",\"inputs\":[\"long_way\",\"short_cut\"]}")},
            "node 'sum' (add): its inputs differ in shape: 'long_way' has 4×4×4, 'short_cut' 4×4×5");
    pb_network_free(&network);
}

/* The graph again from its JSON, with other parts: "" as of an earlier version, which stated none. */
static struct pb_graph *read_with_parts(const struct pb_graph *graph, const char *parts, struct pb_error *error)
{
    struct pb_graph *read = NULL;
    char *text = NULL;
    assert_int_equal(pb_graph_to_json(graph, &text, error), PB_OK);
    char *begin = strstr(text, "\"parts\":"), *end = strchr(begin, '}') + 2; /* with the comma */
    char *changed = pb_format("%.*s%s%s", (int)(begin - text), text, parts, end);
    if (pb_graph_from_json(changed, "old", &read, error) != PB_OK)
        read = NULL;
    pb_free(changed);
    pb_free(text);
    return read;
}

static void test_graphs_of_earlier_versions_get_the_parts_that_they_had(void **state)
{
    (void)state;
    static const char *const models[] = {"vgg11-bcnn", "vgg11"};
    for (size_t i = 0; i < 2; i++) {
        struct pb_error error = {0};
        struct pb_graph *graph = NULL;
        const struct pb_model_spec spec = {.name = models[i],
                                           .classes = 3,
                                           .image_size = 32,
                                           .width_multiplier = 0.05,
                                           .batch_norm = true,
                                           .prunable = PB_PRUNABLE_CONVOLUTIONS};
        assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
        for (uint32_t n = 0; n < graph->node_count; n++)
            graph->nodes[n].fixed = false; /* which they did not state, either */
        struct pb_graph *old = read_with_parts(graph, "", &error);
        pb_graph_free(&graph);
        assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
        assert_same_graph(graph, old);
        struct pb_channel_groups groups = groups_of(old);
        assert_int_equal(groups.count, 8);
        pb_channel_groups_free(&groups);
        pb_graph_free(&old);
        pb_graph_free(&graph);
    }
}

static void test_parts_that_name_no_node_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"parts\":{\"tail\":\"fc\"},", "\"parts\":{\"head\":\"nowhere\"},",
                                      "\"parts\":{\"head\":7},", "\"parts\":[],"};
    struct pb_network *network = pruned_model();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pb_error error = {0};
        assert_null(read_with_parts(network->graph, bad[i], &error));
        assert_non_null(strstr(error.text, "'old': its graph's part"));
    }
    pb_network_free(&network);
}

/* The network's own origins, but with the first layer's first two the other way round. */
static void append_disordered_origin(const struct pb_network *network, struct pb_text *text)
{
    struct pb_channel_groups groups = groups_of(network->graph);
    for (uint32_t g = 0; g < groups.count; g++)
        for (uint32_t c = 0; c < groups.groups[g].channels; c++) {
            const uint32_t from = g == 0 && c < 2 ? 1 - c : c;
            pb_text_append(text, "%s%u", c ? "," : g ? "],[" : "[[", network->origin[g][from]);
        }
    pb_text_append(text, "]]");
    pb_channel_groups_free(&groups);
}

static void test_checkpoints_that_do_not_fit_together_are_refused(void **state)
{
    struct pb_text disordered = {0};
    struct pb_network *network = pruned_model();
    refuses(state, network, (struct change){.without = "bn1_1.beta"}, "'bn1_1.beta' is missing");
    refuses(state, network, (struct change){.renamed = "bn1_1.beta"}, "'bn1_1.beta' is missing");
    refuses(state, network, (struct change){"prunebench.format", "checkpoint-9", 0, 0}, "'checkpoint-9' is unknown");
    refuses(state, network, (struct change){"prunebench.graph", "{", 0, 0}, "graph cannot be read");
    refuses(state, network, (struct change){"prunebench.graph", NODE(""), 0, 0}, "no nodes");
    refuses(state, network, (struct change){"prunebench.graph", NODE("{\"op\":\"warp\"}"), 0, 0}, "unknown operator");
    refuses(
        state, network,
        (struct change){"prunebench.graph", NODE(INPUT ",{\"op\":\"relu\",\"name\":\"r\",\"inputs\":[\"x\"]}"), 0, 0},
        "inputs are not nodes before it");
    refuses(state, network,
            (struct change){"prunebench.graph",
                            NODE(INPUT ",{\"op\":\"relu\",\"name\":\"r\",\"inputs\":[\"input\"],\"slope\":1}"), 0, 0},
            "slope");
    refuses(state, network,
            (struct change){
                "prunebench.graph",
                NODE(INPUT ",{\"op\":\"linear\",\"name\":\"r\",\"inputs\":[\"input\"],\"bias\":true,\"channels\":-3}"),
                0, 0},
            "out of range");
    refuses(state, network, (struct change){"prunebench.graph", NODE(INPUT), 0, 0},
            "has 50 tensors where its graph has 0");
    refuses(state, network, (struct change){"prunebench.origin", "[[0,1],[0]]", 0, 0}, "origins");
    append_disordered_origin(network, &disordered);
    refuses(state, network, (struct change){"prunebench.origin", disordered.data, 0, 0}, "origins");
    pb_text_free(&disordered);
    refuses(state, network, (struct change){"prunebench.original_widths", "[1,1,1,1,1,1,1,1]", 0, 0}, "origins");
    pb_network_free(&network);
}

static void test_a_checkpoint_cut_anywhere_is_refused(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "whole"), *cut = folder_path(state, "cut");
    struct pb_network *network = odd_network();
    char *data = NULL;
    size_t length;
    save(path, network, true, NULL);
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    for (size_t kept = 0; kept < length; kept += 1 + length / 97) {
        struct pb_network *loaded = NULL;
        assert_int_equal(pb_file_write_atomic(cut, data, kept, &error), PB_OK);
        assert_int_equal(pb_checkpoint_load(cut, &loaded, NULL, &error), PB_ERROR_INPUT);
        assert_null(loaded);
    }
    pb_free(data);
    pb_network_free(&network);
}

static void test_loading_survives_every_failed_allocation(void **state)
{
    const char *path = folder_path(state, "memory");
    struct pb_network *network = odd_network();
    struct pb_error error = {0};
    struct pb_metadata extra = {0};
    assert_int_equal(pb_metadata_set(&extra, "a", "b", &error), PB_OK);
    save(path, network, true, &extra);
    for (long n = 0;; n++) {
        struct pb_network *loaded = NULL;
        struct pb_metadata metadata = {0};
        pb_memory_fail_after(n);
        const enum pb_status status = pb_checkpoint_load(path, &loaded, &metadata, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_true(n > 30);
            pb_network_free(&loaded);
            pb_metadata_free(&metadata);
            break;
        }
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(loaded);
    }
    for (long n = 0;; n++) {
        pb_memory_fail_after(n);
        const enum pb_status status = pb_checkpoint_save(path, network, true, &extra, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK)
            break;
        assert_true(n < 1000);
    }
    pb_metadata_free(&extra);
    pb_network_free(&network);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graphs_of_earlier_versions_get_the_parts_that_they_had),
        cmocka_unit_test(test_parts_that_name_no_node_are_refused),
        IN_FOLDER(test_a_network_of_every_operator_comes_back),
        IN_FOLDER(test_operators_on_matrices_come_back),
        IN_FOLDER(test_heads_with_hashes_come_back),
        IN_FOLDER(test_values_that_are_no_hashes_are_refused),
        IN_FOLDER(test_a_pruned_network_remembers_where_its_channels_came_from),
        IN_FOLDER(test_a_reader_that_knows_nothing_of_us_finds_the_weights),
        IN_FOLDER(test_checkpoints_that_do_not_fit_together_are_refused),
        IN_FOLDER(test_a_checkpoint_whose_coupled_layers_differ_names_both),
        IN_FOLDER(test_a_checkpoint_cut_anywhere_is_refused),
        IN_FOLDER(test_loading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
