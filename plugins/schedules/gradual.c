/*
 * gradual: the share that is masked or removed grows along a cubic curve while the network trains on (Zhu and Gupta 2017). At
 * moment t0 + k·Δt, k = 1 … n, it is s·(1 − (1 − k/n)³), with s the cell's target. Between two cuts the training continues as if
 * nothing had been in between: learning rate, order of the images and the momentum of what is left.
 */
#include "cut.h"

struct gradual_options {
    int32_t during; /* index into during_choices */
    int32_t unit; /* index into unit_choices */
    int64_t begin; /* t0 */
    int64_t every; /* Δt */
    int64_t cuts; /* n; 0: as follows from the epochs */
};

enum { DURING_RETRAINING, DURING_TRAINING };
enum { UNIT_EPOCHS, UNIT_STEPS };
static const char *const during_choices[] = {"retraining", "training", NULL};
static const char *const unit_choices[] = {"epochs", "steps", NULL};

static const struct pb_option options[] = {
    {
        .name = "during",
        .help = "retraining cuts while the trained network is retrained; training cuts while it is first trained, and "
                "retrains "
                "no more",
        .type = PB_OPTION_ENUM,
        .default_text = "retraining",
        .choices = during_choices,
        .offset = offsetof(struct gradual_options, during),
    },
    {
        .name = "unit",
        .help = "what begin and every count",
        .type = PB_OPTION_ENUM,
        .default_text = "epochs",
        .choices = unit_choices,
        .offset = offsetof(struct gradual_options, unit),
    },
    {
        .name = "begin",
        .help = "the moment from which the share grows; the first cut is one interval later",
        .type = PB_OPTION_INT,
        .default_text = "0",
        .min = 0,
        .max = 1000000000,
        .offset = offsetof(struct gradual_options, begin),
    },
    {
        .name = "every",
        .help = "the interval between two cuts",
        .type = PB_OPTION_INT,
        .default_text = "1",
        .min = 1,
        .max = 1000000000,
        .offset = offsetof(struct gradual_options, every),
    },
    {
        .name = "cuts",
        .help = "number of cuts; 0 makes as many as fit into the first three quarters of the training (unit epochs)",
        .type = PB_OPTION_INT,
        .default_text = "0",
        .min = 0,
        .max = 100000,
        .offset = offsetof(struct gradual_options, cuts),
    },
};

struct gradual {
    const struct pb_host *host;
    const struct gradual_options *chosen;
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct gradual *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    *made = (struct gradual){host, given};
    *self = made;
    return PB_OK;
}

/* The moment of cut k: the training's beginning for k = 0, its end behind the last. */
static void set_moment(const struct gradual_options *chosen, uint32_t k, uint32_t *epoch, uint32_t *step)
{
    const uint32_t moment = k ? (uint32_t)chosen->begin + k * (uint32_t)chosen->every : 0;
    *epoch = chosen->unit == UNIT_EPOCHS ? moment : 0;
    *step = chosen->unit == UNIT_STEPS ? moment : 0;
}

/* The training between cut k and the next one. */
static enum pb_status train_behind(const struct gradual_options *chosen, const struct pb_verbs *verbs,
                                   const struct pb_train_spec *whole, uint32_t k, uint32_t cuts)
{
    struct pb_train_spec *piece = verbs->copy_spec(verbs, whole);
    if (!piece)
        return PB_ERROR_MEMORY;
    set_moment(chosen, k, &piece->first_epoch, &piece->first_step);
    if (k < cuts) {
        set_moment(chosen, k + 1, &piece->last_epoch, &piece->last_step);
        piece->return_state = PB_RETURN_LAST;
    }
    return verbs->train(verbs, piece, NULL);
}

/* Training must follow the last cut. How many steps an epoch has is not known here: the harness refuses what is behind the last step. */
static enum pb_status check_last_cut(const struct gradual *gradual, uint32_t epochs)
{
    const struct gradual_options *chosen = gradual->chosen;
    const bool in_epochs = chosen->unit == UNIT_EPOCHS;
    const long long end = (long long)chosen->begin + (long long)chosen->cuts * (long long)chosen->every,
                    all = in_epochs ? epochs : UINT32_MAX;
    if (end < all)
        return PB_OK;
    return gradual->host->fail(
        gradual->host, PB_ERROR_INPUT,
        "the last of %lld cuts is at %s %lld, and training must follow it before the end at %lld; "
        "train longer, begin earlier, or set fewer cuts or a shorter interval (every)",
        (long long)chosen->cuts, in_epochs ? "epoch" : "step", end, all);
}

static enum pb_status count_cuts(const struct gradual *gradual, const struct pb_train_spec *whole, uint32_t *cuts)
{
    const struct gradual_options *chosen = gradual->chosen;
    const uint32_t epochs = whole->head_epochs + whole->epochs, last = epochs * 3 / 4;
    *cuts = (uint32_t)chosen->cuts;
    if (*cuts)
        return check_last_cut(gradual, epochs);
    if (chosen->unit == UNIT_STEPS)
        return gradual->host->fail(gradual->host, PB_ERROR_INPUT,
                                   "how many steps an epoch has is not known here; set cuts beside unit steps");
    *cuts = last > (uint32_t)chosen->begin ? (last - (uint32_t)chosen->begin) / (uint32_t)chosen->every : 0;
    if (*cuts)
        return PB_OK;
    return gradual->host->fail(
        gradual->host, PB_ERROR_INPUT,
        "no cut fits between epoch %lld and three quarters of %u epochs, every %lld; train longer, begin "
        "earlier or set cuts",
        (long long)chosen->begin, epochs, (long long)chosen->every);
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct gradual *gradual = self;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    const bool retrains = gradual->chosen->during == DURING_RETRAINING;
    const struct pb_train_spec *whole = retrains ? last->retraining : task->training;
    struct pb_target target = {.size = sizeof target, .measure = last->target->measure};
    uint32_t cuts;
    enum pb_status status = count_cuts(gradual, whole, &cuts);
    if (status == PB_OK && retrains)
        status = verbs->train(verbs, task->training, NULL);
    if (status == PB_OK)
        status = train_behind(gradual->chosen, verbs, whole, 0, cuts);
    for (uint32_t k = 1; k <= cuts && status == PB_OK; k++) {
        const double left = 1 - (double)k / cuts;
        target.amount = last->target->amount * (1 - left * left * left);
        status = cut(verbs, &target);
        if (status == PB_OK)
            status = train_behind(gradual->chosen, verbs, whole, k, cuts);
    }
    return status;
}

static void destroy(void *self)
{
    const struct gradual *gradual = self;
    gradual->host->free(gradual->host, self);
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .create = create,
    .run = run,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "gradual",
    .summary = "prune or mask the share s·(1 − (1 − k/n)³) at cut k of n, a cubic curve, while the network trains",
    .version = "1.0.0",
    .reference = "M. Zhu and S. Gupta, To prune, or not to prune, 2017, arXiv:1710.01878",
    .reference_code = "Distiller rounds the span of the curve down to whole pruning steps, ((end - start - 1) // "
                      "frequency) * frequency, so that it reaches the target early.",
    PB_OPTIONS(options, struct gradual_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
