/* prunebench score: what a criterion says of a stored network, and in which order its channels would go. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "cli/backend_argument.h"
#include "cli/score_report.h"
#include "graph/checkpoint.h"
#include "plugin/criterion_data.h"
#include "settings/names.h"
#include "training/calibrate.h"

static const struct pb_cli_option options[] = {
    {"criterion", 'c', "NAME", "the criterion that scores"},
    {"option", 'o', "NAME=VALUE", "an option of the criterion; may be given several times"},
    {"weights", 'w', NULL, "score single weights instead of channels"},
    {"scope", 0, "SCOPE", "global compares all layers, layer removes the same share of each (the criterion's own)"},
    {"normalise", 0, "RULE", "how scores are divided within a layer (the criterion's own)"},
    {"coupling", 0, "RULE", "how scores of channels that go together are combined (the criterion's own)"},
    {"dataset", 'd', "PLUGIN", "where a criterion that looks at images takes them from"},
    {"root", 0, "DIR", "that data set's folder"},
    {"images", 'n', "N", "training images that it looks at (64)"},
    {"batch", 0, "B", "images per batch (16)"},
    {"validation", 0, "V", "share of the training images that was kept for validation, and is not looked at (0.1)"},
    {"mean", 0, "M", "mean of the colours, which range from 0 to 1 (0.5)"},
    {"std", 0, "S", "their standard deviation (0.5)"},
    {"seed", 's', "N", "of the choice of images and of what the criterion draws (1)"},
    {"backend", 'b', "NAME", "the backend that computes (the default one)"},
    {"threads", 't', "T", "threads (default: one for each processor)"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {"json", 0, NULL, "print one JSON object"},
    {0},
};

/* All that one scoring holds. */
struct scoring {
    const struct pb_arguments *arguments;
    const char *path;
    struct pb_registry registry;
    bool registry_open;
    struct pb_cell_config config; /* of it only what a scoring reads; strings are argv's */
    struct pb_options backend_options;
    struct pb_device *device;
    struct pb_data *data;
    struct pb_cache *cache;
    char *cache_folder;
    struct pb_scored scored;
};

static enum pb_status read_rules(struct scoring *scoring, const struct pb_criterion *criterion, struct pb_error *error)
{
    uint32_t scope = criterion->scope, normalise = criterion->normalise, coupling = criterion->coupling;
    enum pb_status status = pb_argument_choice(scoring->arguments, "scope", pb_scope_names, &scope, error);
    if (status == PB_OK)
        status = pb_argument_choice(scoring->arguments, "normalise", pb_normalise_names, &normalise, error);
    if (status == PB_OK)
        status = pb_argument_choice(scoring->arguments, "coupling", pb_coupling_names, &coupling, error);
    scoring->config.ranking = (struct pb_ranking){.scope = (enum pb_scope)scope,
                                                  .normalise = (enum pb_normalise)normalise,
                                                  .floor = 1,
                                                  .round_to = 1,
                                                  .seed = scoring->config.seed};
    scoring->config.coupling = (enum pb_coupling)coupling;
    return status;
}

static enum pb_status read_numbers(struct scoring *scoring, struct pb_error *error)
{
    const struct pb_arguments *arguments = scoring->arguments;
    struct pb_cell_config *config = &scoring->config;
    size_t images = 64, batch = 16, seed = 1, threads = pb_machine_threads();
    double mean = 0.5, std = 0.5, validation = 0.1;
    enum pb_status status = pb_argument_size(arguments, "images", 1, 1u << 24, &images, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "batch", 1, 1u << 16, &batch, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "seed", 0, UINT32_MAX, &seed, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "threads", 1, 4096, &threads, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "mean", 0, 1, &mean, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "std", 1e-3, 1, &std, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "validation", 0, 0.99, &validation, error);
    if (status != PB_OK)
        return status;
    if (images % batch)
        return pb_fail(error, PB_ERROR_INPUT,
                       "--images: %zu are no whole number of batches of %zu; give a multiple, or another --batch",
                       images, batch);
    config->seed = config->split.seed = seed;
    config->split.validation = validation;
    config->threads = (uint32_t)threads;
    config->calibration_batch = (uint32_t)batch;
    config->calibration_batches = (uint32_t)(images / batch);
    pb_preprocess_default(&config->preprocess);
    for (int i = 0; i < 3; i++) {
        config->preprocess.mean[i] = mean;
        config->preprocess.std[i] = std;
    }
    return PB_OK;
}

/* A checkpoint, or the folder of a stage that holds one. */
static enum pb_status load_network(struct scoring *scoring, struct pb_error *error)
{
    char *inside = pb_is_dir(scoring->path) ? pb_path_join(scoring->path, "network.safetensors") : NULL;
    if (pb_is_dir(scoring->path) && !inside)
        return pb_fail_memory(error, strlen(scoring->path));
    if (inside && !pb_file_exists(inside)) {
        pb_free(inside);
        return pb_fail(error, PB_ERROR_INPUT,
                       "folder '%s' holds no network; give the stage of a training, a pruning or a masking",
                       scoring->path);
    }
    enum pb_status status = pb_checkpoint_load(inside ? inside : scoring->path, &scoring->scored.network, NULL, error);
    pb_free(inside);
    if (status == PB_OK)
        status = pb_channel_groups_find(scoring->scored.network->graph, &scoring->scored.groups, error);
    if (status == PB_OK)
        scoring->config.preprocess.image_size = scoring->scored.network->graph->nodes[0].shape.height;
    return status;
}

static enum pb_status check_criterion(const struct scoring *scoring, const struct pb_plugin *plugin,
                                      struct pb_error *error)
{
    const bool weights = pb_argument(scoring->arguments, "weights") != NULL;
    if (weights && !plugin->criterion->score_weights)
        return pb_fail(error, PB_ERROR_INPUT, "criterion '%s' scores no single weights; leave out --weights",
                       plugin->name);
    if (!weights && plugin->criterion->select)
        return pb_fail(error, PB_ERROR_INPUT,
                       "criterion '%s' gives no scores: it chooses as many channels as it is asked for; run it in a "
                       "matrix",
                       plugin->name);
    if (!weights && !plugin->criterion->score)
        return pb_fail(error, PB_ERROR_INPUT, "criterion '%s' scores single weights alone; give --weights",
                       plugin->name);
    return PB_OK;
}

static enum pb_status find_criterion(struct scoring *scoring, const struct pb_plugin **plugin, struct pb_error *error)
{
    const char *name = pb_argument(scoring->arguments, "criterion");
    struct pb_choice *choice = &scoring->config.criterion;
    if (!name)
        return pb_fail(error, PB_ERROR_INPUT, "score needs --criterion; 'prunebench plugins' lists them");
    enum pb_status status =
        pb_registry_open(pb_argument_list(scoring->arguments, "plugin-dir"), &scoring->registry, error);
    if (status != PB_OK)
        return status;
    scoring->registry_open = true;
    status = pb_registry_find(&scoring->registry, PB_KIND_CRITERION, name, "--criterion", &choice->loaded, error);
    if (status == PB_OK)
        status = pb_options_create(choice->loaded->plugin, &choice->options, error);
    if (status == PB_OK)
        status = pb_argument_options(scoring->arguments, &choice->options, error);
    if (status == PB_OK)
        *plugin = choice->loaded->plugin;
    return status;
}

static enum pb_status open_device(struct scoring *scoring, struct pb_error *error)
{
    const char *name = pb_argument(scoring->arguments, "backend");
    const struct pb_loaded *loaded = NULL;
    enum pb_status status =
        name ? pb_registry_find(&scoring->registry, PB_KIND_BACKEND, name, "--backend", &loaded, error)
             : pb_registry_find_default(&scoring->registry, PB_KIND_BACKEND, "--backend", &loaded, error);
    if (status == PB_OK)
        status = pb_options_create(loaded->plugin, &scoring->backend_options, error);
    return status == PB_OK
               ? pb_device_open(loaded, &scoring->backend_options, scoring->config.threads, &scoring->device, error)
               : status;
}

/* Where the criterion looks at images: the data set, decoded into a folder that is removed at the end. */
static enum pb_status open_data(struct scoring *scoring, const struct pb_plugin *criterion, struct pb_error *error)
{
    struct pb_cell_config *config = &scoring->config;
    const char *name = pb_argument(scoring->arguments, "dataset"), *root = pb_argument(scoring->arguments, "root");
    if (!pb_criterion_reads_batches(criterion->criterion))
        return PB_OK;
    if (!name || !root)
        return pb_fail(error, PB_ERROR_INPUT, "criterion '%s' looks at training images; give --dataset and --root",
                       criterion->name);
    enum pb_status status =
        pb_registry_find(&scoring->registry, PB_KIND_DATASET, name, "--dataset", &config->dataset.loaded, error);
    if (status == PB_OK)
        status = pb_options_create(config->dataset.loaded->plugin, &config->dataset.options, error);
    if (status == PB_OK)
        status = pb_options_finish(&config->dataset.options, NULL, error);
    if (status == PB_OK)
        status =
            pb_data_open(config->dataset.loaded, &config->dataset.options, root, &config->split, &scoring->data, error);
    if (status == PB_OK && scoring->data->contents.class_count != scoring->scored.network->graph->classes)
        status = pb_fail(error, PB_ERROR_INPUT,
                         "the data set has %" PRIu32 " classes and the network %" PRIu32
                         "; give the one that it was trained on",
                         scoring->data->contents.class_count, scoring->scored.network->graph->classes);
    if (status == PB_OK)
        status = pb_make_temporary_dir("prunebench-score", &scoring->cache_folder, error);
    if (status == PB_OK)
        status = pb_cache_open(scoring->data, &config->preprocess, scoring->cache_folder, config->threads,
                               &scoring->cache, error);
    if (status == PB_OK && scoring->data->train_count < config->calibration_batch * config->calibration_batches)
        status = pb_fail(error, PB_ERROR_INPUT, "--images: the data set has %" PRIu32 " training images",
                         scoring->data->train_count);
    return status;
}

static enum pb_status compute(struct scoring *scoring, struct pb_error *error)
{
    const struct pb_train_job job = {
        .config = &scoring->config, .device = scoring->device, .data = scoring->data, .cache = scoring->cache};
    if (pb_argument(scoring->arguments, "weights"))
        return pb_score_weights_for(&job, scoring->scored.network, &scoring->scored.groups, &scoring->scored.weights,
                                    error);
    const enum pb_status status = pb_score_for(&job, scoring->scored.network, &scoring->scored.groups,
                                               (struct pb_draw){0}, &scoring->scored.scores, error);
    return status == PB_OK
               ? pb_removal_order_create(scoring->scored.network, &scoring->scored.groups, &scoring->scored.scores,
                                         &scoring->config.ranking, &scoring->scored.order, error)
               : status;
}

static enum pb_status score(struct scoring *scoring, struct pb_error *error)
{
    const struct pb_plugin *criterion = NULL;
    enum pb_status status = read_numbers(scoring, error);
    if (status == PB_OK)
        status = find_criterion(scoring, &criterion, error);
    if (status != PB_OK || !criterion)
        return status;
    scoring->scored.criterion = criterion->name;
    status = check_criterion(scoring, criterion, error);
    if (status == PB_OK)
        status = read_rules(scoring, criterion->criterion, error);
    if (status == PB_OK)
        status = load_network(scoring, error);
    if (status == PB_OK)
        status = open_device(scoring, error);
    if (status == PB_OK)
        status = open_data(scoring, criterion, error);
    return status == PB_OK ? compute(scoring, error) : status;
}

static enum pb_status close_scoring(struct scoring *scoring, struct pb_error *error)
{
    enum pb_status removed = PB_OK;
    pb_scored_free(&scoring->scored);
    pb_cache_close(&scoring->cache);
    pb_data_close(&scoring->data);
    if (scoring->cache_folder)
        removed = pb_remove_tree(scoring->cache_folder, error);
    pb_free(scoring->cache_folder);
    pb_device_close(&scoring->device);
    pb_options_free(&scoring->backend_options);
    pb_options_free(&scoring->config.dataset.options);
    pb_options_free(&scoring->config.criterion.options);
    if (scoring->registry_open)
        pb_registry_close(&scoring->registry);
    return removed;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct scoring scoring = {.arguments = arguments, .path = arguments->words[0]};
    (void)exit_code;
    enum pb_status status = score(&scoring, error);
    if (status == PB_OK) {
        scoring.scored.images =
            scoring.data ? scoring.config.calibration_batch * scoring.config.calibration_batches : 0;
        scoring.scored.scope = pb_scope_names[scoring.config.ranking.scope];
        scoring.scored.normalise = pb_normalise_names[scoring.config.ranking.normalise];
        if (pb_argument(arguments, "json"))
            status = pb_scored_print_json(&scoring.scored, error);
        else
            pb_scored_print(&scoring.scored);
    }
    struct pb_error late = {0};
    const enum pb_status closed = close_scoring(&scoring, &late);
    if (status == PB_OK && closed != PB_OK) {
        *error = late;
        status = closed;
    }
    return status;
}

const struct pb_command pb_command_score = {
    .name = "score",
    .usage =
        "CHECKPOINT --criterion NAME [-o NAME=VALUE]… [--weights] [--dataset PLUGIN --root DIR --images N] [--json]",
    .summary = "score a stored network with a criterion, outside a matrix",
    .details =
        "CHECKPOINT is a network that prunebench stored: a safetensors file, or a stage's folder (OUT/stages/KEY). "
        "Prints\n"
        "for every layer what the scores are like and which channels would go first; --json prints all scores, as the\n"
        "criterion gave them and normalised, and the order of removal, within each layer and over all of them.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
