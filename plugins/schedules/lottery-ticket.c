/*
 * lottery-ticket: train, prune a share of what is left, go back to the values of an early moment of that training, train again; and
 * so on until the target is met (Frankle and Carbin 2019; going back to a moment behind the beginning: Frankle et al. 2020). After
 * round i the share left is (1 − rate)^i; the last round ends at the target exactly. Every round trains as the matrix's <training>
 * says, from the early moment on; <retraining> is not used.
 */
#include <math.h>

#include "cut.h"

struct ticket_options {
    double rate;
    int32_t unit; /* index into unit_choices */
    int64_t rewind;
};

enum { UNIT_EPOCHS, UNIT_STEPS };
static const char *const unit_choices[] = {"epochs", "steps", NULL};

static const struct pb_option options[] = {
    {
        .name = "rate",
        .help = "share of what is left that a round removes; 1 reaches the target in one round",
        .type = PB_OPTION_REAL,
        .default_text = "0.2",
        .min = 0.001,
        .max = 1,
        .offset = offsetof(struct ticket_options, rate),
    },
    {
        .name = "rewind",
        .help = "the moment whose values the survivors get back; 0 is the untrained network",
        .type = PB_OPTION_INT,
        .default_text = "0",
        .min = 0,
        .max = 1000000000,
        .offset = offsetof(struct ticket_options, rewind),
    },
    {
        .name = "unit",
        .help = "what rewind counts",
        .type = PB_OPTION_ENUM,
        .default_text = "epochs",
        .choices = unit_choices,
        .offset = offsetof(struct ticket_options, unit),
    },
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    *self = (void *)given;
    return PB_OK;
}

/* The training up to the early moment, or from it on. */
static enum pb_status train_part(const struct ticket_options *chosen, const struct pb_verbs *verbs,
                                 const struct pb_train_spec *whole, bool early, pb_stage *stage)
{
    struct pb_train_spec *part = verbs->copy_spec(verbs, whole);
    if (!part)
        return PB_ERROR_MEMORY;
    const uint32_t moment = (uint32_t)chosen->rewind;
    uint32_t *epoch = early ? &part->last_epoch : &part->first_epoch;
    uint32_t *step = early ? &part->last_step : &part->first_step;
    *epoch = chosen->unit == UNIT_EPOCHS ? moment : 0;
    *step = chosen->unit == UNIT_STEPS ? moment : 0;
    if (early)
        part->return_state = PB_RETURN_LAST;
    return verbs->train(verbs, part, stage);
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct ticket_options *chosen = self;
    const struct pb_target *last = task->round(task, task->round_count - 1)->target;
    struct pb_target target = {.size = sizeof target, .measure = last->measure};
    pb_stage early = 0;
    double left = 1;
    enum pb_status status = chosen->rewind ? train_part(chosen, verbs, task->training, true, &early) : PB_OK;
    if (status == PB_OK)
        status = train_part(chosen, verbs, task->training, false, NULL);
    while (status == PB_OK && target.amount < last->amount) {
        left *= 1 - chosen->rate;
        target.amount = fmin(1 - left, last->amount);
        status = cut(verbs, &target);
        if (status == PB_OK)
            status = verbs->rewind(verbs, early, NULL);
        if (status == PB_OK)
            status = train_part(chosen, verbs, task->training, false, NULL);
    }
    return status;
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule),
    .create = create,
    .run = run,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
    .name = "lottery-ticket",
    .summary = "prune in rounds, each time trained again from the values of an early moment",
    .version = "1.0.0",
    .reference = "J. Frankle and M. Carbin, The Lottery Ticket Hypothesis, 2019, arXiv:1803.03635; J. Frankle et al., "
                 "Linear Mode "
                 "Connectivity and the Lottery Ticket Hypothesis, 2020, arXiv:1912.05671",
    .reference_code =
        "open_lth removes one weight more than asked in each round, because it keeps only what is above the threshold.",
    PB_OPTIONS(options, struct ticket_options),
    .schedule = &schedule,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
