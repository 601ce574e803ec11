/* What a stage will cost, predicted before anything runs. */
#include "planning/estimate.h"

#include "plugin/criterion_data.h"
#include "prune/equivalence.h"
#include "prune/threshold.h"
#include "graph/cost.h"
#include "training/piece.h"

double pb_macs_left(const struct pb_target *target)
{
    if (pb_is_threshold(target->measure))
        return 1; /* not known before there are scores; this is the most */
    const double kept = 1 - target->amount;
    return target->measure == PB_MEASURE_CHANNELS ? kept * kept : kept;
}

uint64_t pb_training_macs(const struct pb_train_spec *spec, struct pb_data_counts counts, double forward)
{
    const double epochs = spec->epochs + spec->head_epochs;
    return (uint64_t)(epochs * forward * (3.0 * counts.train + counts.validation));
}

/* Of the teacher, which sees every training image. forward: of the unpruned network. */
static uint64_t teacher_macs(const struct pb_estimate *estimate, const struct pb_link *link, double forward)
{
    const struct pb_train_spec *spec = &link->spec;
    const double epochs = spec->epochs + spec->head_epochs;
    double taught = estimate->teacher * forward;
    if (pb_link_learns_from_file(link))
        taught = estimate->teacher_file ? (double)estimate->teacher_file->macs : 0;
    return spec->distillation == PB_DISTILLATION_NONE ? 0 : (uint64_t)(epochs * taught * estimate->counts.train);
}

/*
 * Of the criterion's passes over the calibration batches: a backward one costs as much as two forward; a Hessian product is two. Synaptic
 * flow is a pass forward and backward of one image, in double precision.
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
    passes += pb_criterion_asks(criterion) & PB_DATA_RELEVANCE ? 2 : 0; /* sums of terms, and what each gets */
    passes += 2.0 * 3 * estimate->products;
    const double flow = pb_criterion_asks(criterion) & PB_DATA_SYNAPTIC_FLOW ? 2 * 3 : 0;
    return (uint64_t)((passes * config->calibration_batches * config->calibration_batch + flow) * forward);
}

static uint32_t steps_per_epoch(const struct pb_estimate *estimate)
{
    const uint32_t batch = estimate->config->batch;
    return batch ? estimate->counts.train / batch : 0;
}

/* The whole training where the piece does not fit, which pb_stage_check says; false where an epoch has no steps. */
static bool find_piece(const struct pb_train_spec *spec, uint32_t steps, struct pb_piece *piece)
{
    struct pb_error ignored;
    const uint64_t all = ((uint64_t)spec->epochs + spec->head_epochs) * steps;
    if (pb_piece_find(spec, steps, piece, &ignored) != PB_OK)
        *piece = (struct pb_piece){.last = all, .all = all};
    return steps > 0 && all > 0;
}

static double share_of_training(const struct pb_estimate *estimate, const struct pb_train_spec *spec)
{
    struct pb_piece piece;
    return find_piece(spec, steps_per_epoch(estimate), &piece) ? (double)(piece.last - piece.first) / (double)piece.all
                                                               : 1;
}

uint32_t pb_stage_epochs(const struct pb_estimate *estimate, const struct pb_link *link)
{
    struct pb_piece piece;
    const uint32_t steps = steps_per_epoch(estimate);
    if (link->verb != PB_VERB_TRAIN && link->verb != PB_VERB_PRETRAIN)
        return 0;
    return find_piece(&link->spec, steps, &piece) ? (uint32_t)((piece.last - piece.first + steps - 1) / steps)
                                                  : link->spec.epochs + link->spec.head_epochs;
}

enum pb_status pb_stage_check(const struct pb_estimate *estimate, const struct pb_link *link, struct pb_error *error)
{
    struct pb_piece piece;
    return link->verb == PB_VERB_TRAIN ? pb_piece_find(&link->spec, steps_per_epoch(estimate), &piece, error) : PB_OK;
}

uint64_t pb_stage_macs(const struct pb_estimate *estimate, const struct pb_link *link, double forward)
{
    const struct pb_cell_config *config = estimate->config;
    const double left = estimate->after * forward;
    switch (link->verb) {
    case PB_VERB_TRAIN:
    case PB_VERB_PRETRAIN:
        return (uint64_t)(share_of_training(estimate, &link->spec) *
                          (double)(pb_training_macs(&link->spec, estimate->counts, left) +
                                   teacher_macs(estimate, link, forward)));
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
    case PB_VERB_REPAIR: /* once through the network before; through the pruned one once for each layer, or in front and behind */
        return (uint64_t)((forward + (link->repair == PB_REPAIR_MEAN ? 2 : estimate->layers) * left) *
                          config->calibration_batches * config->calibration_batch);
    }
    return 0;
}

/* Bytes of a training or inference engine with its penalties, and of the network's parameters. */
static enum pb_status engine_bytes(const struct pb_estimate *estimate, double left, enum pb_engine_mode mode,
                                   uint32_t batch, uint64_t *engine, uint64_t *values, struct pb_error *error)
{
    struct pb_predicted found = {0};
    const enum pb_status status = pb_predict_engine(estimate, left, mode, batch, &found, error);
    *engine = pb_engine_memory_bytes(&found.engine) + found.penalties;
    *values = found.engine.values;
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
                                      PB_DATA_RELEVANCE,
                                      PB_DATA_CONSUMER_ROWS, /* the rows' inputs, */
                                      PB_DATA_CONSUMER_ROWS, /* outputs, */
                                      PB_DATA_CONSUMER_GRADIENTS}; /* and gradients */
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        count += (data & values[i]) != 0;
    return count;
}

/*
 * What scoring takes beside the network: an engine that keeps everything, what a criterion is shown of one layer, and arrays of the
 * network's size: sums of gradients in double precision and their mean; for products a sum, the direction, the result and a network;
 * for a descent a network with its momentum and a gradient.
 */
static enum pb_status score_bytes(const struct pb_estimate *estimate, uint64_t *bytes, struct pb_error *error)
{
    const struct pb_cell_config *config = estimate->config;
    const struct pb_criterion *criterion =
        config->criterion.loaded ? config->criterion.loaded->plugin->criterion : NULL;
    const uint32_t data = pb_estimate_data(config);
    struct pb_predicted found = {0};
    *bytes = 0;
    if (!criterion || !(pb_criterion_reads_batches(criterion) || (data & PB_DATA_SYNAPTIC_FLOW)))
        return PB_OK;
    const enum pb_status status =
        pb_predict_engine(estimate, estimate->before, PB_ENGINE_CALIBRATE, config->calibration_batch, &found, error);
    const uint64_t flow = data & PB_DATA_SYNAPTIC_FLOW ? found.flow : 0;
    if (status != PB_OK || !pb_criterion_reads_batches(criterion)) {
        *bytes = flow;
        return status;
    }
    const uint64_t whole = (data & PB_DATA_ACCUMULATED ? 3u : 0u) + (data & PB_DATA_HESSIAN_PRODUCTS ? 5u : 0u) +
                           (criterion->descent ? 3u : 0u); /* in networks */
    const uint64_t shown = (uint64_t)shown_arrays(data) * config->calibration_batch;
    *bytes = pb_engine_memory_bytes(&found.engine) + shown * found.layer_values + whole * found.engine.values +
             (data & PB_DATA_RELEVANCE ? found.relevance : 0) + flow +
             batches_bytes(estimate, config->calibration_batch, 1);
    return status;
}

/* The network of a teacher's file, and its engine. */
static enum pb_status teacher_file_bytes(const struct pb_estimate *estimate, uint64_t *bytes, struct pb_error *error)
{
    const struct pb_engine_options options = {.batch = estimate->config->batch, .mode = PB_ENGINE_INFER};
    struct pb_engine_memory memory = {0};
    *bytes = 0;
    if (!estimate->teacher_file)
        return PB_OK;
    const struct pb_graph *graph = estimate->teacher_file->graph;
    const enum pb_status status = pb_engine_predict(estimate->device, graph, &options, &memory, error);
    *bytes = pb_engine_memory_bytes(&memory) + graph->value_count * sizeof(float);
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
    if (pb_link_learns_from_file(link))
        return teacher_file_bytes(estimate, bytes, error);
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
    struct pb_predicted found = {0};
    const uint32_t batch = estimate->config->calibration_batch;
    const enum pb_status status = pb_predict_engine(estimate, 1, PB_ENGINE_CALIBRATE, batch, &found, error);
    *bytes = pb_engine_memory_bytes(&found.engine) + 6 * estimate->initial + batches_bytes(estimate, batch, 1);
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
