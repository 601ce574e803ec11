/*
 * halving: a search over what each group of channels keeps, by successive halving with proposals of a tree-structured Parzen estimator
 * (BOHB, Falkner et al. 2018). A proposal is a weight in 0 … 1 for each group; the shares that are kept rise with the weights and are
 * scaled so that all proposals meet the target. A bracket measures n proposals, each after b epochs of training, keeps the best 1/η of
 * them for η·b epochs, and so on up to the full budget: η = 3 and 81 epochs give 81 of 1 epoch, 27 of 3, 9 of 9, 3 of 27, 1 of 81. The
 * next brackets begin with the 27 of 3, the 9 of 9 and so on (Hyperband begins them with some more: 34 of 3). Accuracy is that of the
 * validation images. The best proposal that was measured with the largest budget is pruned again and retrained.
 *
 * Proposals maximise l(x)/g(x) over some draws: l is a Parzen estimate of the best 15 % that were measured with the largest budget that
 * has enough of them, g one of the others. Draws are from l with three times its bandwidth, and bandwidths follow the normal reference
 * rule, as in the paper. Their coordinates are what proposals really keep: weights that differ by a factor keep the same.
 *
 * Proposals are drawn from a stream of the cell's seed and depend on nothing but the seed and what was measured: a search that was
 * stopped proposes the same again.
 */
#include <stdlib.h>
#include <string.h>

#include "kept-channels.h"
#include "random-draws.h"
#include "shares.h"

struct halving_options {
    int64_t epochs, eta, evaluations;
    double random, least;
};

static const struct pb_option options[] = {
    {
        .name = "epochs",
        .help = "the largest budget of a proposal; a power of eta makes whole brackets",
        .type = PB_OPTION_INT,
        .default_text = "3",
        .min = 1,
        .max = 100000,
        .offset = offsetof(struct halving_options, epochs),
    },
    {
        .name = "eta",
        .help = "each rung keeps one in so many and trains them so many times as long",
        .type = PB_OPTION_INT,
        .default_text = "3",
        .min = 2,
        .max = 16,
        .offset = offsetof(struct halving_options, eta),
    },
    {
        .name = "evaluations",
        .help = "trainings and measurements of proposals in all; the bracket in which they run out ends there",
        .type = PB_OPTION_INT,
        .default_text = "40",
        .min = 1,
        .max = 100000,
        .offset = offsetof(struct halving_options, evaluations),
    },
    {
        .name = "random",
        .help = "share of the proposals that are drawn evenly, whatever was measured",
        .type = PB_OPTION_REAL,
        .default_text = "0.2",
        .min = 0,
        .max = 1,
        .offset = offsetof(struct halving_options, random),
    },
    {
        .name = "least",
        .help = "share that every group keeps at least",
        .type = PB_OPTION_REAL,
        .default_text = "0.1",
        .min = 0.001,
        .max = 0.9,
        .offset = offsetof(struct halving_options, least),
    },
};

/* One proposal with what its last measurement found. */
struct proposal {
    double *weights; /* one per group */
    uint32_t *kept; /* the channels that they give each group */
    int64_t budget; /* epochs of that measurement; 0: none yet */
    double accuracy;
    uint32_t number; /* in the order of proposing */
};

struct halving {
    const struct pb_host *host;
    const struct halving_options *chosen;
    struct pb_rng rng;
    struct allocation allocation;
    double limit; /* the target's, in what it counts */
    uint32_t measure;
    pb_stage trained;
    const struct pb_train_spec *retraining;
    struct proposal *all; /* evaluations of them at most */
    uint32_t count;
    int64_t evaluations; /* that are left */
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct halving *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    made->host = host;
    made->chosen = given;
    *self = made;
    return PB_OK;
}

/* Shares least + (1 − least)·min(1, c·w) of every group; c so that they meet the limit as nearly as whole channels allow. */
struct weighted {
    double least;
    const double *weights;
};

static double weighted_share(const void *context, uint32_t g, double scale)
{
    const struct weighted *weighted = context;
    return weighted->least + (1 - weighted->least) * fmin(1, scale * weighted->weights[g]);
}

static enum pb_status allocate(struct halving *halving, const struct pb_verbs *verbs, const double *weights)
{
    const struct weighted weighted = {halving->chosen->least, weights};
    const struct shares shares = {.context = &weighted, .share = weighted_share, .remedy = "lower least"};
    return meet_limit(&halving->allocation, verbs, halving->measure, halving->limit, &shares);
}

/* Better first: larger budgets count more than accuracies at smaller ones, of equal ones the earlier proposal. */
static int by_worth(const void *a, const void *b)
{
    const struct proposal *x = *(const struct proposal *const *)a, *y = *(const struct proposal *const *)b;
    if (x->budget != y->budget)
        return x->budget > y->budget ? -1 : 1;
    if (x->accuracy != y->accuracy)
        return x->accuracy > y->accuracy ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* A Parzen estimate of the density of some proposals: a product of normal kernels. */
struct parzen {
    struct proposal *const *list;
    uint32_t count;
    double *bandwidth; /* one per group */
};

/* By the normal reference rule, 1.06·σ·n^(−1/(4 + d)), and at least half a channel. */
static void set_bandwidths(const struct halving *halving, const struct parzen *parzen)
{
    const struct allocation *allocation = &halving->allocation;
    const double factor = 1.06 * pow(parzen->count, -1.0 / (4 + allocation->count));
    for (uint32_t g = 0; g < allocation->count; g++) {
        double mean = 0, variance = 0;
        for (uint32_t i = 0; i < parzen->count; i++)
            mean += parzen->list[i]->weights[g] / parzen->count;
        for (uint32_t i = 0; i < parzen->count; i++)
            variance += pow(parzen->list[i]->weights[g] - mean, 2) / parzen->count;
        parzen->bandwidth[g] = fmax(0.5 / allocation->whole[g], factor * sqrt(variance));
    }
}

/* log of the density in one coordinate. */
static double log_density(const struct parzen *parzen, uint32_t g, double x)
{
    double sum = 1e-12;
    for (uint32_t i = 0; i < parzen->count; i++) {
        const double distance = (x - parzen->list[i]->weights[g]) / parzen->bandwidth[g];
        sum += exp(-distance * distance / 2);
    }
    return log(sum / (parzen->count * parzen->bandwidth[g]));
}

/* What is measured with the largest budget that has enough of it, the better ones first; count 0: not enough yet. */
static uint32_t observed(const struct halving *halving, struct proposal **list)
{
    const uint32_t least = halving->allocation.count + 2;
    for (int64_t budget = halving->chosen->epochs; budget >= 1; budget--) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < halving->count; i++)
            if (halving->all[i].budget == budget)
                list[count++] = &halving->all[i];
        if (count < least)
            continue;
        qsort(list, count, sizeof *list, by_worth);
        return count;
    }
    return 0;
}

/* The best of some candidates around good proposals: where good ones are dense and others are not. scratch: three values per group. */
static void propose_near_good(struct halving *halving, struct proposal *const *list, uint32_t count, double *weights,
                              double *scratch)
{
    enum { CANDIDATES = 16 };
    const uint32_t groups = halving->allocation.count;
    const uint32_t best_share = 15 * count / 100; /* but at least one more than there are dimensions, groups − 1 */
    const struct parzen good = {list, best_share > groups ? best_share : groups, scratch + groups};
    const struct parzen others = {list + good.count, count - good.count, scratch + 2 * (size_t)groups};
    double *candidate = scratch, best = -INFINITY;
    set_bandwidths(halving, &good);
    set_bandwidths(halving, &others);
    for (int c = 0; c < CANDIDATES; c++) {
        const struct proposal *near = list[pb_rng_below(&halving->rng, good.count)];
        double worth = 0;
        for (uint32_t g = 0; g < groups; g++) {
            candidate[g] = draw_truncated(&halving->rng, near->weights[g], 3 * good.bandwidth[g]);
            worth += log_density(&good, g, candidate[g]) - log_density(&others, g, candidate[g]);
        }
        if (worth <= best)
            continue;
        best = worth;
        memcpy(weights, candidate, groups * sizeof *weights);
    }
}

/* Evenly, or near what was good. */
static void draw(struct halving *halving, struct proposal **list, double *weights, double *scratch)
{
    const uint32_t count = observed(halving, list);
    if (pb_rng_uniform(&halving->rng) >= halving->chosen->random && count) {
        propose_near_good(halving, list, count, weights, scratch);
        return;
    }
    for (uint32_t g = 0; g < halving->allocation.count; g++)
        weights[g] = pb_rng_uniform(&halving->rng);
}

/* From the weights that were drawn to those that would keep the same shares if the target allowed just that. */
static void store_allocation(const struct halving *halving, struct proposal *proposal)
{
    const struct allocation *allocation = &halving->allocation;
    const double least = halving->chosen->least;
    memcpy(proposal->kept, allocation->kept, allocation->count * sizeof *proposal->kept);
    for (uint32_t g = 0; g < allocation->count; g++)
        proposal->weights[g] = fmax(0, ((double)allocation->kept[g] / allocation->whole[g] - least) / (1 - least));
}

static bool is_known(const struct halving *halving, const uint32_t *kept)
{
    for (uint32_t i = 0; i < halving->count; i++)
        if (memcmp(halving->all[i].kept, kept, halving->allocation.count * sizeof *kept) == 0)
            return true;
    return false;
}

/* Draws until the channels are not those of an earlier proposal; after so many draws they may be. */
static enum pb_status propose(struct halving *halving, const struct pb_verbs *verbs, struct proposal **made)
{
    enum { DRAWS = 50 };
    const struct pb_host *host = halving->host;
    const uint32_t groups = halving->allocation.count;
    struct proposal *proposal = &halving->all[halving->count];
    *proposal = (struct proposal){.number = halving->count,
                                  .weights = host->alloc(host, groups * sizeof *proposal->weights),
                                  .kept = host->alloc(host, groups * sizeof *proposal->kept)};
    struct proposal **list = host->alloc(host, (halving->count + 1) * sizeof(void *));
    double *scratch = host->alloc(host, 3 * (size_t)groups * sizeof *scratch);
    enum pb_status status = proposal->weights && proposal->kept && list && scratch ? PB_OK : PB_ERROR_MEMORY;
    if (status == PB_OK)
        status = verbs->restore(verbs, halving->trained, NULL); /* whose costs are asked for */
    for (int i = 0; i < DRAWS && status == PB_OK; i++) {
        draw(halving, list, proposal->weights, scratch);
        status = allocate(halving, verbs, proposal->weights);
        if (status == PB_OK && !is_known(halving, halving->allocation.kept))
            break;
    }
    if (status == PB_OK)
        store_allocation(halving, proposal);
    host->free(host, scratch);
    host->free(host, list);
    halving->count++;
    *made = proposal;
    return status;
}

/* Prunes the trained network to a proposal. */
static enum pb_status prune_to_proposal(struct halving *halving, const struct pb_verbs *verbs,
                                        const struct proposal *proposal)
{
    enum pb_status status = verbs->restore(verbs, halving->trained, NULL);
    if (status == PB_OK)
        status = verbs->score(verbs, NULL);
    return status == PB_OK ? verbs->prune_to(verbs, proposal->kept, halving->allocation.count, NULL) : status;
}

static enum pb_status measure(struct halving *halving, const struct pb_verbs *verbs, struct proposal *proposal,
                              int64_t budget)
{
    struct pb_measurement measurement = {.size = sizeof measurement};
    struct pb_train_spec *spec = verbs->copy_spec(verbs, halving->retraining);
    if (!spec)
        return PB_ERROR_MEMORY;
    spec->epochs = (uint32_t)budget;
    spec->head_epochs = spec->warmup_epochs = 0;
    spec->return_state = PB_RETURN_LAST;
    pb_stage candidate = 0;
    enum pb_status status = prune_to_proposal(halving, verbs, proposal);
    if (status == PB_OK)
        status = verbs->train(verbs, spec, &candidate);
    if (status == PB_OK)
        status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measurement);
    if (status == PB_OK)
        status = verbs->restore(verbs, halving->trained, NULL);
    if (status == PB_OK)
        status = verbs->drop(verbs, candidate);
    proposal->budget = budget;
    proposal->accuracy = measurement.top1;
    halving->evaluations--;
    return status;
}

/* size proposals with the least budget; ever fewer of them with ever larger ones. list: room for size. */
static enum pb_status run_bracket(struct halving *halving, const struct pb_verbs *verbs, uint32_t size, int64_t budget,
                                  struct proposal **list)
{
    enum pb_status status = PB_OK;
    uint32_t count = 0;
    while (count < size && halving->evaluations > 0 && status == PB_OK) {
        status = propose(halving, verbs, &list[count]);
        if (status == PB_OK)
            status = measure(halving, verbs, list[count], budget);
        count += status == PB_OK;
    }
    while (status == PB_OK && budget * halving->chosen->eta <= halving->chosen->epochs && halving->evaluations > 0) {
        budget *= halving->chosen->eta;
        qsort(list, count, sizeof *list, by_worth);
        count = count / (uint32_t)halving->chosen->eta > 1 ? count / (uint32_t)halving->chosen->eta : 1;
        for (uint32_t i = 0; i < count && halving->evaluations > 0 && status == PB_OK; i++)
            status = measure(halving, verbs, list[i], budget);
    }
    return status;
}

/* Brackets in turns until the evaluations run out. */
static enum pb_status search(struct halving *halving, const struct pb_verbs *verbs)
{
    const struct pb_host *host = halving->host;
    const int64_t eta = halving->chosen->eta;
    int64_t largest = 1;
    while (largest * eta <= halving->chosen->epochs)
        largest *= eta;
    struct proposal **list = host->alloc(host, (size_t)largest * sizeof(void *));
    enum pb_status status = list ? PB_OK : PB_ERROR_MEMORY;
    for (int64_t size = largest; halving->evaluations > 0 && status == PB_OK; size = size > 1 ? size / eta : largest)
        status = run_bracket(halving, verbs, (uint32_t)size, halving->chosen->epochs / size, list);
    host->free(host, list);
    return status;
}

static const struct proposal *best_of(const struct halving *halving)
{
    const struct proposal *best = &halving->all[0];
    for (uint32_t i = 1; i < halving->count; i++) {
        const struct proposal *other = &halving->all[i];
        best = by_worth(&other, &best) < 0 ? other : best;
    }
    return best;
}

static enum pb_status open_search(struct halving *halving, const struct pb_verbs *verbs,
                                  const struct pb_schedule_task *task)
{
    const struct pb_round *last = task->round(task, task->round_count - 1);
    struct pb_network_cost cost = {.size = sizeof cost};
    enum pb_status status = refuse_other_measures(halving->host, last->target);
    if (status == PB_OK)
        status = verbs->train(verbs, task->training, &halving->trained);
    if (status == PB_OK)
        status = allocation_open(halving->host, verbs, &halving->allocation);
    if (status == PB_OK)
        status = verbs->cost(verbs, &cost);
    if (status != PB_OK)
        return status;
    halving->host->rng_init(halving->host, &halving->rng, "proposals");
    halving->retraining = last->retraining;
    halving->measure = last->target->measure;
    halving->limit = allowed(&cost, last->target);
    halving->evaluations = halving->chosen->evaluations;
    halving->all = halving->host->alloc(halving->host, (size_t)halving->evaluations * sizeof *halving->all);
    return halving->all ? PB_OK : PB_ERROR_MEMORY;
}

static void close_search(struct halving *halving)
{
    const struct pb_host *host = halving->host;
    for (uint32_t i = 0; i < halving->count; i++) {
        host->free(host, halving->all[i].weights);
        host->free(host, halving->all[i].kept);
    }
    host->free(host, halving->all);
    halving->all = NULL;
    halving->count = 0;
    allocation_close(&halving->allocation);
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    struct halving *halving = self;
    enum pb_status status = open_search(halving, verbs, task);
    if (status == PB_OK)
        status = search(halving, verbs);
    if (status == PB_OK)
        status = prune_to_proposal(halving, verbs, best_of(halving));
    if (status == PB_OK)
        status = verbs->train(verbs, halving->retraining, NULL);
    close_search(halving);
    return status;
}

static void destroy(void *self)
{
    const struct halving *halving = self;
    halving->host->free(halving->host, self);
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .adaptive = true,
    .create = create,
    .run = run,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "halving",
    .summary = "search what each layer keeps by successive halving (the best 1/η of the proposals get η times the "
               "epochs); proposals maximise l(x)/g(x), the densities of good ones and of others",
    .version = "1.1.0",
    .reference =
        "S. Falkner et al., BOHB: Robust and Efficient Hyperparameter Optimization at Scale, 2018, arXiv:1807.01774",
    .reference_code =
        "The paper's later brackets begin with some more proposals (34 of 3 epochs where here are 27), and its code "
        "draws 64 candidates for each proposal. Here are 16, so that the best of them repeats less what was good.",
    PB_OPTIONS(options, struct halving_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
