/* Soft pruning's mask: chosen after every epoch, applied to the network, not removed. */
#include "training/soft_mask.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* One string of '1' (kept) and '0' per group. */
json_t *pb_soft_to_json(const struct pb_soft *soft)
{
    json_t *masks = json_array();
    for (uint32_t g = 0; g < soft->keep.group_count; g++) {
        char *text = pb_calloc((size_t)soft->groups.groups[g].channels + 1, 1);
        for (uint32_t c = 0; text && c < soft->groups.groups[g].channels; c++)
            text[c] = soft->keep.keep[g][c] ? '1' : '0';
        json_array_append_new(masks, json_string(text ? text : ""));
        pb_free(text);
    }
    return masks;
}

static void append_digits(struct pb_text *text, const bool *keep, uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c += 4) {
        unsigned digit = 0;
        for (uint32_t bit = 0; bit < 4; bit++)
            digit = 2 * digit + (c + bit < channels && !keep[c + bit]);
        pb_text_append(text, "%x", digit);
    }
}

json_t *pb_soft_mask_to_json(const struct pb_soft *soft)
{
    struct pb_text text = {0};
    if (!soft->keep.keep)
        return json_null();
    for (uint32_t g = 0; g < soft->keep.group_count; g++) {
        pb_text_append(&text, "%s", g ? " " : "");
        append_digits(&text, soft->keep.keep[g], soft->groups.groups[g].channels);
    }
    json_t *made = text.failed ? NULL : json_string(text.data ? text.data : "");
    pb_text_free(&text);
    return made;
}

static enum pb_status read_mask(struct pb_soft *soft, const json_t *state, struct pb_error *error)
{
    if (json_array_size(state) == 0)
        return PB_OK;
    struct pb_keep keep;
    const enum pb_status status = pb_keep_create(&soft->groups, &keep, error);
    if (status != PB_OK)
        return status;
    for (uint32_t g = 0; g < keep.group_count; g++) {
        const char *text = json_string_value(json_array_get(state, g));
        if (!text || strlen(text) != soft->groups.groups[g].channels) {
            pb_keep_free(&keep);
            return pb_fail(error, PB_ERROR_INPUT,
                           "a stored soft mask does not fit the network; remove its .partial folder");
        }
        for (uint32_t c = 0; c < soft->groups.groups[g].channels; c++)
            keep.keep[g][c] = text[c] == '1';
    }
    soft->keep = keep;
    return PB_OK;
}

enum pb_status pb_soft_start(struct pb_soft *soft, const struct pb_network *network, const json_t *state,
                             struct pb_error *error)
{
    struct pb_soft started = {0};
    enum pb_status status = pb_channel_groups_find(network->graph, &started.groups, error);
    if (status != PB_OK)
        return status;
    status = read_mask(&started, state, error);
    if (status == PB_OK)
        *soft = started;
    else
        pb_soft_free(&started);
    return status;
}

static void count_changes(struct pb_soft *soft, const struct pb_keep *now)
{
    soft->masked = soft->revived = 0;
    for (uint32_t g = 0; g < now->group_count; g++)
        for (uint32_t c = 0; c < soft->groups.groups[g].channels; c++) {
            const uint32_t repeats = soft->groups.groups[g].repeats;
            const bool revived = soft->keep.keep && !soft->keep.keep[g][c] && now->keep[g][c];
            soft->masked += now->keep[g][c] ? 0 : repeats;
            soft->revived += revived ? repeats : 0;
        }
}

struct pb_draw pb_soft_draw(const struct pb_train_spec *spec, uint32_t depth, const json_t *rows)
{
    struct pb_draw draw = {.depth = depth};
    double best = -1;
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const double top1 = json_number_value(json_object_get(row, "validation_top1"));
        if (spec->return_state == PB_RETURN_BEST && top1 <= best)
            continue;
        best = top1;
        draw.epoch = (uint32_t)json_integer_value(json_object_get(row, "epoch"));
    }
    return draw;
}

/*
 * With x = e^(−kE/8) the three points ask for 1 − x = 3/4·(1 − x⁸), whose root between 0 and 1 Newton's method finds from 1/4; the
 * share is then P·(1 − x^(8t/E)) / (1 − x⁸).
 */
static double asymptotic_share(double t)
{
    double x = 0.25;
    for (int i = 0; i < 8; i++)
        x -= (1 - x - 0.75 * (1 - pow(x, 8))) / (-1 + 6 * pow(x, 7));
    return (1 - pow(x, 8 * t)) / (1 - pow(x, 8));
}

double pb_soft_share(const struct pb_train_spec *spec, uint32_t epoch)
{
    const uint32_t epochs = spec->head_epochs + spec->epochs;
    if (spec->soft_growth == PB_SOFT_CONSTANT || epoch >= epochs)
        return spec->soft_amount;
    return spec->soft_amount * asymptotic_share((double)epoch / epochs);
}

/* Zeroes values of masked channels, or what momentum they have. */
static void zero(const struct pb_network *network, float *values, const struct pb_soft *soft,
                 const struct pb_keep *keep, uint32_t how)
{
    struct pb_network zeroed = *network;
    zeroed.values = values;
    if (how == PB_ZERO_FILTERS)
        pb_network_zero_filters(&zeroed, &soft->groups, keep);
    else
        pb_network_mask(&zeroed, &soft->groups, keep);
}

/* Σ of the squares of row c of a parameter; 0 where the node has none. */
static double row_squares(const struct pb_network *network, uint32_t node, enum pb_role role, uint32_t c)
{
    const float *values = pb_network_values(network, node, role);
    double squares = 0;
    if (!values)
        return 0;
    const struct pb_parameter *parameter = &network->graph->parameters[network->graph->nodes[node].parameters[role]];
    const size_t row = parameter->count / parameter->dims[0];
    for (size_t i = c * row; i < (c + 1) * row; i++)
        squares += (double)values[i] * (double)values[i];
    return squares;
}

/* The squared norm of what a mask zeroes of channel c. */
static double zeroed_squares(const struct pb_network *network, const struct pb_channel_group *group, uint32_t how,
                             uint32_t c)
{
    double squares = 0;
    for (uint32_t p = 0; p < group->producer_count; p++) {
        const bool scales = how == PB_ZERO_GAMMA_BETA && group->norms[p] != UINT32_MAX;
        const uint32_t node = scales ? group->norms[p] : group->producers[p];
        for (uint32_t k = c; k < network->graph->nodes[node].shape.channels; k += group->channels)
            squares += row_squares(network, node, scales ? PB_ROLE_GAMMA : PB_ROLE_WEIGHT, k) +
                       row_squares(network, node, scales ? PB_ROLE_BETA : PB_ROLE_BIAS, k);
    }
    return squares;
}

enum pb_status pb_soft_zeroed(const struct pb_network *network, const struct pb_channel_groups *groups, uint32_t how,
                              struct pb_keep *zeroed, struct pb_error *error)
{
    const enum pb_status status = pb_keep_create(groups, zeroed, error);
    for (uint32_t g = 0; status == PB_OK && g < groups->count; g++)
        for (uint32_t c = 0; c < groups->groups[g].channels; c++)
            zeroed->keep[g][c] = zeroed_squares(network, &groups->groups[g], how, c) > 0;
    return status;
}

/* Those of the last mask that may not come back (PB_COMEBACK_GROWN). */
static enum pb_status find_held(const struct pb_soft *soft, const struct pb_network *network, uint32_t how,
                                struct pb_keep *held, struct pb_error *error)
{
    const enum pb_status status = pb_keep_create(&soft->groups, held, error);
    for (uint32_t g = 0; status == PB_OK && g < soft->groups.count; g++) {
        const struct pb_channel_group *group = &soft->groups.groups[g];
        double least = INFINITY;
        for (uint32_t c = 0; c < group->channels; c++)
            if (soft->keep.keep[g][c])
                least = fmin(least, zeroed_squares(network, group, how, c));
        for (uint32_t c = 0; c < group->channels; c++)
            held->keep[g][c] = soft->keep.keep[g][c] || zeroed_squares(network, group, how, c) >= least;
    }
    return status;
}

/* Whether every mask is drawn anew, so that none is to stay. */
static bool masks_are_redrawn(const struct pb_cell_config *config)
{
    const bool random = config->criterion.loaded->plugin->criterion->traits & PB_TRAIT_RANDOM;
    return config->ranking.redraw && (random || config->ranking.permute);
}

enum pb_status pb_soft_mask(struct pb_soft *soft, const struct pb_train_job *job, uint32_t epoch,
                            struct pb_network *network, struct pb_error *error)
{
    struct pb_scores scores = {0};
    struct pb_pruning pruning = {0};
    struct pb_ranking ranking = job->config->ranking;
    struct pb_keep held = {0};
    const struct pb_target target = {
        .size = sizeof target, .measure = job->spec->soft_measure, .amount = pb_soft_share(job->spec, epoch)};
    if (ranking.redraw)
        ranking.draw = (struct pb_draw){.depth = job->depth, .epoch = epoch};
    enum pb_status status = pb_score_for(job, network, &soft->groups, ranking.draw, &scores, error);
    if (status == PB_OK && job->spec->soft_comeback == PB_COMEBACK_GROWN && soft->keep.keep &&
        !masks_are_redrawn(job->config)) {
        status = find_held(soft, network, job->spec->soft_zero, &held, error);
        ranking.masked = &held;
    }
    if (status == PB_OK)
        status = pb_rank(network, &soft->groups, &scores, &ranking, target, job->original, &pruning, error);
    if (status == PB_OK)
        status = pb_select_for(job, network, &soft->groups, &ranking, &pruning, error);
    if (status == PB_OK) {
        zero(network, network->values, soft, &pruning.keep, job->spec->soft_zero);
        if (job->spec->soft_clears_momentum)
            zero(network, network->velocity, soft, &pruning.keep, job->spec->soft_zero);
        count_changes(soft, &pruning.keep);
        pb_keep_free(&soft->keep);
        soft->keep = pruning.keep;
        pruning.keep = (struct pb_keep){0};
    }
    pb_keep_free(&held);
    pb_pruning_free(&pruning);
    pb_scores_free(&scores);
    return status;
}

void pb_soft_free(struct pb_soft *soft)
{
    pb_keep_free(&soft->keep);
    pb_channel_groups_free(&soft->groups);
    *soft = (struct pb_soft){0};
}
