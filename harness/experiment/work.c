/* What each verb does when its result is not stored yet. */
#include "experiment/work.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/rng.h"
#include "prune/equivalence.h"
#include "experiment/masking_facts.h"
#include "experiment/pruning_facts.h"
#include "experiment/teaching.h"
#include "training/piece.h"
#include "training/recalibrate.h"
#include "training/soft_mask.h"
#include "prune/warnings.h"

static enum pb_status copy_parent(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                  struct pb_error *error)
{
    const struct pb_network *parent;
    const enum pb_status status = pb_session_network(session, link->parent, &parent, error);
    return status == PB_OK ? pb_network_copy(parent, network, error) : status;
}

/* The learning-rate state that the training before left. */
static enum pb_status continue_from(struct pb_session *session, const struct pb_link *link, struct pb_lr *lr,
                                    struct pb_error *error)
{
    pb_stage stage = link->parent;
    while (stage != 0 && session->chain.links[stage - 1].verb != PB_VERB_TRAIN)
        stage = session->chain.links[stage - 1].parent;
    if (stage == 0)
        return pb_fail(error, PB_ERROR_RUN, "there is no training before this one whose optimiser could continue");
    json_t *facts = NULL;
    enum pb_status status = pb_store_facts(&session->store, pb_chain_key(&session->chain, stage), &facts, error);
    if (status == PB_OK)
        status = pb_lr_from_json(json_object_get(facts, "lr"), lr, error);
    if (status == PB_OK)
        pb_lr_continue(lr);
    json_decref(facts);
    return status;
}

/* Where the piece of the training before ended, in all. */
static enum pb_status continue_piece(struct pb_session *session, const struct pb_link *link, struct pb_lr *lr,
                                     struct pb_reached *reached, struct pb_error *error)
{
    const pb_stage stage = pb_chain_training_before(&session->chain, link->parent);
    json_t *facts = NULL;
    enum pb_status status = pb_store_facts(&session->store, pb_chain_key(&session->chain, stage), &facts, error);
    if (status == PB_OK)
        status = pb_lr_from_json(json_object_get(facts, "lr"), lr, error);
    if (status == PB_OK)
        status = pb_reached_from_json(json_object_get(facts, "reached"), reached, error);
    json_decref(facts);
    return status;
}

static void report_epoch(void *argument, uint32_t epoch, uint32_t epochs)
{
    struct pb_session *session = argument;
    pb_session_progress(session, (double)epoch / epochs, "%s: epoch %u of %u",
                        session->chain.links[session->making - 1].name, epoch + 1, epochs);
}

enum pb_status pb_work_training(struct pb_session *session, const struct pb_link *link,
                                const struct pb_training *training, struct pb_network **network, json_t *facts,
                                struct pb_error *error)
{
    struct pb_reached reached = {0};
    struct pb_train_job job = {.config = training->config,
                               .spec = &link->spec,
                               .device = session->device,
                               .data = training->data,
                               .cache = training->cache,
                               .original = &session->original,
                               .seed = training->config->seed * UINT64_C(0x9e3779b97f4a7c15) + link->training_depth,
                               .reached = &reached,
                               .teacher = training->teacher,
                               .depth = link->depth,
                               .progress = report_epoch,
                               .argument = session};
    struct pb_lr lr;
    char *partial = NULL;
    json_t *rows = json_array();
    enum pb_status status = pb_store_partial(&session->store, link->key, &partial, error);
    job.partial = partial;
    pb_lr_start(&lr, &link->spec);
    if (status == PB_OK && !pb_piece_is_first(&link->spec))
        status = continue_piece(session, link, &lr, &reached, error);
    else if (status == PB_OK && link->spec.continue_optimiser)
        status = continue_from(session, link, &lr, error);
    if (status == PB_OK)
        status = pb_train(&job, network, &lr, rows, error);
    if (status == PB_OK &&
        (json_object_set(facts, "epochs", rows) != 0 || json_object_set_new(facts, "lr", pb_lr_to_json(&lr)) != 0))
        status = pb_fail_memory(error, 0);
    if (status == PB_OK && !pb_piece_is_last(&link->spec) &&
        json_object_set_new(facts, "reached", pb_reached_to_json(&reached)) != 0)
        status = pb_fail_memory(error, 0);
    json_decref(rows);
    pb_free(partial);
    return status;
}

static enum pb_status work_train(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                 json_t *facts, struct pb_error *error)
{
    struct pb_training training = {.config = session->config, .data = session->data, .cache = session->cache};
    struct pb_network *trained = NULL, *teacher = NULL;
    char name[PB_TEACHER_NAME];
    enum pb_status status = pb_teacher_open(session, link, &teacher, name, &training.teacher, error);
    if (status == PB_OK)
        status = copy_parent(session, link, &trained, error);
    if (status == PB_OK)
        status = pb_work_training(session, link, &training, &trained, facts, error);
    if (status == PB_OK)
        *network = trained;
    else
        pb_network_free(&trained);
    pb_network_free(&teacher);
    return status;
}

/* The soft training that left a stage's network as it is; NULL: none did. */
static const struct pb_link *soft_training_of(const struct pb_session *session, pb_stage *stage)
{
    const struct pb_link *links = session->chain.links;
    while (*stage != 0 && (links[*stage - 1].verb == PB_VERB_SCORE || links[*stage - 1].verb == PB_VERB_RECALIBRATE))
        *stage = links[*stage - 1].parent;
    const struct pb_link *link = *stage ? &links[*stage - 1] : NULL;
    return link && link->verb == PB_VERB_TRAIN && link->spec.soft_zero != PB_ZERO_NONE ? link : NULL;
}

/* The draw of random scores and permutations for the network of a stage: that of its last mask, where soft pruning left it. */
static enum pb_status find_draw(struct pb_session *session, pb_stage stage, struct pb_draw *draw,
                                struct pb_error *error)
{
    const struct pb_link *link = soft_training_of(session, &stage);
    if (!session->config->ranking.redraw || !link)
        return PB_OK;
    json_t *facts = NULL;
    const enum pb_status status = pb_store_facts(&session->store, pb_chain_key(&session->chain, stage), &facts, error);
    if (status == PB_OK)
        *draw = pb_soft_draw(&link->spec, link->depth, json_object_get(facts, "epochs"));
    json_decref(facts);
    return status;
}

/* What soft pruning's last mask zeroed goes first, also where negative scores say that something else should. */
static enum pb_status put_zeroed_first(struct pb_session *session, pb_stage stage, const struct pb_network *network,
                                       const struct pb_channel_groups *groups, struct pb_keep *zeroed,
                                       struct pb_ranking *ranking, struct pb_error *error)
{
    const struct pb_link *link = soft_training_of(session, &stage);
    if (!link)
        return PB_OK;
    ranking->masked = zeroed;
    return pb_soft_zeroed(network, groups, link->spec.soft_zero, zeroed, error);
}

/* When a scoring begins; its memory is counted from here. */
static double begin_scoring(void)
{
    pb_peak_begin();
    return pb_clock();
}

/* Adds what the criterion took since began. */
static enum pb_status end_scoring(double began, json_t *facts, struct pb_error *error)
{
    const double seconds = pb_clock() - began, bytes = pb_peak_growth();
    bool good = json_object_set_new(facts, PB_FACT_SCORING_SECONDS, json_real(seconds)) == 0;
    if (!isnan(bytes))
        good = good && json_object_set_new(facts, PB_FACT_SCORING_BYTES, json_integer((json_int_t)bytes)) == 0;
    return good ? PB_OK : pb_fail_memory(error, 0);
}

static enum pb_status work_score(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                 json_t *facts, struct pb_error *error)
{
    const struct pb_train_job job = {
        .config = session->config, .device = session->device, .data = session->data, .cache = session->cache};
    const struct pb_network *scored;
    struct pb_channel_groups groups = {0};
    struct pb_scores scores = {0};
    struct pb_draw draw = {0};
    (void)network;
    enum pb_status status = pb_session_network(session, link->parent, &scored, error);
    if (status == PB_OK)
        status = pb_channel_groups_find(scored->graph, &groups, error);
    if (status == PB_OK)
        status = find_draw(session, link->parent, &draw, error);
    const double began = begin_scoring();
    if (status == PB_OK)
        status = pb_score_for(&job, scored, &groups, draw, &scores, error);
    if (status == PB_OK)
        status = end_scoring(began, facts, error);
    if (status == PB_OK) {
        json_t *all = json_array();
        for (uint32_t g = 0; g < scores.group_count; g++) {
            json_t *values = json_array();
            for (uint32_t c = 0; c < scores.channels[g]; c++)
                json_array_append_new(values, json_real(scores.values[g][c]));
            json_array_append_new(all, values);
        }
        status = json_object_set_new(facts, "scores", all) == 0 ? PB_OK : pb_fail_memory(error, 0);
    }
    pb_scores_free(&scores);
    pb_channel_groups_free(&groups);
    return status;
}

/* Runs the masked and the compacted network on the same images, and fails when they differ. */
static enum pb_status check_removal(struct pb_session *session, const struct pb_network *before,
                                    const struct pb_channel_groups *groups, const struct pb_keep *keep,
                                    const struct pb_network *after, double *relative, struct pb_error *error)
{
    const struct pb_data *data = session->data;
    const uint32_t *samples = data->validation_count ? data->validation : data->train;
    const struct pb_batches_spec spec = {.samples = samples,
                                         .sample_count =
                                             pb_removal_check_images(data->validation_count, data->train_count),
                                         .batch = PB_REMOVAL_CHECK_BATCH,
                                         .threads = 1};
    struct pb_batches *batches = NULL;
    struct pb_batch batch = {0};
    enum pb_status status = pb_batches_create(session->cache, &session->config->preprocess, &spec, &batches, error);
    if (status == PB_OK)
        status = pb_batches_start(batches, 0, error);
    if (status == PB_OK)
        status = pb_batches_next(batches, &batch, error);
    if (status == PB_OK)
        status =
            pb_equivalence(session->device, before, groups, keep, after, batch.images, batch.count, relative, error);
    pb_batches_free(&batches);
    if (status == PB_OK && !(*relative <= PB_EQUIVALENCE_LIMIT))
        status = pb_fail(error, PB_ERROR_RUN,
                         "the compacted network differs from the masked one by %.3g of the largest logit (limit %g)",
                         *relative, PB_EQUIVALENCE_LIMIT);
    return status;
}

/* In the log, and in the facts for the result. */
static enum pb_status add_warnings(struct pb_session *session, const struct pb_link *link,
                                   const struct pb_network *before, const struct pb_channel_groups *groups,
                                   const struct pb_pruning *pruning, json_t *facts, struct pb_error *error)
{
    struct pb_text lines = {0};
    const struct pb_cell_config *config = session->config;
    enum pb_status status = pb_pruning_warnings(before, groups, &session->scores, &config->ranking,
                                                config->criterion.loaded->plugin, pruning, &lines, error);
    if (status == PB_OK && lines.length) {
        pb_log(PB_LOG_WARNING, "%s: %.*s", link->name, (int)lines.length - 1, lines.data);
        if (json_object_set_new(facts, "warnings", json_string(lines.data)) != 0)
            status = pb_fail_memory(error, lines.length);
    }
    pb_text_free(&lines);
    return status;
}

static enum pb_status work_prune(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                 json_t *facts, struct pb_error *error)
{
    const struct pb_network *before;
    struct pb_channel_groups groups = {0};
    struct pb_pruning pruning = {0};
    const struct pb_train_job job = {
        .config = session->config, .device = session->device, .data = session->data, .cache = session->cache};
    struct pb_ranking ranking = session->config->ranking;
    struct pb_keep zeroed = {0};
    struct pb_network *after = NULL;
    double relative = NAN;
    if (!session->scores.values)
        return pb_fail(error, PB_ERROR_RUN, "the schedule prunes without scores: its program lacks a score before");
    enum pb_status status = pb_session_network(session, link->parent, &before, error);
    if (status == PB_OK)
        status = pb_channel_groups_find(before->graph, &groups, error);
    if (status == PB_OK)
        status = find_draw(session, link->parent, &ranking.draw, error);
    if (status == PB_OK)
        status = put_zeroed_first(session, link->parent, before, &groups, &zeroed, &ranking, error);
    if (status == PB_OK)
        status = link->channels ? pb_rank_to(before, &groups, &session->scores, &ranking, link->channels,
                                             link->channel_count, &session->original, &pruning, error)
                                : pb_rank(before, &groups, &session->scores, &ranking, link->target, &session->original,
                                          &pruning, error);
    const double began = begin_scoring();
    if (status == PB_OK)
        status = pb_select_for(&job, before, &groups, &ranking, &pruning, error);
    if (status == PB_OK && session->config->criterion.loaded->plugin->criterion->select)
        status = end_scoring(began, facts, error);
    if (status == PB_OK)
        status = add_warnings(session, link, before, &groups, &pruning, facts, error);
    if (status == PB_OK)
        status = pb_network_compact(before, &pruning.keep, &after, error);
    if (status == PB_OK)
        status = check_removal(session, before, &groups, &pruning.keep, after, &relative, error);
    if (status == PB_OK)
        status = pb_pruning_to_facts(
            &(struct pb_pruning_done){
                .before = before, .after = after, .groups = &groups, .pruning = &pruning, .equivalence = relative},
            facts, error);
    if (status == PB_OK) {
        *network = after;
        after = NULL;
    }
    pb_network_free(&after);
    pb_keep_free(&zeroed);
    pb_pruning_free(&pruning);
    pb_channel_groups_free(&groups);
    return status;
}

static enum pb_status work_mask(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                json_t *facts, struct pb_error *error)
{
    const struct pb_train_job job = {
        .config = session->config, .device = session->device, .data = session->data, .cache = session->cache};
    struct pb_masking masking = {0};
    const struct pb_network *before;
    struct pb_network *masked = NULL;
    enum pb_status status = pb_session_network(session, link->parent, &before, error);
    if (status == PB_OK)
        status = pb_network_copy(before, &masked, error);
    const double began = begin_scoring();
    if (status == PB_OK)
        status = pb_mask_for(&job, link->target.amount, before, masked, &masking, error);
    if (status == PB_OK)
        status = end_scoring(began, facts, error);
    if (status == PB_OK)
        status = pb_masking_to_facts(masked->graph, &masking, facts, error);
    if (status == PB_OK) {
        *network = masked;
        masked = NULL;
    }
    pb_network_free(&masked);
    pb_masking_free(&masking);
    return status;
}

static enum pb_status work_recalibrate(struct pb_session *session, const struct pb_link *link,
                                       struct pb_network **network, json_t *facts, struct pb_error *error)
{
    (void)facts;
    const struct pb_cell_config *config = session->config;
    const struct pb_batches_spec spec = {.samples = session->data->train,
                                         .sample_count = session->data->train_count,
                                         .batch = config->batch,
                                         .training = true,
                                         .seed = config->seed + link->depth,
                                         .threads = config->threads};
    struct pb_batches *batches = NULL;
    struct pb_network *changed = NULL;
    enum pb_status status = pb_batches_create(session->cache, &config->preprocess, &spec, &batches, error);
    if (status == PB_OK)
        status = copy_parent(session, link, &changed, error);
    if (status == PB_OK)
        status = pb_recalibrate(session->device, batches, link->batches, config->batch, changed, error);
    if (status == PB_OK) {
        *network = changed;
        changed = NULL;
    }
    pb_network_free(&changed);
    pb_batches_free(&batches);
    return status;
}

static enum pb_status work_rewind(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                  json_t *facts, struct pb_error *error)
{
    (void)facts;
    struct pb_network *changed = NULL;
    const struct pb_network *earlier;
    enum pb_status status = copy_parent(session, link, &changed, error);
    if (status == PB_OK)
        status = pb_session_network(session, link->to, &earlier, error);
    if (status == PB_OK)
        status = pb_network_rewind(changed, earlier, error);
    if (status == PB_OK)
        *network = changed;
    else
        pb_network_free(&changed);
    return status;
}

static enum pb_status work_reinitialise(struct pb_session *session, const struct pb_link *link,
                                        struct pb_network **network, json_t *facts, struct pb_error *error)
{
    (void)facts;
    struct pb_network *changed = NULL;
    struct pb_rng rng;
    char stream[32];
    const enum pb_status status = copy_parent(session, link, &changed, error);
    if (status != PB_OK)
        return status;
    snprintf(stream, sizeof stream, "reinitialise/%" PRIu32, link->stream);
    pb_rng_init(&rng, session->config->seed, stream);
    pb_network_drop_velocity(changed);
    pb_network_initialise(changed, pb_rng_next(&rng));
    *network = changed;
    return PB_OK;
}

static enum pb_status note_repairs(const struct pb_repaired *repaired, uint32_t count, json_t *facts,
                                   struct pb_error *error)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_t *row = json_pack("{s:s, s:i, s:f, s:f}", "layer", repaired[i].name, "rows", (int)repaired[i].rows,
                                "error_before", repaired[i].error_before, "error_after", repaired[i].error_after);
        if (repaired[i].without_bias)
            json_object_set_new(row, "without_bias", json_true());
        json_array_append_new(rows, row);
    }
    return json_array_size(rows) == count && json_object_set_new(facts, "repairs", rows) == 0
               ? PB_OK
               : pb_fail_memory(error, count * sizeof *repaired);
}

static enum pb_status work_repair(struct pb_session *session, const struct pb_link *link, struct pb_network **network,
                                  json_t *facts, struct pb_error *error)
{
    const struct pb_train_job job = {
        .config = session->config, .device = session->device, .data = session->data, .cache = session->cache};
    struct pb_network *changed = NULL, *before = NULL;
    const struct pb_network *earlier;
    struct pb_repaired *repaired = NULL;
    uint32_t count = 0;
    enum pb_status status =
        pb_session_network(session, pb_chain_before_pruning(&session->chain, link->parent), &earlier, error);
    if (status == PB_OK) /* the session keeps one network at a time */
        status = pb_network_copy(earlier, &before, error);
    if (status == PB_OK)
        status = copy_parent(session, link, &changed, error);
    if (status == PB_OK)
        status = pb_repair_for(&job, link->repair, before, changed, &repaired, &count, error);
    if (status == PB_OK)
        status = note_repairs(repaired, count, facts, error);
    if (status == PB_OK) {
        *network = changed;
        changed = NULL;
    }
    pb_free(repaired);
    pb_network_free(&before);
    pb_network_free(&changed);
    return status;
}

pb_work_function pb_work_of(enum pb_verb_kind verb)
{
    static const pb_work_function works[] = {
        [PB_VERB_TRAIN] = work_train,   [PB_VERB_SCORE] = work_score,
        [PB_VERB_PRUNE] = work_prune,   [PB_VERB_RECALIBRATE] = work_recalibrate,
        [PB_VERB_REWIND] = work_rewind, [PB_VERB_REINITIALISE] = work_reinitialise,
        [PB_VERB_REPAIR] = work_repair, [PB_VERB_MASK] = work_mask,
    };
    return works[verb];
}
