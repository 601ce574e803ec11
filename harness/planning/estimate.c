/* What a stage will cost, predicted before anything runs. */
#include "planning/estimate.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "plugin/criterion_data.h"
#include "prune/equivalence.h"
#include "graph/cost.h"
#include "graph/op_table.h"
#include "settings/settings.h"
#include "training/penalties.h"
#include "training/piece.h"

/* A model for so many classes. The matrix's labels distinguish models; the batch norms may be left out by an override. */
struct model {
    const char *name;
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
    struct pb_engine_memory memory;
    uint64_t penalty_bytes;
    uint64_t layer_values; /* bytes of the largest activation of a layer, one image */
};

static struct model model_of(const struct pb_cell_config *config, uint32_t classes)
{
    const struct pb_model_spec *spec = &config->model;
    return (struct model){.name = spec->name,
                          .widths = spec->widths,
                          .classes = classes,
                          .image_size = spec->image_size,
                          .multiplier = spec->width_multiplier,
                          .batch_norm = spec->batch_norm};
}

static bool same_model(const struct model *a, const struct model *b)
{
    return a->classes == b->classes && a->image_size == b->image_size && a->multiplier == b->multiplier &&
           a->batch_norm == b->batch_norm && strcmp(a->name, b->name) == 0 && pb_widths_equal(&a->widths, &b->widths);
}

void pb_estimates_free(struct pb_estimates *estimates)
{
    for (uint32_t i = 0; i < estimates->engine_count; i++)
        pb_free(estimates->engines[i].penalties);
    pb_free(estimates->networks);
    pb_free(estimates->engines);
    *estimates = (struct pb_estimates){0};
}

double pb_macs_left(const struct pb_target *target)
{
    const double kept = 1 - target->amount;
    return target->measure == PB_MEASURE_CHANNELS ? kept * kept : kept;
}

uint64_t pb_training_macs(const struct pb_train_spec *spec, struct pb_data_counts counts, double forward)
{
    const double epochs = spec->epochs + spec->head_epochs;
    return (uint64_t)(epochs * forward * (3.0 * counts.train + counts.validation));
}

/* Of the teacher, which sees every training image. */
static uint64_t teacher_macs(const struct pb_train_spec *spec, struct pb_data_counts counts, double forward)
{
    const double epochs = spec->epochs + spec->head_epochs;
    return spec->distillation == PB_DISTILLATION_NONE ? 0 : (uint64_t)(epochs * forward * counts.train);
}

/*
 * Of the criterion's passes over the calibration batches: a backward one costs as much as two forward. One Hessian product is counted;
 * how many there are, only the criterion says when it runs.
 */
static uint64_t calibration_macs(const struct pb_estimate *estimate, double forward)
{
    const struct pb_cell_config *config = estimate->config;
    const struct pb_criterion *criterion = config->criterion.loaded->plugin->criterion;
    double passes = 0;
    if (pb_criterion_differentiates(criterion))
        passes = 3;
    else if (pb_criterion_asks(criterion) & PB_DATA_OBSERVED)
        passes = 1;
    if (pb_criterion_asks(criterion) & PB_DATA_HESSIAN_PRODUCTS)
        passes += 2 * 3;
    return (uint64_t)(passes * forward * config->calibration_batches * config->calibration_batch);
}

/* That a piece is; 1 where it does not fit, which pb_stage_check says. */
static double share_of_training(const struct pb_train_spec *spec, struct pb_data_counts counts, uint32_t batch)
{
    struct pb_piece piece;
    struct pb_error ignored;
    const uint32_t steps = batch ? counts.train / batch : 0;
    if (!steps || pb_piece_find(spec, steps, &piece, &ignored) != PB_OK)
        return 1;
    return (double)(piece.last - piece.first) / (double)piece.all;
}

enum pb_status pb_stage_check(const struct pb_estimate *estimate, const struct pb_link *link, struct pb_error *error)
{
    struct pb_piece piece;
    const uint32_t batch = estimate->config->batch;
    return link->verb == PB_VERB_TRAIN
               ? pb_piece_find(&link->spec, batch ? estimate->counts.train / batch : 0, &piece, error)
               : PB_OK;
}

uint64_t pb_stage_macs(const struct pb_estimate *estimate, const struct pb_link *link, double forward)
{
    const struct pb_cell_config *config = estimate->config;
    const double left = estimate->after * forward;
    switch (link->verb) {
    case PB_VERB_TRAIN:
    case PB_VERB_PRETRAIN:
        return (uint64_t)(share_of_training(&link->spec, estimate->counts, config->batch) *
                          (double)(pb_training_macs(&link->spec, estimate->counts, left) +
                                   teacher_macs(&link->spec, estimate->counts, estimate->teacher * forward)));
    case PB_VERB_SCORE:
        return config->criterion.loaded->plugin->criterion->select ? 0 : calibration_macs(estimate, left);
    case PB_VERB_MASK:
        return calibration_macs(estimate, left);
    case PB_VERB_RECALIBRATE: {
        const uint64_t images = link->batches ? (uint64_t)link->batches * config->batch : estimate->counts.train;
        return (uint64_t)(left * (double)images);
    }
    case PB_VERB_PRUNE: /* a criterion that selects looks at its batches now */
        return config->criterion.loaded->plugin->criterion->select
                   ? calibration_macs(estimate, estimate->before * forward)
                   : 0;
    case PB_VERB_REWIND:
    case PB_VERB_REINITIALISE:
        break;
    case PB_VERB_REPAIR: /* once through the network before, and once for each layer through the pruned one */
        return (uint64_t)((forward + estimate->layers * left) * config->calibration_batches *
                          config->calibration_batch);
    }
    return 0;
}

/* The cell's network when a share of its MACs is left, all layers narrowed alike. */
static enum pb_status build(const struct pb_cell_config *config, uint32_t classes, double left, struct pb_graph **graph,
                            struct pb_error *error)
{
    struct pb_model_spec model = config->model;
    const double width = sqrt(left);
    struct pb_model_widths widths = {0};
    enum pb_status status = pb_widths_copy(&model.widths, &widths, error);
    if (status != PB_OK)
        return status;
    for (uint32_t i = 0; i < widths.count; i++)
        widths.list[i].channels = (uint32_t)fmax(1, round(widths.list[i].channels * width));
    model.classes = classes;
    model.widths = widths;
    if (!widths.count || pb_widths_are_named(&widths))
        model.width_multiplier *= width;
    status = pb_model_build(&model, graph, error);
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
        status = pb_engine_predict(estimate->device, graph, &options, &made->memory, error);
    if (status == PB_OK)
        made->layer_values = largest_layer(graph);
    if (status == PB_OK && made->penalties)
        status = predict_penalties(estimate, graph, &made->penalty_bytes, error);
    if (graph)
        pb_graph_free(&graph);
    return status;
}

static uint32_t data_of(const struct pb_cell_config *config)
{
    return config->criterion.loaded ? pb_criterion_asks(config->criterion.loaded->plugin->criterion) : 0;
}

static bool separates_norms(const struct pb_cell_config *config)
{
    return (data_of(config) & (PB_DATA_NORMALISED | PB_DATA_NORMALISED_GRADIENTS)) != 0;
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

/* The engine for a network of which a share is left; predicted once. */
static enum pb_status engine_of(const struct pb_estimate *estimate, double left, enum pb_engine_mode mode,
                                uint32_t batch, struct pb_predicted_engine *engine, struct pb_error *error)
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
            *engine = known->engines[i];
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
    *engine = made;
    return PB_OK;
}

/* Bytes of a training or inference engine with its penalties, and of the network's parameters. */
static enum pb_status engine_bytes(const struct pb_estimate *estimate, double left, enum pb_engine_mode mode,
                                   uint32_t batch, uint64_t *engine, uint64_t *values, struct pb_error *error)
{
    struct pb_predicted_engine found = {0};
    const enum pb_status status = engine_of(estimate, left, mode, batch, &found, error);
    *engine = pb_engine_memory_bytes(&found.memory) + found.penalty_bytes;
    *values = found.memory.values;
    return status;
}

static uint64_t batches_bytes(const struct pb_estimate *estimate, uint32_t batch, uint32_t threads)
{
    return pb_batches_bytes(estimate->config->preprocess.image_size, batch, threads);
}

/* Arrays of a layer's outputs that a criterion is shown of one layer, or that what it is shown is computed from. */
static uint32_t shown_arrays(uint32_t data)
{
    static const uint32_t values[] = {PB_DATA_ACTIVATIONS | PB_DATA_GATE_GRADIENTS,
                                      PB_DATA_ACTIVATION_GRADIENTS | PB_DATA_GATE_GRADIENTS,
                                      PB_DATA_CONVOLVED,
                                      PB_DATA_CONVOLVED_GRADIENTS,
                                      PB_DATA_NORMALISED,
                                      PB_DATA_NORMALISED_GRADIENTS,
                                      PB_DATA_CONSUMER_ROWS, /* the rows' inputs, */
                                      PB_DATA_CONSUMER_ROWS}; /* and outputs */
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        count += (data & values[i]) != 0;
    return count;
}

/*
 * What scoring takes beside the network: an engine that keeps everything, what a criterion is shown of one layer, and arrays of the
 * network's size: sums of gradients in double precision and their mean; for products a sum, the direction, the result and a network.
 */
static enum pb_status score_bytes(const struct pb_estimate *estimate, uint64_t *bytes, struct pb_error *error)
{
    const struct pb_cell_config *config = estimate->config;
    const struct pb_criterion *criterion =
        config->criterion.loaded ? config->criterion.loaded->plugin->criterion : NULL;
    const uint32_t data = data_of(config);
    struct pb_predicted_engine found = {0};
    *bytes = 0;
    if (!criterion || !pb_criterion_reads_batches(criterion))
        return PB_OK;
    const enum pb_status status =
        engine_of(estimate, estimate->before, PB_ENGINE_CALIBRATE, config->calibration_batch, &found, error);
    const uint64_t whole =
        (data & PB_DATA_ACCUMULATED ? 3u : 0u) + (data & PB_DATA_HESSIAN_PRODUCTS ? 5u : 0u); /* in networks */
    const uint64_t shown = (uint64_t)shown_arrays(data) * config->calibration_batch;
    *bytes = pb_engine_memory_bytes(&found.memory) + shown * found.layer_values + whole * found.memory.values +
             batches_bytes(estimate, config->calibration_batch, 1);
    return status;
}

/* A teacher's network with its momentum, and its engine. */
static enum pb_status teacher_bytes(const struct pb_estimate *estimate, const struct pb_link *link, uint64_t *bytes,
                                    struct pb_error *error)
{
    uint64_t engine = 0, values = 0;
    *bytes = 0;
    if (link->spec.distillation == PB_DISTILLATION_NONE)
        return PB_OK;
    const enum pb_status status =
        engine_bytes(estimate, estimate->teacher, PB_ENGINE_INFER, estimate->config->batch, &engine, &values, error);
    *bytes = engine + 2 * values;
    return status;
}

/* Beside the parent: the network in training and its momentum, the best so far, and their engine. */
static enum pb_status train_bytes(const struct pb_estimate *estimate, const struct pb_link *link, uint64_t *bytes,
                                  struct pb_error *error)
{
    const struct pb_cell_config *config = estimate->config;
    uint64_t engine = 0, values = 0, scores = 0, teacher = 0;
    struct pb_estimate penalised = *estimate;
    penalised.training = &link->spec;
    enum pb_status status =
        engine_bytes(&penalised, estimate->before, PB_ENGINE_TRAIN, config->batch, &engine, &values, error);
    if (status == PB_OK && link->spec.soft_zero != PB_ZERO_NONE)
        status = score_bytes(estimate, &scores, error);
    if (status == PB_OK)
        status = teacher_bytes(estimate, link, &teacher, error);
    const uint64_t networks = link->spec.return_state == PB_RETURN_BEST ? 2 : 1;
    *bytes = networks * 2 * values + engine + 2 * batches_bytes(estimate, config->batch, estimate->threads) + scores +
             teacher;
    return status;
}

/* The network after, and the masked one that it is compared with, the one engine after the other. */
static enum pb_status prune_bytes(const struct pb_estimate *estimate, uint64_t *bytes, struct pb_error *error)
{
    const uint32_t batch = pb_removal_check_images(estimate->counts.validation, estimate->counts.train);
    uint64_t whole = 0, cut = 0, whole_values = 0, cut_values = 0, select = 0;
    enum pb_status status =
        engine_bytes(estimate, estimate->before, PB_ENGINE_INFER, batch, &whole, &whole_values, error);
    if (status == PB_OK)
        status = engine_bytes(estimate, estimate->after, PB_ENGINE_INFER, batch, &cut, &cut_values, error);
    if (status == PB_OK && estimate->config->criterion.loaded->plugin->criterion->select)
        status = score_bytes(estimate, &select, error);
    *bytes = select + 2 * (whole_values + cut_values) + (whole > cut ? whole : cut) +
             batches_bytes(estimate, PB_REMOVAL_CHECK_BATCH, 1);
    return status;
}

/* A copy, a second one that the engine is read into, and sums in double. */
static enum pb_status recalibrate_bytes(const struct pb_estimate *estimate, uint64_t *bytes, struct pb_error *error)
{
    const uint32_t batch = estimate->config->batch;
    uint64_t engine = 0, values = 0;
    const enum pb_status status =
        engine_bytes(estimate, estimate->before, PB_ENGINE_TRAIN, batch, &engine, &values, error);
    *bytes = (2 + 2 + 2) * values + engine + batches_bytes(estimate, batch, estimate->threads);
    return status;
}

/* Both networks, and an engine that keeps everything of the larger one. */
static enum pb_status repair_bytes(const struct pb_estimate *estimate, uint64_t *bytes, struct pb_error *error)
{
    struct pb_predicted_engine found = {0};
    const uint32_t batch = estimate->config->calibration_batch;
    const enum pb_status status = engine_of(estimate, 1, PB_ENGINE_CALIBRATE, batch, &found, error);
    *bytes = pb_engine_memory_bytes(&found.memory) + 6 * estimate->initial + batches_bytes(estimate, batch, 1);
    return status;
}

/* A copy with its momentum; of every weight a score, and of those of one layer a copy, its scores as they are given, and marks. */
static enum pb_status mask_bytes(const struct pb_estimate *estimate, uint64_t *bytes, struct pb_error *error)
{
    uint64_t engine = 0, values = 0, scoring = 0;
    enum pb_status status = engine_bytes(estimate, estimate->before, PB_ENGINE_INFER, 1, &engine, &values, error);
    if (status == PB_OK)
        status = score_bytes(estimate, &scoring, error);
    *bytes = scoring + (2 + 2) * values + (1 + 2 + 1) * values;
    return status;
}

static enum pb_status work_bytes(const struct pb_estimate *estimate, const struct pb_link *link, uint64_t *bytes,
                                 struct pb_error *error)
{
    switch (link->verb) {
    case PB_VERB_TRAIN:
    case PB_VERB_PRETRAIN:
        return train_bytes(estimate, link, bytes, error);
    case PB_VERB_SCORE:
        return score_bytes(estimate, bytes, error);
    case PB_VERB_PRUNE:
        return prune_bytes(estimate, bytes, error);
    case PB_VERB_RECALIBRATE:
        return recalibrate_bytes(estimate, bytes, error);
    case PB_VERB_REWIND: /* the earlier network is read from its file while the cut copy of it waits */
        *bytes = 6 * estimate->initial;
        return PB_OK;
    case PB_VERB_REINITIALISE:
        *bytes = 4 * estimate->initial;
        return PB_OK;
    case PB_VERB_REPAIR:
        return repair_bytes(estimate, bytes, error);
    case PB_VERB_MASK:
        return mask_bytes(estimate, bytes, error);
    }
    return PB_OK;
}

enum pb_status pb_stage_bytes(const struct pb_estimate *estimate, const struct pb_link *link, uint64_t *bytes,
                              struct pb_error *error)
{
    const uint32_t batch =
        estimate->config->evaluate_batch ? estimate->config->evaluate_batch : estimate->config->batch;
    uint64_t work = 0, engine = 0, values = 0, parent = 0, ignored = 0;
    enum pb_status status = work_bytes(estimate, link, &work, error);
    if (status == PB_OK)
        status = engine_bytes(estimate, estimate->after, PB_ENGINE_INFER, batch, &engine, &values, error);
    if (status == PB_OK && estimate->loaded)
        status = engine_bytes(estimate, estimate->before, PB_ENGINE_INFER, batch, &ignored, &parent, error);
    const uint64_t making = 2 * parent + work;
    const uint64_t evaluating = 2 * values + engine + batches_bytes(estimate, batch, estimate->threads);
    *bytes = estimate->initial + (making > evaluating ? making : evaluating);
    return status;
}
