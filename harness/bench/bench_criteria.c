/* What scoring costs, of every criterion. */
#include "bench/bench_criteria.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bench/bench_images.h"
#include "engine/engine.h"
#include "plugin/criterion_data.h"
#include "prune/masking.h"
#include "prune/prune.h"

enum { PASSES = 4, WIDTH = 320, HEIGHT = 240 };
static const double removed_share = 0.3; /* of channels, where the criterion chooses them itself */

/* What all criteria are measured on. */
struct bench {
    const struct pb_bench_criteria_spec *spec;
    struct pb_channel_groups groups;
    struct pb_preprocess preprocess;
    struct pb_bench_images images;
    double (*clock)(void);
};

static enum pb_status open_images(struct bench *bench, struct pb_error *error)
{
    const struct pb_bench_criteria_spec *spec = bench->spec;
    const uint32_t whole = (spec->images + PB_BENCH_CLASSES - 1) / PB_BENCH_CLASSES * PB_BENCH_CLASSES;
    if (spec->network->graph->classes < PB_BENCH_CLASSES)
        return pb_fail(error, PB_ERROR_INPUT, "bench: images of %d classes are drawn, but the model has %u",
                       PB_BENCH_CLASSES, spec->network->graph->classes);
    pb_preprocess_default(&bench->preprocess);
    bench->preprocess.image_size = spec->network->graph->nodes[0].shape.height;
    const struct pb_bench_images_spec requested = {.registry = spec->registry,
                                                   .count = whole,
                                                   .width = WIDTH,
                                                   .height = HEIGHT,
                                                   .preprocess = &bench->preprocess,
                                                   .threads = spec->threads};
    return pb_bench_images_open(&requested, &bench->images, error);
}

static enum pb_status open_batches(const struct bench *bench, struct pb_batches **batches, struct pb_error *error)
{
    const struct pb_batches_spec spec = {.samples = bench->images.set->train,
                                         .sample_count = bench->images.set->train_count,
                                         .batch = bench->spec->batch,
                                         .seed = 1,
                                         .threads = 1};
    return pb_batches_create(bench->images.cache, &bench->preprocess, &spec, batches, error);
}

/* Forward and backward on one batch, several times: the least of them, behind the first. */
static enum pb_status time_passes(const struct bench *bench, struct pb_batches *batches, double *seconds,
                                  struct pb_error *error)
{
    const struct pb_bench_criteria_spec *spec = bench->spec;
    const struct pb_engine_options options = {.batch = spec->batch, .mode = PB_ENGINE_CALIBRATE, .seed = 1};
    struct pb_engine *engine = NULL;
    struct pb_batch batch = {0};
    double loss, least = INFINITY;
    enum pb_status status = pb_batches_start(batches, 0, error);
    if (status == PB_OK)
        status = pb_batches_next(batches, &batch, error);
    if (status == PB_OK)
        status = pb_engine_create(spec->device, spec->network, &options, &engine, error);
    for (int pass = 0; pass < PASSES && status == PB_OK; pass++) {
        const double began = bench->clock();
        status = pb_engine_backward(engine, batch.images, batch.labels, &loss, NULL, error);
        least = pass ? fmin(least, bench->clock() - began) : least;
    }
    pb_engine_free(&engine);
    *seconds = least / spec->batch;
    return status;
}

static enum pb_status time_reference(const struct bench *bench, double *seconds, struct pb_error *error)
{
    struct pb_batches *batches = NULL;
    enum pb_status status = open_batches(bench, &batches, error);
    if (status == PB_OK)
        status = time_passes(bench, batches, seconds, error);
    pb_batches_free(&batches);
    return status;
}

/* Lets the criterion choose channels: as many of each layer as equal scores would remove. */
static enum pb_status select_channels(const struct bench *bench, const struct pb_loaded *loaded,
                                      const struct pb_options *options, const struct pb_calibration *calibration,
                                      const struct pb_scores *scores, struct pb_error *error)
{
    const struct pb_network *network = bench->spec->network;
    const struct pb_cost cost = pb_graph_cost(network->graph);
    const struct pb_original original = {.channels = bench->groups.total, .params = cost.params, .macs = cost.macs};
    const struct pb_ranking ranking = {.scope = PB_SCOPE_LAYER, .floor = 1, .round_to = 1, .seed = 1};
    const struct pb_target target = {.size = sizeof target, .measure = PB_MEASURE_CHANNELS, .amount = removed_share};
    struct pb_pruning pruning = {0};
    enum pb_status status = pb_rank(network, &bench->groups, scores, &ranking, target, &original, &pruning, error);
    if (status == PB_OK)
        status = pb_select_channels(loaded, options, network, &bench->groups, calibration, NULL, &pruning, error);
    pb_pruning_free(&pruning);
    return status;
}

static enum pb_status score(const struct bench *bench, const struct pb_loaded *loaded, const struct pb_options *options,
                            const struct pb_calibration *calibration, bool weights, struct pb_error *error)
{
    const struct pb_network *network = bench->spec->network;
    struct pb_weight_scores weight_scores = {0};
    struct pb_scores scores = {0};
    enum pb_status status;
    if (weights)
        status = pb_score_weights(loaded, options, network, &bench->groups, calibration, &weight_scores, error);
    else
        status = pb_score_network(loaded, options, network, &bench->groups, loaded->plugin->criterion->coupling,
                                  calibration, &scores, error);
    if (status == PB_OK && !weights && loaded->plugin->criterion->select)
        status = select_channels(bench, loaded, options, calibration, &scores, error);
    pb_weight_scores_free(&weight_scores);
    pb_scores_free(&scores);
    return status;
}

static void find_slowest(const struct pb_graph *graph, const struct pb_scoring_times *times,
                         struct pb_criterion_cost *cost)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const double seconds = times->nodes[i].batches + times->nodes[i].after;
        if (seconds > cost->layer_seconds) {
            cost->layer_seconds = seconds;
            cost->layer = graph->nodes[i].name;
        }
    }
}

/* Those that struct pb_scoring_times counts. */
static uint32_t timed_images(const struct pb_bench_criteria_spec *spec)
{
    return spec->images > spec->batch ? spec->images - spec->batch : spec->images;
}

static enum pb_status time_scoring(const struct bench *bench, const struct pb_loaded *loaded,
                                   const struct pb_options *options, struct pb_scoring_times *times,
                                   struct pb_criterion_cost *cost, struct pb_error *error)
{
    const struct pb_bench_criteria_spec *spec = bench->spec;
    struct pb_calibration calibration = {.device = spec->device,
                                         .batch = spec->batch,
                                         .batch_count = spec->images / spec->batch,
                                         .seed = 1,
                                         .threads = spec->threads,
                                         .times = times};
    enum pb_status status = PB_OK;
    if (pb_criterion_reads_batches(loaded->plugin->criterion)) {
        cost->images = spec->images;
        status = open_batches(bench, &calibration.batches, error);
    }
    if (status == PB_OK) {
        const double began = bench->clock();
        status = score(bench, loaded, options, &calibration, cost->weights, &cost->refusal);
        cost->seconds = bench->clock() - began;
        cost->image_seconds = cost->images ? times->passes / timed_images(spec) : 0;
        find_slowest(spec->network->graph, times, cost);
        if (status == PB_ERROR_MEMORY)
            *error = cost->refusal;
        cost->refusal.status = status;
    }
    pb_batches_free(&calibration.batches);
    return status == PB_ERROR_MEMORY || !cost->refusal.status ? status : PB_OK;
}

static enum pb_status measure_one(const struct bench *bench, const struct pb_loaded *loaded, bool weights,
                                  struct pb_criterion_cost *cost, struct pb_error *error)
{
    struct pb_options options = {0};
    struct pb_scoring_times times = {.clock = bench->clock};
    *cost = (struct pb_criterion_cost){.name = loaded->plugin->name, .weights = weights};
    if (bench->spec->progress)
        bench->spec->progress(cost->name);
    times.nodes = pb_calloc(bench->spec->network->graph->node_count, sizeof *times.nodes);
    if (!times.nodes)
        return pb_fail_memory(error, bench->spec->network->graph->node_count * sizeof *times.nodes);
    enum pb_status status = pb_options_create(loaded->plugin, &options, error);
    if (status == PB_OK)
        status = pb_options_finish(&options, NULL, error);
    if (status == PB_OK)
        status = time_scoring(bench, loaded, &options, &times, cost, error);
    pb_options_free(&options);
    pb_free(times.nodes);
    return status;
}

static bool is_asked_for(const struct pb_bench_criteria_spec *spec, const struct pb_loaded *loaded)
{
    bool found = !spec->names;
    for (size_t i = 0; spec->names && spec->names[i]; i++)
        found = found || !strcmp(spec->names[i], loaded->plugin->name);
    return found && loaded->plugin->kind == PB_KIND_CRITERION;
}

static enum pb_status check_names(const struct pb_bench_criteria_spec *spec, struct pb_error *error)
{
    const struct pb_loaded *loaded;
    enum pb_status status = PB_OK;
    for (size_t i = 0; spec->names && spec->names[i] && status == PB_OK; i++)
        status = pb_registry_find(spec->registry, PB_KIND_CRITERION, spec->names[i], "--criterion", &loaded, error);
    return status;
}

static enum pb_status measure_all(struct bench *bench, struct pb_bench_criteria *measured, struct pb_error *error)
{
    const struct pb_registry *registry = bench->spec->registry;
    enum pb_status status = time_reference(bench, &measured->pass_seconds, error);
    measured->rows = pb_calloc(2 * registry->count, sizeof *measured->rows);
    if (status == PB_OK && !measured->rows)
        status = pb_fail_memory(error, 2 * registry->count * sizeof *measured->rows);
    for (size_t i = 0; i < registry->count && status == PB_OK; i++) {
        const struct pb_loaded *loaded = &registry->plugins[i];
        if (!is_asked_for(bench->spec, loaded))
            continue;
        const struct pb_criterion *criterion = loaded->plugin->criterion;
        if (criterion->score || criterion->select)
            status = measure_one(bench, loaded, false, &measured->rows[measured->count++], error);
        if (status == PB_OK && criterion->score_weights)
            status = measure_one(bench, loaded, true, &measured->rows[measured->count++], error);
    }
    return status;
}

enum pb_status pb_bench_criteria_measure(const struct pb_bench_criteria_spec *spec, struct pb_bench_criteria *measured,
                                         struct pb_error *error)
{
    struct bench bench = {.spec = spec, .clock = spec->threads == 1 ? pb_thread_clock : pb_clock};
    struct pb_bench_criteria made = {.processor_time = spec->threads == 1};
    enum pb_status status = check_names(spec, error);
    if (status == PB_OK)
        status = pb_channel_groups_find(spec->network->graph, &bench.groups, error);
    if (status == PB_OK)
        status = open_images(&bench, error);
    if (status == PB_OK)
        status = measure_all(&bench, &made, error);
    pb_bench_images_close(&bench.images);
    pb_channel_groups_free(&bench.groups);
    if (status == PB_OK)
        *measured = made;
    else
        pb_bench_criteria_free(&made);
    return status;
}

void pb_bench_criteria_free(struct pb_bench_criteria *measured)
{
    pb_free(measured->rows);
    *measured = (struct pb_bench_criteria){0};
}
