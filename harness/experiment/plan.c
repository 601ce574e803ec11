/* Planning: the schedule runs dry, its verbs only add links; then MACs and memory are estimated. */
#include "experiment/cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/geometry.h"
#include "engine/engine.h"
#include "experiment/chain.h"
#include "experiment/settings.h"
#include "experiment/suits.h"
#include "graph/cost.h"

/* What opening one data set or backend told; kept for the next cell that uses the same. */
struct known_data {
    char *key;
    uint32_t classes, train, validation, test;
    char missing[256]; /* it is not here */
    struct pb_error refusal; /* it is here, and wrong */
};
struct known_device {
    char *key;
    struct pb_device *device;
};

struct pb_planner {
    bool estimate;
    struct known_data *data;
    size_t data_count;
    struct known_device *devices;
    size_t device_count;
};

enum pb_status pb_planner_create(bool estimate, struct pb_planner **planner, struct pb_error *error)
{
    struct pb_planner *created = pb_calloc(1, sizeof *created);
    if (!created)
        return pb_fail_memory(error, sizeof *created);
    created->estimate = estimate;
    *planner = created;
    return PB_OK;
}

void pb_planner_free(struct pb_planner **planner)
{
    if (!*planner)
        return;
    for (size_t i = 0; i < (*planner)->data_count; i++)
        pb_free((*planner)->data[i].key);
    for (size_t i = 0; i < (*planner)->device_count; i++) {
        pb_free((*planner)->devices[i].key);
        pb_device_close(&(*planner)->devices[i].device);
    }
    pb_free((*planner)->data);
    pb_free((*planner)->devices);
    pb_free(*planner);
    *planner = NULL;
}

/* The chain that dry verbs build, and the first failure. */
struct dry_run {
    struct pb_chain chain;
    struct pb_error error;
};

static enum pb_status finish_verb(struct dry_run *run, enum pb_status status, pb_stage *stage)
{
    if (status == PB_OK && stage)
        *stage = run->chain.current;
    return status;
}

static enum pb_status dry_train(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    return finish_verb(run, pb_chain_train(&run->chain, spec, &link, &run->error), stage);
}

static enum pb_status dry_score(const struct pb_verbs *verbs, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    return finish_verb(run, pb_chain_score(&run->chain, &link, &run->error), stage);
}

static enum pb_status dry_prune(const struct pb_verbs *verbs, struct pb_target target, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    return finish_verb(run, pb_chain_prune(&run->chain, target, &link, &run->error), stage);
}

static enum pb_status dry_recalibrate(const struct pb_verbs *verbs, uint32_t batches, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    return finish_verb(run, pb_chain_recalibrate(&run->chain, batches, &link, &run->error), stage);
}

static enum pb_status dry_rewind(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    return finish_verb(run, pb_chain_rewind(&run->chain, to, &link, &run->error), stage);
}

static enum pb_status dry_evaluate(const struct pb_verbs *verbs, enum pb_evaluate_split split,
                                   struct pb_measurement *measurement)
{
    (void)verbs;
    (void)split;
    measurement->top1 = measurement->top5 = measurement->loss = NAN;
    measurement->images = 0;
    return PB_OK;
}

static enum pb_status dry_chain(const struct pb_cell_config *config, struct dry_run *run, struct pb_error *error)
{
    const struct pb_verbs verbs = {
        .size = sizeof verbs,
        .context = run,
        .train = dry_train,
        .score = dry_score,
        .prune = dry_prune,
        .recalibrate_bn = dry_recalibrate,
        .rewind = dry_rewind,
        .evaluate = dry_evaluate,
    };
    enum pb_status status = pb_chain_start(&run->chain, config, NULL, error);
    if (status == PB_OK)
        status = pb_schedule_execute(config, &verbs, &run->error, error);
    return status;
}

/* Sizes of the cell's data set; where it is not here, the official ones of the known layouts, and missing says so. */
static void official_counts(const char *plugin, struct known_data *known)
{
    static const struct {
        const char *plugin;
        uint32_t classes, train, test;
    } official[] = {{"aircraft", 100, 6667, 3333}, {"birds", 200, 5994, 5794}, {"cars", 196, 8144, 8041}};
    for (size_t i = 0; i < sizeof official / sizeof *official; i++)
        if (strcmp(official[i].plugin, plugin) == 0) {
            known->classes = official[i].classes;
            known->train = official[i].train;
            known->test = official[i].test;
        }
}

static void look_at_data(const struct pb_cell_config *config, struct known_data *known)
{
    struct pb_data *data = NULL;
    if (!pb_is_dir(config->dataset_root)) {
        official_counts(config->dataset.loaded->plugin->name, known);
        snprintf(known->missing, sizeof known->missing, "data set '%.150s' is not there%s", config->dataset_root,
                 known->classes ? " (counted with the official sizes)" : "");
        known->validation = (uint32_t)lround(known->train * config->split.validation);
        known->train -= known->validation;
    } else if (pb_data_open(config->dataset.loaded, &config->dataset.options, config->dataset_root, &config->split,
                            &data, &known->refusal) == PB_OK) {
        known->classes = data->contents.class_count;
        known->train = data->train_count;
        known->validation = data->validation_count;
        known->test = data->test_count;
        pb_data_close(&data);
    }
}

/* What decides which images a cell sees. */
static char *data_key(const struct pb_cell_config *config)
{
    struct pb_text key = {0};
    const struct pb_settings_sink sink = pb_settings_into(&key);
    pb_settings_choice(&sink, "dataset", &config->dataset, false);
    pb_text_append(&key, "%s\n%g\n%llu", config->dataset_root, config->split.validation,
                   (unsigned long long)config->split.seed);
    return key.failed ? NULL : key.data;
}

/* A data set that is not here is no error; one that is wrong, or cannot carry the cell, is. */
static enum pb_status use_data(const struct pb_cell_config *config, const struct known_data *known,
                               const struct known_data **found, struct pb_error *error)
{
    if (known->refusal.status != PB_OK) {
        *error = known->refusal;
        return known->refusal.status;
    }
    const struct pb_data_counts counts = {known->classes, known->train, known->validation, known->test};
    const enum pb_status status = known->missing[0] ? PB_OK : pb_data_suits(config, counts, error);
    if (status == PB_OK)
        *found = known;
    return status;
}

static enum pb_status find_data(struct pb_planner *planner, const struct pb_cell_config *config,
                                const struct known_data **found, struct pb_error *error)
{
    char *key = data_key(config);
    if (!key)
        return pb_fail_memory(error, 256);
    for (size_t i = 0; i < planner->data_count; i++)
        if (strcmp(planner->data[i].key, key) == 0) {
            pb_free(key);
            return use_data(config, &planner->data[i], found, error);
        }
    struct known_data *grown = pb_realloc(planner->data, planner->data_count, planner->data_count + 1, sizeof *grown);
    if (!grown) {
        pb_free(key);
        return pb_fail_memory(error, (planner->data_count + 1) * sizeof *grown);
    }
    planner->data = grown;
    grown[planner->data_count] = (struct known_data){.key = key};
    look_at_data(config, &grown[planner->data_count]);
    return use_data(config, &grown[planner->data_count++], found, error);
}

enum pb_status pb_planner_device(struct pb_planner *planner, const struct pb_cell_config *config,
                                 struct pb_device **found, struct pb_error *error)
{
    for (size_t i = 0; i < planner->device_count; i++)
        if (strcmp(planner->devices[i].key, config->backend.label) == 0) {
            *found = planner->devices[i].device;
            return PB_OK;
        }
    struct known_device *grown =
        pb_realloc(planner->devices, planner->device_count, planner->device_count + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, (planner->device_count + 1) * sizeof *grown);
    planner->devices = grown;
    struct known_device added = {.key = pb_strdup(config->backend.label)};
    if (!added.key)
        return pb_fail_memory(error, strlen(config->backend.label) + 1);
    const enum pb_status status =
        pb_device_open(config->backend.loaded, &config->backend.options, config->threads, &added.device, error);
    if (status != PB_OK) {
        pb_free(added.key);
        return status;
    }
    grown[planner->device_count++] = added;
    *found = added.device;
    return PB_OK;
}

/* Share of the unpruned network's MACs that is left: exact for a target in MACs, else as widths shrink on both sides. */
static double macs_left(const struct pb_target *target)
{
    const double kept = 1 - target->amount;
    return target->measure == PB_MEASURE_CHANNELS ? kept * kept : kept;
}

static uint64_t training_macs(const struct pb_train_spec *spec, const struct known_data *data, double forward)
{
    const double epochs = spec->epochs + spec->head_epochs;
    return (uint64_t)(epochs * forward * (3.0 * data->train + data->validation));
}

static uint64_t stage_macs(const struct pb_cell_config *config, const struct pb_link *link,
                           const struct known_data *data, double forward)
{
    switch (link->verb) {
    case PB_VERB_TRAIN:
        return training_macs(&link->spec, data, forward);
    case PB_VERB_SCORE: {
        const bool runs = config->criterion.loaded->plugin->criterion->observe != NULL;
        return runs ? (uint64_t)(3 * forward * config->calibration_batches * config->calibration_batch) : 0;
    }
    case PB_VERB_RECALIBRATE: {
        const uint64_t images = link->batches ? (uint64_t)link->batches * config->batch : data->train;
        return (uint64_t)(forward * (double)images);
    }
    case PB_VERB_PRUNE:
    case PB_VERB_REWIND:
    case PB_VERB_PRETRAIN:
        break;
    }
    return 0;
}

/* What one network costs: parameters and MACs, and the memory that training it takes. */
static enum pb_status estimate_network(const struct pb_cell_config *config, uint32_t classes, struct pb_device *device,
                                       struct pb_cost *cost, uint64_t *memory, struct pb_error *error)
{
    struct pb_model_spec model = config->model;
    struct pb_graph *graph = NULL;
    model.classes = classes;
    enum pb_status status = pb_model_build(&model, &graph, error);
    if (status != PB_OK)
        return status;
    *cost = pb_graph_cost(graph);
    struct pb_engine_memory engine = {0};
    status = pb_engine_predict(
        device, graph, &(struct pb_engine_options){.batch = config->batch, .mode = PB_ENGINE_TRAIN}, &engine, error);
    *memory = pb_engine_memory_bytes(&engine);
    pb_graph_free(&graph);
    return status;
}

static void note_missing(struct pb_cell_plan *plan, const struct known_data *data, const struct known_data *pretraining,
                         const char *pretrained)
{
    if (data->missing[0])
        snprintf(plan->missing, sizeof plan->missing, "%s", data->missing);
    else if (pretraining && pretraining->missing[0])
        snprintf(plan->missing, sizeof plan->missing, "%s", pretraining->missing);
    else if (pretrained && !pb_file_exists(pretrained))
        snprintf(plan->missing, sizeof plan->missing, "pretrained weights '%.200s' are not there", pretrained);
}

/* The pretraining's stage, the chain's first. */
static enum pb_status estimate_pretraining(const struct pb_cell_config *config, const struct pb_chain *chain,
                                           const struct known_data *data, struct pb_device *device,
                                           struct pb_cell_plan *plan, struct pb_error *error)
{
    struct pb_cost cost = {0};
    const enum pb_status status =
        estimate_network(config, data->classes, device, &cost, &plan->stages[0].memory, error);
    if (status == PB_OK)
        plan->stages[0].macs = training_macs(&chain->links[0].spec, data, (double)cost.macs);
    return status;
}

static enum pb_status estimate(struct pb_planner *planner, const struct pb_cell_config *config,
                               const struct pb_chain *chain, struct pb_cell_plan *plan, struct pb_error *error)
{
    const struct known_data *data = NULL, *pretraining = NULL;
    struct pb_device *device = NULL;
    struct pb_cost cost = {0};
    uint64_t training = 0;
    enum pb_status status = find_data(planner, config, &data, error);
    if (status == PB_OK && config->pretraining)
        status = find_data(planner, config->pretraining, &pretraining, error);
    if (status == PB_OK) /* again: the second may have moved the first */
        status = find_data(planner, config, &data, error);
    if (status != PB_OK)
        return status;
    note_missing(plan, data, pretraining, config->pretrained);
    if (!data->classes || (pretraining && !pretraining->classes))
        return PB_OK;
    status = pb_planner_device(planner, config, &device, error);
    if (status == PB_OK)
        status = estimate_network(config, data->classes, device, &cost, &training, error);
    if (status == PB_OK && pretraining)
        status = estimate_pretraining(config->pretraining, chain, pretraining, device, plan, error);
    if (status != PB_OK)
        return status;
    plan->classes = data->classes;
    plan->params = cost.params;
    plan->forward_macs = cost.macs;
    double left = 1;
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct pb_link *link = &chain->links[i];
        if (link->verb == PB_VERB_PRUNE)
            left = macs_left(&link->target);
        if (link->verb != PB_VERB_PRETRAIN) {
            plan->stages[i].macs = stage_macs(config, link, data, left * (double)cost.macs);
            plan->stages[i].memory = training;
        }
        plan->macs += plan->stages[i].macs;
        plan->memory = plan->stages[i].memory > plan->memory ? plan->stages[i].memory : plan->memory;
    }
    plan->macs += (uint64_t)((1 + 2 * left) * (double)cost.macs * data->test);
    return PB_OK;
}

enum pb_status pb_cell_plan(struct pb_planner *planner, const struct pb_cell_config *config, struct pb_cell_plan *plan,
                            struct pb_error *error)
{
    struct dry_run run = {0};
    struct pb_cell_plan made = {0};
    enum pb_status status = pb_preprocess_check(&config->preprocess, error);
    if (status == PB_OK)
        status = dry_chain(config, &run, error);
    if (status != PB_OK)
        goto cleanup;
    made.stage_count = run.chain.count;
    made.stages = pb_calloc(run.chain.count, sizeof *made.stages);
    if (!made.stages && run.chain.count) {
        status = pb_fail_memory(error, run.chain.count * sizeof *made.stages);
        goto cleanup;
    }
    for (uint32_t i = 0; i < run.chain.count; i++) {
        memcpy(made.stages[i].key, run.chain.links[i].key, sizeof made.stages[i].key);
        memcpy(made.stages[i].name, run.chain.links[i].name, sizeof made.stages[i].name);
        made.stages[i].verb = run.chain.links[i].verb;
    }
    if (planner->estimate)
        status = estimate(planner, config, &run.chain, &made, error);
    if (status == PB_OK) {
        *plan = made;
        made = (struct pb_cell_plan){0};
    }

cleanup:
    pb_cell_plan_free(&made);
    pb_chain_free(&run.chain);
    return status;
}

void pb_cell_plan_free(struct pb_cell_plan *plan)
{
    pb_free(plan->stages);
    *plan = (struct pb_cell_plan){0};
}
