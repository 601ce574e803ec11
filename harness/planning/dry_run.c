/* Planning: the schedule runs dry, which means that its verbs only add links. */
#include "planning/cell_plan.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/geometry.h"
#include "planning/schedule_run.h"

/* The chain that dry verbs build, and the first failure. */
struct dry_run {
    struct pb_chain chain;
    bool adaptive; /* the schedule's course depends on what it measures */
    bool open; /* it has asked for a measurement: what follows cannot be planned */
    struct pb_error error;
};

/* Behind the first measurement of an adaptive schedule every verb fails, so that it returns. */
static enum pb_status refuse_when_open(const struct dry_run *run)
{
    return run->open ? PB_ERROR_UNSUPPORTED : PB_OK;
}

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
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_train(&run->chain, spec, &link, &run->error);
    return finish_verb(run, status, stage);
}

static enum pb_status dry_score(const struct pb_verbs *verbs, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_score(&run->chain, &link, &run->error);
    return finish_verb(run, status, stage);
}

static enum pb_status dry_repair(const struct pb_verbs *verbs, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_repair(&run->chain, &link, &run->error);
    return finish_verb(run, status, stage);
}

/* The repair that the matrix asks for behind every pruning. */
static enum pb_status repair_pruning(const struct pb_verbs *verbs, enum pb_status pruned, pb_stage *stage)
{
    const struct dry_run *run = verbs->context;
    return pruned == PB_OK && run->chain.config->repair != PB_REPAIR_NONE ? dry_repair(verbs, stage) : pruned;
}

static enum pb_status dry_prune(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_prune(&run->chain, *target, &link, &run->error);
    return repair_pruning(verbs, finish_verb(run, status, stage), stage);
}

static enum pb_status dry_recalibrate(const struct pb_verbs *verbs, uint32_t batches, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_recalibrate(&run->chain, batches, &link, &run->error);
    return finish_verb(run, status, stage);
}

static enum pb_status dry_rewind(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_rewind(&run->chain, to, &link, &run->error);
    return finish_verb(run, status, stage);
}

static enum pb_status dry_prune_to(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                                   pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_prune_to(&run->chain, channels, count, &link, &run->error);
    return repair_pruning(verbs, finish_verb(run, status, stage), stage);
}

static enum pb_status dry_mask(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_mask(&run->chain, *target, &link, &run->error);
    return finish_verb(run, status, stage);
}

static enum pb_status dry_reinitialise(const struct pb_verbs *verbs, uint32_t stream, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    const struct pb_link *link;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_reinitialise(&run->chain, stream, &link, &run->error);
    return finish_verb(run, status, stage);
}

static enum pb_status dry_restore(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage)
{
    struct dry_run *run = verbs->context;
    enum pb_status status = refuse_when_open(run);
    if (status == PB_OK)
        status = pb_chain_restore(&run->chain, to, &run->error);
    return finish_verb(run, status, stage);
}

static enum pb_status dry_drop(const struct pb_verbs *verbs, pb_stage stage)
{
    struct dry_run *run = verbs->context;
    bool dropped;
    const enum pb_status status = refuse_when_open(run);
    return status == PB_OK ? pb_chain_drop(&run->chain, stage, &dropped, &run->error) : status;
}

static enum pb_status dry_cost(const struct pb_verbs *verbs, struct pb_network_cost *cost)
{
    struct dry_run *run = verbs->context;
    run->open = run->open || run->adaptive;
    *cost = (struct pb_network_cost){.size = sizeof *cost};
    return refuse_when_open(run);
}

static enum pb_status dry_cost_of(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                                  struct pb_network_cost *cost)
{
    (void)channels;
    (void)count;
    return dry_cost(verbs, cost);
}

static enum pb_status dry_group(const struct pb_verbs *verbs, uint32_t index, struct pb_network_group *group)
{
    struct dry_run *run = verbs->context;
    (void)index;
    run->open = run->open || run->adaptive;
    *group = (struct pb_network_group){.size = sizeof *group};
    return refuse_when_open(run);
}

static enum pb_status dry_latency(const struct pb_verbs *verbs, uint32_t batch, uint32_t runs,
                                  struct pb_latency *latency)
{
    struct dry_run *run = verbs->context;
    (void)batch;
    (void)runs;
    run->open = run->open || run->adaptive;
    latency->median = latency->p95 = NAN;
    return refuse_when_open(run);
}

static enum pb_status dry_evaluate(const struct pb_verbs *verbs, enum pb_evaluate_split split,
                                   struct pb_measurement *measurement)
{
    struct dry_run *run = verbs->context;
    (void)split;
    run->open = run->open || run->adaptive;
    measurement->top1 = measurement->top5 = measurement->loss = NAN;
    measurement->images = 0;
    return refuse_when_open(run);
}

static enum pb_status run_dry(const struct pb_cell_config *config, struct dry_run *run, struct pb_error *error)
{
    const struct pb_verbs verbs = {
        .size = sizeof verbs,
        .context = run,
        .train = dry_train,
        .score = dry_score,
        .prune = dry_prune,
        .prune_to = dry_prune_to,
        .mask = dry_mask,
        .repair = dry_repair,
        .recalibrate_bn = dry_recalibrate,
        .rewind = dry_rewind,
        .restore = dry_restore,
        .reinitialise = dry_reinitialise,
        .evaluate = dry_evaluate,
        .cost = dry_cost,
        .cost_of = dry_cost_of,
        .group = dry_group,
        .latency = dry_latency,
        .drop = dry_drop,
    };
    enum pb_status status = pb_chain_start(&run->chain, config, error);
    if (status == PB_OK)
        status = pb_chain_add_baseline(&run->chain, error);
    if (status == PB_OK)
        status = pb_schedule_execute(config, &verbs, &run->error, error);
    if (run->open)
        return PB_OK;
    return status == PB_OK ? pb_chain_finish(&run->chain, error) : status;
}

static enum pb_status list_stages(const struct pb_chain *chain, struct pb_cell_plan *plan, struct pb_error *error)
{
    plan->stages = pb_calloc(chain->count, sizeof *plan->stages);
    if (!plan->stages)
        return pb_fail_memory(error, chain->count * sizeof *plan->stages);
    plan->stage_count = chain->count;
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct pb_link *link = &chain->links[i];
        struct pb_planned_stage *stage = &plan->stages[i];
        *stage =
            (struct pb_planned_stage){.verb = link->verb, .parent = link->parent, .to = link->to, .provisional = true};
        memcpy(stage->arguments, link->arguments, sizeof stage->arguments);
        memcpy(stage->name, link->name, sizeof stage->name);
    }
    return PB_OK;
}

enum pb_status pb_cell_plan_stages(const struct pb_cell_config *config, struct pb_cell_plan *plan,
                                   struct pb_error *error)
{
    struct dry_run run = {.adaptive = config->schedule.loaded->plugin->schedule->adaptive};
    struct pb_cell_plan made = {.chain = pb_calloc(1, sizeof *made.chain)};
    enum pb_status status = made.chain ? PB_OK : pb_fail_memory(error, sizeof *made.chain);
    if (status == PB_OK)
        status = pb_preprocess_check(&config->preprocess, error);
    if (status == PB_OK) {
        status = run_dry(config, &run, error);
        *made.chain = run.chain;
        made.open = run.open;
    }
    if (status == PB_OK)
        status = list_stages(made.chain, &made, error);
    if (status == PB_OK)
        *plan = made;
    else
        pb_cell_plan_free(&made);
    return status;
}

enum pb_status pb_cell_plan_keys(struct pb_cell_plan *plan, const struct pb_inputs *inputs, struct pb_error *error)
{
    const enum pb_status status = pb_chain_set_inputs(plan->chain, inputs, error);
    if (status != PB_OK)
        return status;
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        struct pb_planned_stage *stage = &plan->stages[i];
        memcpy(stage->key, plan->chain->links[i].key, sizeof stage->key);
        stage->provisional = stage->verb == PB_VERB_PRETRAIN ? pb_inputs_pretraining_is_provisional(inputs)
                                                             : pb_inputs_are_provisional(inputs);
    }
    pb_inputs_digest(inputs, plan->inputs);
    return PB_OK;
}

bool pb_planned_stage_is(const struct pb_planned_stage *stage, const struct pb_link *link)
{
    return stage->verb == link->verb && stage->parent == link->parent && stage->to == link->to &&
           strcmp(stage->arguments, link->arguments) == 0;
}

void pb_cell_plan_free(struct pb_cell_plan *plan)
{
    if (plan->chain)
        pb_chain_free(plan->chain);
    pb_free(plan->chain);
    pb_free(plan->stages);
    *plan = (struct pb_cell_plan){0};
}
