/* Networks and engines as they will be, predicted once for all cells that have the same. */
#include "planning/predicted.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "graph/build.h"
#include "graph/network.h"
#include "graph/op_table.h"
#include "onnx/onnx_model.h"
#include "plugin/criterion_data.h"
#include "prune/flow.h"
#include "prune/products.h"
#include "prune/relevance.h"
#include "settings/settings.h"
#include "training/penalties.h"

/* A model for so many classes. The matrix's labels distinguish models; the batch norms may be left out by an override. */
struct model {
    const char *name, *file;
    struct pb_head_spec head;
    struct pb_model_widths widths;
    uint32_t classes, image_size;
    double multiplier;
    bool batch_norm;
};
struct pb_predicted_network {
    struct model model;
    struct pb_network_sizes sizes;
};
struct pb_predicted_engine {
    struct model model;
    const struct pb_device *device;
    double left; /* share of the MACs */
    bool masks; /* the network has masks of single weights */
    enum pb_engine_mode mode;
    uint32_t batch;
    bool separate_norms;
    char *penalties; /* what decides which the training has; NULL: the engine does not train */
    struct pb_predicted found;
};

struct pb_predicted_products {
    struct model model;
    double left;
    bool weights;
    char *criterion; /* plugin and options */
    uint32_t count;
};

static struct model model_of(const struct pb_cell_config *config, uint32_t classes)
{
    const struct pb_model_spec *spec = &config->model;
    return (struct model){.name = spec->name,
                          .file = spec->file,
                          .head = spec->head,
                          .widths = spec->widths,
                          .classes = classes,
                          .image_size = spec->image_size,
                          .multiplier = spec->width_multiplier,
                          .batch_norm = spec->batch_norm};
}

static bool same_model(const struct model *a, const struct model *b)
{
    return a->classes == b->classes && a->image_size == b->image_size && a->multiplier == b->multiplier &&
           a->batch_norm == b->batch_norm && strcmp(a->name, b->name) == 0 && pb_widths_equal(&a->widths, &b->widths) &&
           pb_heads_equal(&a->head, &b->head) && !a->file == !b->file && (!a->file || strcmp(a->file, b->file) == 0);
}

void pb_estimates_free(struct pb_estimates *estimates)
{
    for (uint32_t i = 0; i < estimates->products_count; i++)
        pb_free(estimates->products[i].criterion);
    pb_free(estimates->products);
    for (uint32_t i = 0; i < estimates->engine_count; i++)
        pb_free(estimates->engines[i].penalties);
    pb_free(estimates->networks);
    pb_free(estimates->engines);
    *estimates = (struct pb_estimates){0};
}

uint32_t pb_estimate_data(const struct pb_cell_config *config)
{
    return config->criterion.loaded ? pb_criterion_asks(config->criterion.loaded->plugin->criterion) : 0;
}

/* A network from a file, its prunable layers narrowed alike. */
static enum pb_status narrow(const struct pb_model_spec *model, double width, struct pb_graph **graph,
                             struct pb_error *error)
{
    struct pb_graph *whole = NULL;
    struct pb_channel_groups groups = {0};
    uint32_t *kept = NULL;
    enum pb_status status = pb_model_open(model, &whole, error);
    if (status == PB_OK)
        status = pb_channel_groups_find(whole, &groups, error);
    if (status == PB_OK && !(kept = pb_calloc(groups.count + 1u, sizeof *kept)))
        status = pb_fail_memory(error, groups.count * sizeof *kept);
    for (uint32_t g = 0; status == PB_OK && g < groups.count; g++)
        kept[g] = (uint32_t)fmax(1, round(groups.groups[g].channels * width));
    if (status == PB_OK)
        status = pb_graph_shrink(whole, &groups, kept, graph, error);
    pb_free(kept);
    pb_channel_groups_free(&groups);
    pb_graph_free(&whole);
    return status;
}

/* The cell's network when a share of its MACs is left, all layers narrowed alike. */
static enum pb_status build(const struct pb_cell_config *config, uint32_t classes, double left, struct pb_graph **graph,
                            struct pb_error *error)
{
    struct pb_model_spec model = config->model;
    const double width = sqrt(left);
    struct pb_model_widths widths = {0};
    model.classes = classes;
    if (model.file)
        return narrow(&model, width, graph, error);
    enum pb_status status = pb_widths_copy(&model.widths, &widths, error);
    if (status != PB_OK)
        return status;
    for (uint32_t i = 0; i < widths.count; i++)
        widths.list[i].channels = (uint32_t)fmax(1, round(widths.list[i].channels * width));
    model.widths = widths;
    if (!widths.count || pb_widths_are_named(&widths))
        model.width_multiplier *= width;
    status = pb_model_open(&model, graph, error);
    pb_widths_free(&widths);
    return status;
}

static struct pb_network_sizes sizes_of(const struct pb_graph *graph)
{
    struct pb_network_sizes sizes = {.cost = pb_graph_cost(graph), .bytes = graph->value_count * sizeof(float)};
    for (uint32_t i = 0; i < graph->node_count; i++)
        sizes.layers += pb_graph_operator(graph->nodes[i].op)->resize != NULL;
    return sizes;
}

enum pb_status pb_estimate_network(struct pb_estimates *known, const struct pb_cell_config *config, uint32_t classes,
                                   struct pb_network_sizes *sizes, struct pb_error *error)
{
    struct pb_predicted_network made = {.model = model_of(config, classes)};
    struct pb_graph *graph = NULL;
    for (uint32_t i = 0; i < known->network_count; i++)
        if (same_model(&known->networks[i].model, &made.model)) {
            *sizes = known->networks[i].sizes;
            return PB_OK;
        }
    const enum pb_status status = build(config, classes, 1, &graph, error);
    if (status != PB_OK)
        return status;
    made.sizes = sizes_of(graph);
    pb_graph_free(&graph);
    struct pb_predicted_network *grown = pb_array_room(known->networks, known->network_count, sizeof *grown, error);
    if (!grown)
        return PB_ERROR_MEMORY;
    known->networks = grown;
    grown[known->network_count++] = made;
    *sizes = made.sizes;
    return PB_OK;
}

static uint64_t largest_layer(const struct pb_graph *graph)
{
    size_t most = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const size_t values = pb_shape_count(graph->nodes[i].shape);
        most = pb_makes_channels(graph, i) && values > most ? values : most;
    }
    return most * sizeof(float);
}

/* A penalty that cannot be used in this network counts nothing here: its training says why. */
static enum pb_status predict_penalties(const struct pb_estimate *estimate, const struct pb_graph *graph,
                                        uint64_t *bytes, struct pb_error *error)
{
    const struct pb_train_job job = {.config = estimate->config, .spec = estimate->training};
    struct pb_error refusal = {0};
    const enum pb_status status = pb_penalty_set_predict(&job, graph, bytes, &refusal);
    if (status == PB_ERROR_MEMORY)
        *error = refusal;
    return status == PB_ERROR_MEMORY ? status : PB_OK;
}

static enum pb_status predict(const struct pb_estimate *estimate, struct pb_predicted_engine *made,
                              struct pb_error *error)
{
    const struct pb_engine_options options = {
        .batch = made->batch, .mode = made->mode, .separate_norms = made->separate_norms, .weight_masks = made->masks};
    struct pb_graph *graph = NULL;
    enum pb_status status = build(estimate->config, estimate->counts.classes, made->left, &graph, error);
    if (status == PB_OK)
        status = pb_engine_predict(estimate->device, graph, &options, &made->found.engine, error);
    if (status == PB_OK) {
        made->found.layer_values = largest_layer(graph);
        made->found.relevance = pb_relevance_bytes(graph, made->batch);
        made->found.flow = pb_synaptic_flow_bytes(graph);
    }
    if (status == PB_OK && made->penalties)
        status = predict_penalties(estimate, graph, &made->found.penalties, error);
    if (graph)
        pb_graph_free(&graph);
    return status;
}

static bool separates_norms(const struct pb_cell_config *config)
{
    return (pb_estimate_data(config) & (PB_DATA_NORMALISED | PB_DATA_NORMALISED_GRADIENTS)) != 0;
}

/* What decides which penalties a training has, and their units. NULL when memory is out. */
static char *penalties_key(const struct pb_estimate *estimate)
{
    const struct pb_train_spec *spec = estimate->training;
    struct pb_text key = {0};
    const struct pb_settings_sink sink = pb_settings_into(&key);
    pb_text_append(&key, "%d %d\n", spec->lambda[PB_PENALTY_NORMS] > 0, spec->lambda[PB_PENALTY_LAST_NORM] > 0);
    pb_settings_penalties(&sink, estimate->config, spec);
    return key.failed ? NULL : key.data;
}

static bool same_engine(const struct pb_predicted_engine *a, const struct pb_predicted_engine *b)
{
    return a->left == b->left && a->masks == b->masks && a->mode == b->mode && a->batch == b->batch &&
           a->device == b->device && a->separate_norms == b->separate_norms && same_model(&a->model, &b->model) &&
           !a->penalties == !b->penalties && (!a->penalties || strcmp(a->penalties, b->penalties) == 0);
}

enum pb_status pb_predict_engine(const struct pb_estimate *estimate, double left, enum pb_engine_mode mode,
                                 uint32_t batch, struct pb_predicted *engine, struct pb_error *error)
{
    struct pb_estimates *known = estimate->known;
    struct pb_predicted_engine made = {.model = model_of(estimate->config, estimate->counts.classes),
                                       .device = estimate->device,
                                       .left = left,
                                       .masks = estimate->masked,
                                       .mode = mode,
                                       .batch = batch,
                                       .separate_norms =
                                           mode == PB_ENGINE_CALIBRATE && separates_norms(estimate->config)};
    if (mode == PB_ENGINE_TRAIN && estimate->training && !(made.penalties = penalties_key(estimate)))
        return pb_fail_memory(error, 256);
    for (uint32_t i = 0; i < known->engine_count; i++)
        if (same_engine(&known->engines[i], &made)) {
            pb_free(made.penalties);
            *engine = known->engines[i].found;
            return PB_OK;
        }
    enum pb_status status = predict(estimate, &made, error);
    struct pb_predicted_engine *grown = NULL;
    if (status == PB_OK && !(grown = pb_array_room(known->engines, known->engine_count, sizeof *grown, error)))
        status = PB_ERROR_MEMORY;
    if (status != PB_OK) {
        pb_free(made.penalties);
        return status;
    }
    known->engines = grown;
    grown[known->engine_count++] = made;
    *engine = made.found;
    return PB_OK;
}

/* A criterion that cannot be used in this network counts nothing here: its stage says why. */
static enum pb_status count_products(const struct pb_estimate *estimate, struct pb_predicted_products *made,
                                     struct pb_error *error)
{
    const struct pb_choice *criterion = &estimate->config->criterion;
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    struct pb_error refusal = {0};
    enum pb_status status = build(estimate->config, estimate->counts.classes, made->left, &graph, error);
    if (status == PB_OK)
        status = pb_network_create(graph, &network, error);
    if (status != PB_OK)
        return status;
    pb_network_initialise(network, estimate->config->seed);
    if (pb_criterion_count_products(criterion->loaded, &criterion->options, network, made->weights, &made->count,
                                    &refusal) == PB_ERROR_MEMORY) {
        *error = refusal;
        status = PB_ERROR_MEMORY;
    }
    pb_network_free(&network);
    return status;
}

enum pb_status pb_predict_products(const struct pb_estimate *estimate, double left, bool weights, uint32_t *count,
                                   struct pb_error *error)
{
    struct pb_estimates *known = estimate->known;
    struct pb_text key = {0};
    const struct pb_settings_sink sink = pb_settings_into(&key);
    *count = 0;
    if (!(pb_estimate_data(estimate->config) & PB_DATA_HESSIAN_PRODUCTS))
        return PB_OK;
    pb_settings_choice(&sink, "criterion", &estimate->config->criterion, true);
    struct pb_predicted_products made = {.model = model_of(estimate->config, estimate->counts.classes),
                                         .left = left,
                                         .weights = weights,
                                         .criterion = key.data};
    if (key.failed)
        return pb_fail_memory(error, key.capacity);
    for (uint32_t i = 0; i < known->products_count; i++) {
        const struct pb_predicted_products *other = &known->products[i];
        if (other->left == left && other->weights == weights && strcmp(other->criterion, made.criterion) == 0 &&
            same_model(&other->model, &made.model)) {
            *count = other->count;
            pb_text_free(&key);
            return PB_OK;
        }
    }
    enum pb_status status = count_products(estimate, &made, error);
    struct pb_predicted_products *grown = NULL;
    if (status == PB_OK && !(grown = pb_array_room(known->products, known->products_count, sizeof *grown, error)))
        status = PB_ERROR_MEMORY;
    if (status != PB_OK) {
        pb_text_free(&key);
        return status;
    }
    known->products = grown;
    grown[known->products_count++] = made;
    *count = made.count;
    return PB_OK;
}
