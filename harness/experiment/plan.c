/* Planning: the schedule runs dry, its verbs only add links; then MACs and memory are estimated. */
#include "experiment/planner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/geometry.h"
#include "graph/cost.h"

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

static void note_device(struct pb_cell_plan *plan, const struct pb_known_device *device)
{
    if (device->refusal.status != PB_OK)
        snprintf(plan->backend_missing, sizeof plan->backend_missing,
                 "%.180s (its memory is told by the host's own operators)", device->refusal.text);
}

static void note_missing(struct pb_cell_plan *plan, const struct pb_known_data *data,
                         const struct pb_known_data *pretraining, const char *pretrained)
{
    char weights[256] = "";
    if (pretrained && !pb_file_exists(pretrained))
        snprintf(weights, sizeof weights, "pretrained weights '%.200s' are not there", pretrained);
    const char *const parts[] = {data->missing, pretraining ? pretraining->missing : "", weights};
    size_t length = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i][0]) /* three parts of 255 bytes at most, and two ends of lines, fit */
            length += (size_t)snprintf(plan->missing + length, sizeof plan->missing - length, "%s%s",
                                       length ? "\n" : "", parts[i]);
}

static struct pb_data_counts counts_of(const struct pb_known_data *data)
{
    return (struct pb_data_counts){data->classes, data->train, data->validation, data->test};
}

/* Every stage with the share of the network that the prunings before it have left. */
static enum pb_status estimate_stages(struct pb_estimate cell, struct pb_estimate pretraining, double forward,
                                      double pretraining_forward, const struct pb_chain *chain,
                                      struct pb_cell_plan *plan, struct pb_error *error)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct pb_link *link = &chain->links[i];
        const bool first = link->verb == PB_VERB_PRETRAIN;
        struct pb_planned_stage *stage = &plan->stages[i];
        if (link->verb == PB_VERB_PRUNE)
            cell.after = pb_macs_left(&link->target);
        const struct pb_estimate *estimate = first ? &pretraining : &cell;
        const enum pb_status status = pb_stage_bytes(estimate, link, &stage->memory, error);
        if (status != PB_OK)
            return status;
        stage->macs = pb_stage_macs(estimate, link, first ? pretraining_forward : forward);
        cell.before = cell.after;
        cell.loaded |= !first && link->verb != PB_VERB_SCORE;
    }
    plan->macs = (uint64_t)((1 + 2 * cell.after) * forward * cell.counts.test);
    return PB_OK;
}

static enum pb_status estimate(struct pb_planner *planner, const struct pb_cell_config *config,
                               const struct pb_chain *chain, struct pb_cell_plan *plan, struct pb_error *error)
{
    const struct pb_known_data *data = NULL, *pretraining = NULL;
    const struct pb_known_device *device = NULL;
    struct pb_cost cost = {0}, pretraining_cost = {0};
    enum pb_status status = pb_find_data(planner, config, &data, error);
    if (status == PB_OK && config->pretraining)
        status = pb_find_data(planner, config->pretraining, &pretraining, error);
    if (status == PB_OK) /* again: the second may have moved the first */
        status = pb_find_data(planner, config, &data, error);
    if (status != PB_OK)
        return status;
    note_missing(plan, data, pretraining, config->pretrained);
    if (!data->classes || (pretraining && !pretraining->classes))
        return PB_OK;
    struct pb_estimate cell = {.known = &planner->estimates,
                               .config = config,
                               .counts = counts_of(data),
                               .threads = config->threads,
                               .before = 1,
                               .after = 1};
    struct pb_estimate before = cell;
    status = pb_find_device(planner, config, &device, error);
    if (status == PB_OK)
        status = pb_estimate_network(config, data->classes, &cost, &cell.initial, error);
    if (status == PB_OK && pretraining)
        status =
            pb_estimate_network(config->pretraining, pretraining->classes, &pretraining_cost, &before.initial, error);
    if (status != PB_OK)
        return status;
    note_device(plan, device);
    cell.device = before.device = device->device;
    cell.device_name = before.device_name = device->key;
    if (pretraining) {
        before.config = config->pretraining;
        before.counts = counts_of(pretraining);
        before.initial = cell.initial;
    }
    plan->classes = data->classes;
    plan->params = cost.params;
    plan->forward_macs = cost.macs;
    status = estimate_stages(cell, before, (double)cost.macs, (double)pretraining_cost.macs, chain, plan, error);
    const uint64_t resident = planner->baseline + device->resident;
    for (uint32_t i = 0; i < chain->count && status == PB_OK; i++) {
        plan->stages[i].memory += resident;
        plan->macs += plan->stages[i].macs;
        plan->memory = plan->stages[i].memory > plan->memory ? plan->stages[i].memory : plan->memory;
    }
    return status;
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
