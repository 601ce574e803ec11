/*
 * scratch-e and scratch-b (Liu et al. 2019): the shape of a pruned network, trained from fresh values; e for as many epochs as the
 * unpruned network, b for as many as make the same number of multiply-accumulates. They tell whether what a criterion chose to keep
 * was worth keeping, or only the shape.
 */
#include <math.h>

#include "cut.h"

struct scratch_options {
    double cap; /* scratch-b alone */
    int64_t stream;
};

#define STREAM                                                                                                         \
    {                                                                                                                  \
        .name = "stream", .help = "number of the draw of fresh values; each draws others from the cell's seed",        \
        .type = PB_OPTION_INT, .default_text = "1", .min = 1, .max = 1000000000,                                       \
        .offset = offsetof(struct scratch_options, stream)                                                             \
    }

static const struct pb_option options_e[] = {STREAM};
static const struct pb_option options_b[] = {
    STREAM,
    {
        .name = "cap",
        .help = "at most so many times the epochs of the unpruned network; 0 sets no limit (the published code: 2 on "
                "ImageNet, none "
                "on CIFAR)",
        .type = PB_OPTION_REAL,
        .default_text = "2",
        .min = 0,
        .max = 1000,
        .offset = offsetof(struct scratch_options, cap),
    },
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    *self = (void *)given;
    return PB_OK;
}

/* Up to the pruned shape with fresh values. */
static enum pb_status make_shape(const struct scratch_options *chosen, const struct pb_verbs *verbs,
                                 const struct pb_schedule_task *task)
{
    enum pb_status status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = cut(verbs, task->round(task, task->round_count - 1)->target);
    return status == PB_OK ? verbs->reinitialise(verbs, (uint32_t)chosen->stream, NULL) : status;
}

static enum pb_status run_e(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const enum pb_status status = make_shape(self, verbs, task);
    return status == PB_OK ? verbs->train(verbs, task->training, NULL) : status;
}

static uint32_t times(uint32_t epochs, double ratio)
{
    return (uint32_t)floor(epochs * ratio); /* as published: int(160·F/F′) */
}

static enum pb_status run_b(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct scratch_options *chosen = self;
    struct pb_network_cost cost = {.size = sizeof cost};
    enum pb_status status = make_shape(chosen, verbs, task);
    if (status == PB_OK)
        status = verbs->cost(verbs, &cost);
    if (status != PB_OK)
        return status;
    struct pb_train_spec *longer = verbs->copy_spec(verbs, task->training);
    if (!longer)
        return PB_ERROR_MEMORY;
    double ratio = (double)cost.original_macs / (double)cost.nonzero_macs;
    if (chosen->cap > 0)
        ratio = fmin(ratio, fmax(1, chosen->cap));
    longer->epochs = times(longer->epochs, ratio);
    longer->head_epochs = times(longer->head_epochs, ratio);
    longer->warmup_epochs = times(longer->warmup_epochs, ratio);
    if (longer->lr_policy == PB_LR_STEP) /* the rate falls at the same shares of the training */
        longer->lr_patience = times(longer->lr_patience, ratio);
    return verbs->train(verbs, longer, NULL);
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_schedule schedule_e = {
    .size = sizeof(struct pb_schedule),
    .create = create,
    .run = run_e,
    .destroy = destroy,
};
/* How many epochs there are follows from what the pruning left. */
static const struct pb_schedule schedule_b = {
    .size = sizeof(struct pb_schedule),
    .adaptive = true,
    .create = create,
    .run = run_b,
    .destroy = destroy,
};

#define REFERENCE "Z. Liu et al., Rethinking the Value of Network Pruning, 2019, arXiv:1810.05270"

static const struct pb_plugin plugins[] = {
    {
        PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
        .name = "scratch-e",
        .summary = "the pruned shape, trained from fresh values for the unpruned network's epochs",
        .version = "1.0.0",
        .reference = REFERENCE,
        .reference_code = "The authors' code reports the epoch with the best accuracy on the test images.",
        PB_OPTIONS(options_e, struct scratch_options),
        .schedule = &schedule_e,
    },
    {
        PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
        .name = "scratch-b",
        .summary = "the pruned shape, trained from fresh values for the unpruned network's multiply-accumulates",
        .version = "1.0.0",
        .reference = REFERENCE,
        .reference_code = "The authors' code has no upper limit for CIFAR and twice the epochs for ImageNet (cap), and "
                          "reports the epoch with the best accuracy on the test images.",
        PB_OPTIONS(options_b, struct scratch_options),
        .schedule = &schedule_b,
    },
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < sizeof plugins / sizeof *plugins ? &plugins[index] : NULL;
}
