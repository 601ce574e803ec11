/* Whether what a schedule asks of a verb can be done at all; known before anything runs. */
#include "planning/verb_checks.h"

#include <inttypes.h>
#include <math.h>

#include "settings/names.h"
#include "prune/threshold.h"
#include "training/piece.h"

enum pb_status pb_check_scores(const struct pb_cell_config *config, struct pb_error *error)
{
    const struct pb_loaded *criterion = config->criterion.loaded;
    if (criterion && criterion->plugin->criterion->select && config->ranking.scope != PB_SCOPE_LAYER)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "criterion '%s' chooses channels within each layer and gives no scores to compare layers by; leave "
            "out scope=\"global\", or set scope=\"layer\" on it",
            criterion->plugin->name);
    if (criterion && !criterion->plugin->criterion->select && !criterion->plugin->criterion->score)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "criterion '%s' scores single weights, not channels; set measure=\"weights\" on <targets>, or choose "
            "another criterion",
            criterion->plugin->name);
    if (criterion)
        return PB_OK;
    return pb_fail(error, PB_ERROR_RUN, "the schedule says that it only trains, but asks for scores");
}

static enum pb_status check_piece(const struct pb_train_spec *spec, struct pb_error *error)
{
    if (pb_piece_is_first(spec) && pb_piece_is_last(spec))
        return PB_OK;
    if (spec->soft_zero != PB_ZERO_NONE)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked for a piece of a training that zeroes channels");
    if (!pb_piece_is_last(spec) && spec->return_state != PB_RETURN_LAST)
        return pb_fail(error, PB_ERROR_RUN,
                       "the schedule asked for a piece of a training that returns its best epoch and is not the last; "
                       "set its return_state to PB_RETURN_LAST");
    return PB_OK;
}

static enum pb_status check_teaching(const struct pb_train_spec *spec, struct pb_error *error)
{
    if (spec->distillation == PB_DISTILLATION_NONE)
        return PB_OK;
    if (spec->distillation > PB_DISTILLATION_LOGITS)
        return pb_fail(error, PB_ERROR_RUN,
                       "the schedule asked for a training with a distillation that this host does not know");
    if (!(spec->teacher_weight > 0 && spec->teacher_weight <= 1))
        return pb_fail(error, PB_ERROR_INPUT,
                       "a teacher's weight of %g was asked for; it must be above 0 and at most 1",
                       spec->teacher_weight);
    if (spec->distillation == PB_DISTILLATION_SOFT_TARGETS &&
        !(spec->teacher_temperature > 0 && isfinite(spec->teacher_temperature)))
        return pb_fail(error, PB_ERROR_INPUT, "a teacher's temperature of %g was asked for; it must be above 0",
                       spec->teacher_temperature);
    return PB_OK;
}

enum pb_status pb_check_spec(const struct pb_train_spec *spec, struct pb_error *error)
{
    if (spec->epochs + spec->head_epochs == 0)
        return pb_fail(error, PB_ERROR_INPUT, "a training of 0 epochs was asked for; give it at least one");
    if (spec->warmup_epochs > spec->epochs)
        return pb_fail(error, PB_ERROR_INPUT,
                       "a warm-up of %" PRIu32 " epochs does not fit a training of %" PRIu32
                       "; shorten it (retraining has training's warm-up unless <retraining warmup=…> says another)",
                       spec->warmup_epochs, spec->epochs);
    if (!(spec->lr > 0) || !isfinite(spec->lr))
        return pb_fail(error, PB_ERROR_INPUT, "a learning rate of %g was asked for; it must be above 0", spec->lr);
    if (spec->penalty_count > PB_PENALTIES_MAX)
        return pb_fail(error, PB_ERROR_INPUT, "%u penalties were asked for; a training has at most %d",
                       spec->penalty_count, PB_PENALTIES_MAX);
    for (uint32_t i = 0; i < spec->penalty_count; i++)
        if (!(spec->lambda[i] >= 0) || !isfinite(spec->lambda[i]))
            return pb_fail(error, PB_ERROR_INPUT, "a penalty with the λ %g was asked for; it must be 0 or above",
                           spec->lambda[i]);
    if (spec->lr_policy > PB_LR_CONSTANT || spec->soft_zero > PB_ZERO_GAMMA_BETA ||
        spec->return_state > PB_RETURN_BEST || spec->soft_growth > PB_SOFT_ASYMPTOTIC ||
        spec->soft_comeback > PB_COMEBACK_GROWN)
        return pb_fail(error, PB_ERROR_RUN,
                       "the schedule asked for a training with a mode that this host does not know");
    const enum pb_status status = check_teaching(spec, error);
    return status == PB_OK ? check_piece(spec, error) : status;
}

static enum pb_status refuse_weights(struct pb_error *error)
{
    return pb_fail(
        error, PB_ERROR_INPUT,
        "this schedule removes channels, but the target counts single weights; leave out measure=\"weights\" on "
        "<targets>, or choose a schedule that masks");
}

enum pb_status pb_check_soft(const struct pb_cell_config *config, const struct pb_train_spec *spec,
                             struct pb_error *error)
{
    const enum pb_status status = pb_check_scores(config, error);
    if (status == PB_OK && pb_is_threshold(spec->soft_measure))
        return pb_fail(error, PB_ERROR_INPUT,
                       "this schedule masks a share of the channels after every epoch, and measure=\"%s\" on <targets> "
                       "gives none; choose another schedule or another measure",
                       pb_measure_names[spec->soft_measure]);
    return status == PB_OK && spec->soft_measure == PB_MEASURE_WEIGHTS ? refuse_weights(error) : status;
}

static bool is_target_of(const struct pb_cell_config *config, struct pb_target target)
{
    for (uint32_t i = 0; i < config->round_count; i++)
        if (config->rounds[i].target.measure == target.measure && config->rounds[i].target.amount == target.amount)
            return true;
    return false;
}

/* What means nothing beside a threshold is refused, and so is a schedule that divides it into steps. */
static enum pb_status check_threshold(const struct pb_cell_config *config, struct pb_target target,
                                      struct pb_error *error)
{
    const char *measure = pb_measure_names[target.measure];
    const struct pb_loaded *criterion = config->criterion.loaded;
    if (!is_target_of(config, target))
        return pb_fail(error, PB_ERROR_INPUT,
                       "this schedule divides its target into steps, and measure=\"%s\" on <targets> gives no share to "
                       "divide; choose another schedule or another measure",
                       measure);
    if (criterion && criterion->plugin->criterion->select)
        return pb_fail(error, PB_ERROR_INPUT,
                       "criterion '%s' chooses channels and gives no scores that a threshold could be compared with; "
                       "leave out measure=\"%s\" on <targets>, or choose another criterion",
                       criterion->plugin->name, measure);
    if (config->ranking.allocation != PB_ALLOCATION_SCOPE || config->ranking.count == PB_COUNT_THRESHOLD)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "<ranking>: allocation and count=\"%s\" divide and count a share, and measure=\"%s\" on <targets> "
            "gives none; leave them out",
            pb_count_rule_names[PB_COUNT_THRESHOLD], measure);
    return PB_OK;
}

enum pb_status pb_check_target(const struct pb_cell_config *config, const struct pb_link *before,
                               struct pb_target target, struct pb_error *error)
{
    if (pb_is_threshold(target.measure))
        return check_threshold(config, target, error);
    if (target.measure == PB_MEASURE_WEIGHTS)
        return refuse_weights(error);
    if (!(target.amount > 0 && target.amount < 1) || target.measure > PB_MEASURE_MACS)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked to prune a share of %g; shares lie between 0 and 1",
                       target.amount);
    const struct pb_target removed = before->removed;
    if (before->pruned && target.measure == removed.measure && !(target.amount > removed.amount))
        return pb_fail(
            error, PB_ERROR_RUN,
            "the schedule asked to prune %g %% of the %s where %g %% were pruned before; targets count against "
            "the unpruned network, so each must be above the one before",
            100 * target.amount, pb_measure_names[target.measure], 100 * removed.amount);
    return PB_OK;
}

/* What of the ranking means nothing for single weights is refused, not ignored. */
enum pb_status pb_check_mask(const struct pb_cell_config *config, const struct pb_link *before, struct pb_target target,
                             struct pb_error *error)
{
    const struct pb_loaded *criterion = config->criterion.loaded;
    const struct pb_ranking *ranking = &config->ranking;
    if (target.measure != PB_MEASURE_WEIGHTS)
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked to mask weights by a target that counts no weights");
    if (!(target.amount > 0 && target.amount < 1))
        return pb_fail(error, PB_ERROR_RUN, "the schedule asked to mask a share of %g; shares are between 0 and 1",
                       target.amount);
    if (!criterion)
        return pb_fail(error, PB_ERROR_RUN, "the schedule says that it only trains, but asks for masks");
    if (!criterion->plugin->criterion->score_weights)
        return pb_fail(error, PB_ERROR_INPUT,
                       "criterion '%s' scores no single weights (it has no score_weights); choose one that does, or "
                       "targets with another measure",
                       criterion->plugin->name);
    if (ranking->count == PB_COUNT_THRESHOLD || ranking->round_to > 1)
        return pb_fail(error, PB_ERROR_INPUT,
                       "<ranking>: single weights are counted exactly and one by one; leave out count=\"%s\" and "
                       "round-to for targets with measure=\"weights\"",
                       pb_count_rule_names[ranking->count]);
    if (config->repair != PB_REPAIR_NONE)
        return pb_fail(
            error, PB_ERROR_INPUT,
            "repair=\"%s\" repairs layers that lost channels, and masked weights take none; leave it out for "
            "targets with measure=\"weights\"",
            pb_repair_names[config->repair]);
    const double masked = before->masked;
    if (!(target.amount > masked))
        return pb_fail(
            error, PB_ERROR_RUN,
            "the schedule asked to mask %g %% of the weights where %g %% were to be masked before; each target "
            "must be above the one before",
            100 * target.amount, 100 * masked);
    return PB_OK;
}
