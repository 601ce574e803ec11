/*
 * sensitivity: prunes each group of channels alone, at several rates, and measures the accuracy on the validation images without
 * retraining (Li et al. 2017, figure 2b). The trained network is gone back to in between.
 *
 * Then every group is pruned at the highest rate at which it alone loses no more accuracy than a threshold, between rates in
 * proportion, and the network is retrained. Li et al. chose rates from the curves by hand; the threshold is the rule of PaddleSlim's
 * get_ratios_by_loss, its value the one with which the target is met. A rate counts as no more accurate than a lower one, and of
 * equal ones the lower one as better, so that groups without any loss do not go all the way at once.
 */
#include <string.h>

#include "shares.h"

struct sensitivity_options {
    int64_t rates;
    double highest;
};

static const struct pb_option options[] = {
    {
        .name = "rates",
        .help = "how many rates each group is measured at, evenly up to the highest",
        .type = PB_OPTION_INT,
        .default_text = "9",
        .min = 1,
        .max = 1000,
        .offset = offsetof(struct sensitivity_options, rates),
    },
    {
        .name = "highest",
        .help = "the highest rate; no group is pruned further",
        .type = PB_OPTION_REAL,
        .default_text = "0.9",
        .min = 0.01,
        .max = 0.999,
        .offset = offsetof(struct sensitivity_options, highest),
    },
};

struct sensitivity {
    const struct pb_host *host;
    const struct sensitivity_options *chosen;
    struct allocation allocation;
    double *losses; /* groups × rates */
    pb_stage trained;
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct sensitivity *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    made->host = host;
    made->chosen = given;
    *self = made;
    return PB_OK;
}

static double rate_of(const struct sensitivity *scan, int64_t index)
{
    return scan->chosen->highest * (double)(index + 1) / (double)scan->chosen->rates;
}

/* The accuracy with so many channels of group g, all others being whole. Begins and ends at the trained network. */
static enum pb_status measure(struct sensitivity *scan, const struct pb_verbs *verbs, uint32_t g, uint32_t kept,
                              double *accuracy)
{
    scan->allocation.kept[g] = kept;
    const enum pb_status status = accuracy_of(verbs, &scan->allocation, scan->trained, accuracy);
    scan->allocation.kept[g] = scan->allocation.whole[g];
    return status;
}

static enum pb_status scan_group(struct sensitivity *scan, const struct pb_verbs *verbs, uint32_t g, double unpruned)
{
    enum { OF_EQUAL_ONES = 10000 };
    const uint32_t whole = scan->allocation.whole[g];
    double *losses = scan->losses + (size_t)g * (size_t)scan->chosen->rates;
    double accuracy = unpruned, most = 0;
    uint32_t before = whole;
    enum pb_status status = PB_OK;
    for (int64_t i = 0; i < scan->chosen->rates && status == PB_OK; i++) {
        const uint32_t kept = (uint32_t)fmax(1, whole - round(whole * rate_of(scan, i)));
        if (kept < before)
            status = measure(scan, verbs, g, kept, &accuracy);
        before = kept;
        most = fmax(most, unpruned - accuracy);
        losses[i] = most + rate_of(scan, i) / OF_EQUAL_ONES;
    }
    return status;
}

static enum pb_status scan_all(struct sensitivity *scan, const struct pb_verbs *verbs)
{
    struct pb_measurement unpruned = {.size = sizeof unpruned};
    enum pb_status status = verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &unpruned);
    for (uint32_t g = 0; g < scan->allocation.count && status == PB_OK; g++)
        status = scan_group(scan, verbs, g, unpruned.top1);
    return status;
}

/* What the group keeps where a loss of 1/scale is allowed: the threshold falls as the scale rises. */
static double share_at(const void *context, uint32_t g, double scale)
{
    const struct sensitivity *scan = context;
    const double *losses = scan->losses + (size_t)g * (size_t)scan->chosen->rates;
    double rate = 0, loss = 0;
    for (int64_t i = 0; i < scan->chosen->rates; i++) {
        const double next = rate_of(scan, i);
        if (losses[i] * scale > 1)
            return 1 - (rate + (next - rate) * (1 / scale - loss) / (losses[i] - loss));
        rate = next;
        loss = losses[i];
    }
    return 1 - rate;
}

static enum pb_status search(struct sensitivity *scan, const struct pb_verbs *verbs, const struct pb_target *target)
{
    const struct shares shares = {.context = scan, .share = share_at, .remedy = "raise highest"};
    struct pb_network_cost cost = {.size = sizeof cost};
    const size_t count = (size_t)scan->allocation.count * (size_t)scan->chosen->rates;
    scan->losses = scan->host->alloc(scan->host, count * sizeof *scan->losses);
    enum pb_status status = scan->losses ? verbs->cost(verbs, &cost) : PB_ERROR_MEMORY;
    if (status == PB_OK)
        status = scan_all(scan, verbs);
    if (status == PB_OK)
        status = meet_limit(&scan->allocation, verbs, target->measure, allowed(&cost, target), &shares);
    return status == PB_OK ? prune_to_allocation(verbs, &scan->allocation, NULL) : status;
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    struct sensitivity *scan = self;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    enum pb_status status = refuse_other_measures(scan->host, last->target);
    if (status == PB_OK)
        status = verbs->train(verbs, task->training, &scan->trained);
    if (status == PB_OK)
        status = allocation_open(scan->host, verbs, &scan->allocation);
    if (status == PB_OK)
        status = search(scan, verbs, last->target);
    scan->host->free(scan->host, scan->losses);
    scan->losses = NULL;
    allocation_close(&scan->allocation);
    return status == PB_OK ? verbs->train(verbs, last->retraining, NULL) : status;
}

static void destroy(void *self)
{
    const struct sensitivity *scan = self;
    scan->host->free(scan->host, self);
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
    .name = "sensitivity",
    .summary = "measure how each layer alone bears pruning, and prune each as far as it bears it",
    .version = "1.0.0",
    .reference = "H. Li et al., Pruning Filters for Efficient ConvNets, 2017, arXiv:1608.08710, for the scan",
    PB_OPTIONS(options, struct sensitivity_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
