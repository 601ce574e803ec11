/* What the stages of a plan will cost: multiply-accumulates and memory. */
#include <stdio.h>

#include "base/file.h"
#include "planning/opened.h"
#include "graph/cost.h"

static void note_device(struct pb_cell_plan *plan, const struct pb_known_device *device)
{
    if (device->refusal.status != PB_OK)
        snprintf(plan->backend_missing, sizeof plan->backend_missing,
                 "%.180s (its memory is predicted from the host's own operators)", device->refusal.text);
}

static void note_missing(struct pb_cell_plan *plan, const struct pb_known_data *data,
                         const struct pb_known_data *pretraining, const struct pb_cell_config *config)
{
    char weights[256] = "", teacher[256] = "";
    if (config->pretrained && !pb_file_exists(config->pretrained))
        snprintf(weights, sizeof weights, "pretrained weights '%.200s' are not there", config->pretrained);
    if (config->teacher && !pb_file_exists(config->teacher))
        snprintf(teacher, sizeof teacher, "teacher '%.180s' is not there (its passes and memory are not counted)",
                 config->teacher);
    const char *const parts[] = {data->missing, pretraining ? pretraining->missing : "", weights, teacher};
    size_t length = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i][0]) /* four parts of 255 bytes at most, and three ends of lines, fit */
            length += (size_t)snprintf(plan->missing + length, sizeof plan->missing - length, "%s%s",
                                       length ? "\n" : "", parts[i]);
}

static struct pb_data_counts counts_of(const struct pb_known_data *data)
{
    return (struct pb_data_counts){data->classes, data->train, data->validation, data->test};
}

/* Of the MACs, after the prunings up to this link; the whole, where channels were given per group. */
static double share_left(const struct pb_link *link)
{
    return link->pruned ? pb_macs_left(&link->removed) : 1;
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
        cell.after = share_left(link);
        cell.masked = link->masked > 0;
        cell.teacher = link->verb == PB_VERB_TRAIN && link->to ? share_left(&chain->links[link->to - 1]) : 0;
        cell.before = link->parent ? share_left(&chain->links[link->parent - 1]) : 1;
        const struct pb_estimate *estimate = first ? &pretraining : &cell;
        enum pb_status status = pb_stage_check(estimate, link, error);
        if (status == PB_OK &&
            (link->verb == PB_VERB_SCORE || link->verb == PB_VERB_PRUNE || link->verb == PB_VERB_MASK))
            status = pb_predict_products(&cell, cell.before, link->verb == PB_VERB_MASK, &cell.products, error);
        if (status == PB_OK)
            status = pb_stage_bytes(estimate, link, &stage->memory, error);
        if (status != PB_OK)
            return status;
        stage->epochs = pb_stage_epochs(estimate, link);
        stage->macs = pb_stage_macs(estimate, link, first ? pretraining_forward : forward);
        cell.loaded |= !first && link->verb != PB_VERB_SCORE;
    }
    plan->macs = (uint64_t)((1 + 2 * cell.after) * forward * cell.counts.test);
    return PB_OK;
}

enum pb_status pb_cell_plan_costs(struct pb_opened *opened, const struct pb_cell_config *config,
                                  struct pb_cell_plan *plan, struct pb_error *error)
{
    const struct pb_chain *chain = plan->chain;
    const struct pb_known_data *data = NULL, *pretraining = NULL;
    const struct pb_known_device *device = NULL;
    struct pb_network_sizes sizes = {0}, pretraining_sizes = {0};
    enum pb_status status = pb_find_data(opened, config, &data, error);
    if (status == PB_OK && config->pretraining)
        status = pb_find_data(opened, config->pretraining, &pretraining, error);
    if (status == PB_OK) /* again: the second may have moved the first */
        status = pb_find_data(opened, config, &data, error);
    if (status != PB_OK)
        return status;
    note_missing(plan, data, pretraining, config);
    if (!data->classes || (pretraining && !pretraining->classes))
        return PB_OK;
    struct pb_estimate cell = {.known = &opened->estimates,
                               .config = config,
                               .counts = counts_of(data),
                               .threads = config->threads,
                               .before = 1,
                               .after = 1};
    struct pb_estimate before = cell;
    status = pb_find_teacher(opened, config->teacher, &cell.teacher_file, error);
    if (status == PB_OK)
        status = pb_find_device(opened, config, &device, error);
    if (status == PB_OK)
        status = pb_estimate_network(&opened->estimates, config, data->classes, &sizes, error);
    if (status == PB_OK && pretraining)
        status = pb_estimate_network(&opened->estimates, config->pretraining, pretraining->classes, &pretraining_sizes,
                                     error);
    if (status != PB_OK)
        return status;
    cell.initial = sizes.bytes;
    cell.layers = sizes.layers;
    note_device(plan, device);
    cell.device = before.device = device->device;
    if (pretraining) {
        before.config = config->pretraining;
        before.counts = counts_of(pretraining);
        before.initial = cell.initial;
    }
    plan->classes = data->classes;
    plan->params = sizes.cost.params;
    plan->forward_macs = sizes.cost.macs;
    status =
        estimate_stages(cell, before, (double)sizes.cost.macs, (double)pretraining_sizes.cost.macs, chain, plan, error);
    const uint64_t resident = opened->baseline + device->resident;
    for (uint32_t i = 0; i < chain->count && status == PB_OK; i++) {
        plan->stages[i].memory += resident;
        plan->macs += plan->stages[i].macs;
        plan->memory = plan->stages[i].memory > plan->memory ? plan->stages[i].memory : plan->memory;
    }
    return status;
}
