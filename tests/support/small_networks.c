/* Small networks for tests of the engine. */
#include "support/small_networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "support/graphs.h"

static uint32_t plain(struct pb_graph *graph, enum pb_op op, const char *name, uint32_t input)
{
    return graph_add(graph, (struct pb_graph_node){.op = op, .name = name}, input);
}

static uint32_t pool(struct pb_graph *graph, enum pb_op op, const char *name, struct pb_pool_attributes attributes,
                     uint32_t input)
{
    return graph_add(graph, (struct pb_graph_node){.op = op, .name = name, .pool = attributes}, input);
}

static uint32_t convolution(struct pb_graph *graph, const char *name, uint32_t filters, struct pb_conv_attributes conv,
                            uint32_t input)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_CONV2D, .name = name, .channels = filters, .conv = conv},
                     input);
}

static uint32_t pair(struct pb_graph *graph, enum pb_op op, const char *name, uint32_t a, uint32_t b)
{
    return graph_add(graph, (struct pb_graph_node){.op = op, .name = name, .inputs = {0, b}}, a);
}

static void classify(struct pb_graph *graph, const char *name, uint32_t input, uint32_t classes)
{
    graph_linear(graph, name, input, classes);
    pb_graph_end_in_classifier(graph);
}

static struct pb_graph *build_bilinear(void)
{
    struct pb_graph *graph = graph_begin("bilinear", 8, 6, 3);
    uint32_t last = graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 7));
    last = pool(graph, PB_OP_MAX_POOL, "pool1", (struct pb_pool_attributes){.kernel = {2, 2}},
                graph_relu(graph, "relu1", last));
    last = graph_norm(graph, "bn2", graph_conv(graph, "conv2", last, 5));
    graph_bilinear_head(graph, graph_relu(graph, "relu2", last), 4);
    return graph;
}

static struct pb_graph *build_residual(void)
{
    struct pb_graph *graph = graph_begin("residual", 7, 7, 3);
    const uint32_t stem = graph_relu(graph, "stem_relu", graph_norm(graph, "stem_bn", graph_conv(graph, "stem", 0, 6)));
    const uint32_t block = graph_norm(graph, "block1_bn", graph_conv(graph, "block1", stem, 6));
    const uint32_t first = graph_relu(graph, "relu1", graph_sum(graph, "add1", block, stem));
    const struct pb_conv_attributes strided = {.kernel = {3, 3}, .pad = {1, 1}, .stride = {2, 2}};
    const uint32_t branch = graph_norm(graph, "block2_bn", convolution(graph, "block2", 9, strided, first));
    const struct pb_conv_attributes pointwise = {.kernel = {1, 1}, .stride = {2, 2}};
    const uint32_t shortcut = graph_norm(graph, "short_bn", convolution(graph, "short", 9, pointwise, first));
    const uint32_t second = graph_relu(graph, "relu2", graph_sum(graph, "add2", shortcut, branch));
    pb_graph_begin_head(graph);
    classify(graph, "fc", pool(graph, PB_OP_AVG_POOL, "gap", (struct pb_pool_attributes){0}, second), 5);
    return graph;
}

static struct pb_graph *build_flat(double dropout)
{
    struct pb_graph *graph = graph_begin("flat", 6, 4, 2);
    uint32_t last = graph_relu(graph, "relu1", graph_conv(graph, "conv1", 0, 5));
    last = pool(graph, PB_OP_MAX_POOL, "pool1", (struct pb_pool_attributes){.kernel = {2, 2}}, last);
    pb_graph_begin_head(graph);
    last = graph_relu(graph, "relu2", graph_linear(graph, "fc1", last, 11));
    last = graph_add(graph, (struct pb_graph_node){.op = PB_OP_DROPOUT, .name = "drop1", .dropout = dropout}, last);
    classify(graph, "fc2", last, 3);
    return graph;
}

static struct pb_graph *build_mixed(void)
{
    struct pb_graph *graph = graph_begin("mixed", 9, 8, 4);
    const struct pb_conv_attributes dilated = {.kernel = {3, 3}, .pad = {2, 2}, .dilation = {2, 2}, .groups = 2};
    const struct pb_conv_attributes depthwise = {.kernel = {3, 3}, .pad = {1, 1}, .groups = 6};
    const uint32_t shared =
        graph_norm(graph, "bn1", convolution(graph, "grouped", 6, dilated, graph_norm(graph, "bn0", 0)));
    const uint32_t branch =
        graph_norm(graph, "bn2", convolution(graph, "depthwise", 6, depthwise, graph_relu(graph, "relu1", shared)));
    uint32_t last = graph_sum(graph, "join", shared, graph_sum(graph, "twice", branch, branch));
    const struct pb_pool_attributes overlapping = {.kernel = {3, 2}, .stride = {2, 2}, .pad = {1, 0}};
    last = plain(graph, PB_OP_DROPOUT, "nothing", pool(graph, PB_OP_AVG_POOL, "pool", overlapping, last));
    last = graph_conv(graph, "last", last, 4);
    pb_graph_begin_head(graph);
    last = plain(graph, PB_OP_BILINEAR_POOL, "bilinear", last);
    classify(graph, "fc", plain(graph, PB_OP_L2_NORM, "l2", last), 6);
    return graph;
}

/* Values that are large enough for ReLU6 to cut. */
static struct pb_graph *build_branched(void)
{
    struct pb_graph *graph = graph_begin("branched", 7, 6, 3);
    const uint32_t stem = graph_conv(graph, "stem", 0, 6);
    const uint32_t cut = plain(graph, PB_OP_RELU6, "cut", graph_sum(graph, "twice", stem, stem));
    const uint32_t left = graph_conv(graph, "left", cut, 4),
                   right = graph_relu(graph, "gate", graph_conv(graph, "right", cut, 4));
    const uint32_t product = pair(graph, PB_OP_MULTIPLY, "product", left, right);
    const uint32_t last = graph_norm(graph, "bn", pair(graph, PB_OP_MULTIPLY, "square", product, product));
    const uint32_t parts =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONCAT, .name = "parts", .inputs = {0, right, last, right}, .input_count = 4},
                  left);
    const uint32_t joined = graph_relu(graph, "joined", graph_norm(graph, "parts_bn", parts));
    pb_graph_begin_head(graph);
    classify(graph, "fc", plain(graph, PB_OP_BILINEAR_POOL, "bilinear", joined), 3);
    return graph;
}

/* A trunk of one convolution, whose six channels are pooled as pairs: the last node. */
static uint32_t begin_pairs(struct pb_graph *graph, enum pb_op pooling)
{
    const uint32_t last = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 6)));
    pb_graph_begin_head(graph);
    return plain(graph, pooling, "pairs", last);
}

static struct pb_graph *build_isqrt(void)
{
    struct pb_graph *graph = graph_begin("isqrt", 5, 6, 3);
    const uint32_t pairs = begin_pairs(graph, PB_OP_COVARIANCE_POOL);
    const uint32_t root =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_MATRIX_SQRT, .name = "root", .iterations = 3}, pairs);
    classify(graph, "fc", plain(graph, PB_OP_UPPER_TRIANGLE, "upper", root), 4);
    return graph;
}

static struct pb_graph *build_grassmann(void)
{
    struct pb_graph *graph = graph_begin("grassmann", 6, 5, 3);
    const uint32_t pairs = begin_pairs(graph, PB_OP_BILINEAR_POOL);
    classify(
        graph, "fc",
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_GRASSMANN_POOL, .name = "projector", .rank = 2}, pairs), 4);
    return graph;
}

/* The sketch of a concatenation: its channels are of two groups. */
static struct pb_graph *build_sketched(void)
{
    struct pb_graph *graph = graph_begin("sketched", 6, 5, 3);
    const uint32_t stem = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 5)));
    const uint32_t last = graph_relu(graph, "relu2", graph_norm(graph, "bn2", graph_conv(graph, "conv2", stem, 4)));
    const uint32_t parts = pair(graph, PB_OP_CONCAT, "parts", stem, last);
    pb_graph_begin_head(graph);
    const uint32_t pooled = plain(graph, PB_OP_BILINEAR_POOL, "bilinear", parts);
    const uint32_t sketch =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_TENSOR_SKETCH, .name = "sketch", .channels = 40}, pooled);
    const uint32_t root =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGNED_SQRT, .name = "sqrt", .eps = 1e-2}, sketch);
    classify(graph, "fc", plain(graph, PB_OP_L2_NORM, "l2", root), 4);
    return graph;
}

static uint32_t projection(struct pb_graph *graph, const char *name, uint32_t outputs, uint32_t input)
{
    return graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGN_PROJECTION, .name = name, .channels = outputs},
                     input);
}

/* Products of random projections, reduced to classifiers of rank 4: two heads in one. */
static struct pb_graph *build_projected(void)
{
    struct pb_graph *graph = graph_begin("projected", 5, 6, 3);
    const uint32_t last = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 6)));
    pb_graph_begin_head(graph);
    const uint32_t product = pair(graph, PB_OP_MULTIPLY, "product", projection(graph, "signs_1", 7, last),
                                  projection(graph, "signs_2", 7, last));
    const struct pb_conv_attributes pointwise = {.kernel = {1, 1}};
    const uint32_t reduced = graph_norm(graph, "bn2", convolution(graph, "reduce", 5, pointwise, product));
    const uint32_t factors = convolution(graph, "factors", 3 * 4, pointwise, reduced);
    const uint32_t pooled = pool(graph, PB_OP_AVG_POOL, "gap", (struct pb_pool_attributes){0},
                                 pair(graph, PB_OP_MULTIPLY, "square", factors, factors));
    graph_add(graph, (struct pb_graph_node){.op = PB_OP_SIGNED_SUM, .name = "fc", .channels = 3}, pooled);
    pb_graph_end_in_classifier(graph);
    return graph;
}

/* The pooled stem is read three times: by the block, by the addition behind it, and by the one behind that. */
static struct pb_graph *build_mobile(void)
{
    struct pb_graph *graph = graph_begin("mobile", 8, 6, 3);
    const struct pb_conv_attributes depthwise = {.kernel = {3, 3}, .pad = {1, 1}, .groups = 6};
    const struct pb_conv_attributes pointwise = {.kernel = {1, 1}};
    const uint32_t cut =
        plain(graph, PB_OP_RELU6, "stem_cut", graph_norm(graph, "stem_bn", graph_conv(graph, "stem", 0, 6)));
    const uint32_t stem = pool(graph, PB_OP_MAX_POOL, "pool", (struct pb_pool_attributes){.kernel = {2, 2}}, cut);
    const uint32_t filtered = graph_norm(graph, "depthwise_bn", convolution(graph, "depthwise", 6, depthwise, stem));
    const uint32_t projected =
        graph_norm(graph, "project_bn",
                   convolution(graph, "project", 6, pointwise, plain(graph, PB_OP_RELU6, "depthwise_cut", filtered)));
    const uint32_t sum = graph_relu(graph, "relu", graph_sum(graph, "add", projected, stem));
    const uint32_t last = graph_sum(graph, "again", sum, stem);
    pb_graph_begin_head(graph);
    classify(graph, "fc", pool(graph, PB_OP_AVG_POOL, "gap", (struct pb_pool_attributes){0}, last), 4);
    return graph;
}

/* γ, β, biases and running statistics that matter: no ones and zeros. */
static void disturb(struct pb_network *network, struct pb_rng *rng)
{
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        float *values = network->values + parameter->offset;
        if (parameter->role == PB_ROLE_WEIGHT || parameter->role == PB_ROLE_HASH)
            continue;
        for (size_t i = 0; i < parameter->count; i++) {
            const double wide = pb_rng_uniform(rng) - 0.5;
            const bool positive = parameter->role == PB_ROLE_GAMMA || parameter->role == PB_ROLE_RUNNING_VAR;
            values[i] = (float)(positive ? 1 + wide : wide);
        }
    }
}

/* Values behind batch norms that are large enough for ReLU6 to cut. */
static void widen(struct pb_network *network)
{
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        for (size_t i = 0; i < parameter->count && parameter->role == PB_ROLE_GAMMA; i++)
            network->values[parameter->offset + i] *= 4;
    }
}

struct pb_network *small_network(enum small_network kind, double dropout)
{
    struct pb_graph *(*const builders[SMALL_NETWORK_COUNT])(void) = {
        [SMALL_BILINEAR] = build_bilinear, [SMALL_RESIDUAL] = build_residual,   [SMALL_MIXED] = build_mixed,
        [SMALL_BRANCHED] = build_branched, [SMALL_ISQRT] = build_isqrt,         [SMALL_GRASSMANN] = build_grassmann,
        [SMALL_SKETCHED] = build_sketched, [SMALL_PROJECTED] = build_projected, [SMALL_MOBILE] = build_mobile};
    struct pb_graph *graph = kind == SMALL_FLAT ? build_flat(dropout) : builders[kind]();
    struct pb_network *network = NULL;
    struct pb_error error = {0};
    struct pb_rng rng;
    if (pb_network_create(graph, &network, &error))
        fail_msg("%s", error.text);
    pb_network_initialise(network, 12);
    pb_rng_init(&rng, 12, "disturb");
    disturb(network, &rng);
    if (kind == SMALL_MOBILE)
        widen(network);
    return network;
}

const char *small_network_name(enum small_network kind)
{
    static const char *const names[SMALL_NETWORK_COUNT] = {"bilinear", "residual",  "flat",     "mixed",     "branched",
                                                           "isqrt",    "grassmann", "sketched", "projected", "mobile"};
    return names[kind];
}

float *small_images(const struct pb_network *network, uint32_t batch, uint64_t seed)
{
    const size_t count = batch * pb_shape_count(network->graph->nodes[0].shape);
    float *images = calloc(count, sizeof *images);
    struct pb_rng rng;
    assert_non_null(images);
    pb_rng_init(&rng, seed, "images");
    for (size_t i = 0; i < count; i++)
        images[i] = (float)pb_rng_normal(&rng);
    return images;
}

uint32_t *small_labels(const struct pb_network *network, uint32_t batch, uint64_t seed)
{
    uint32_t *labels = calloc(batch, sizeof *labels);
    struct pb_rng rng;
    assert_non_null(labels);
    pb_rng_init(&rng, seed, "labels");
    for (uint32_t n = 0; n < batch; n++)
        labels[n] = pb_rng_below(&rng, network->graph->classes);
    return labels;
}
