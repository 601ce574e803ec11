/* The verbs of a running cell: asked for in a wrong state, restored from what is stored, dropped and computed again. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/stop.h"
#include "experiment/session_open.h"
#include "planning/schedule_run.h"
#include "support/built_plugin.h"
#include "support/fake_dataset.h"
#include "support/folder.h"

enum { GROUPS = 8 }; /* of vgg11 */

/* A criterion that prefers late channels; what it does wrong, and how often it was asked. */
static bool gives_nan, repairs_with_nan;
static uint32_t scored;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    scored++;
    for (uint32_t k = 0; k < layer->channels; k++)
        scores[k] = gives_nan ? (double)NAN : k + 1;
    return PB_OK;
}

static enum pb_status repair(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    (void)self;
    (void)layer;
    (void)bias;
    if (repairs_with_nan)
        weight[0] = NAN;
    return PB_OK;
}

/* A schedule whose course is free after its first measurement, so that the test can ask for any verb. */
static enum pb_status measure(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    struct pb_measurement measurement = {.size = sizeof measurement};
    (void)self;
    (void)task;
    return verbs->evaluate(verbs, PB_EVALUATE_VALIDATION, &measurement);
}

static const struct pb_criterion criterion = {
    .size = sizeof criterion, .create = create, .score = score, .repair = repair, .repair_rows = 2};
static const struct pb_schedule schedule = {
    .size = sizeof schedule, .adaptive = true, .create = create, .run = measure};
static const struct pb_plugin criterion_plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "late", .version = "1",
                                                  .criterion = &criterion},
                              schedule_plugin = {PB_PLUGIN_HEADER(PB_KIND_SCHEDULE), .name = "any", .version = "1",
                                                 .schedule = &schedule};

struct cell {
    struct fake_dataset fake;
    struct pb_loaded loaded[3];
    struct pb_cell_round round;
    struct pb_cell_config config;
    struct pb_cell_run_options options;
    struct pb_session session;
    struct pb_verbs verbs;
    pb_stage trained;
};

static void must(const struct cell *cell, enum pb_status status)
{
    if (status != PB_OK)
        fail_msg("%s", cell->session.error.text);
}

static void describe_cell(struct cell *cell, void **state)
{
    static const char *const names[] = {"backend-reference", "reference"};
    *cell = (struct cell){0};
    fake_init(&cell->fake, *state, 3);
    fake_add_images(&cell->fake, "train", 18, 24, 20, PB_SPLIT_TRAIN);
    fake_add_images(&cell->fake, "test", 3, 24, 20, PB_SPLIT_TEST);
    cell->loaded[0] = (struct pb_loaded){.plugin = &criterion_plugin, .file = "test", .sha256 = "00"};
    cell->loaded[1] = (struct pb_loaded){.plugin = &schedule_plugin, .file = "test", .sha256 = "00"};
    cell->loaded[2] = (struct pb_loaded){.plugin = built_plugin(names[0], names[1]), .file = "test", .sha256 = "00"};
    cell->round.target = (struct pb_target){.size = sizeof cell->round.target, .amount = 0.4};
    cell->config = (struct pb_cell_config){
        .dataset = {.label = "fake", .loaded = &cell->fake.loaded},
        .criterion = {.label = "late", .loaded = &cell->loaded[0]},
        .schedule = {.label = "any", .loaded = &cell->loaded[1]},
        .backend = {.label = "reference", .loaded = &cell->loaded[2]},
        .dataset_root = *state,
        .seed = 5,
        .model = {.name = "vgg11-bcnn", .image_size = 32, .width_multiplier = 0.05, .batch_norm = true},
        .split = {.validation = 0.34, .seed = 5},
        .batch = 6,
        .evaluate_batch = 6,
        .training = {.size = sizeof cell->config.training, .epochs = 1, .lr = 0.01},
        .rounds = &cell->round,
        .round_count = 1,
        .ranking = {.floor = 1, .round_to = 1, .seed = 5},
        .calibration_batches = 1,
        .calibration_batch = 6,
        .threads = 1};
    pb_preprocess_default(&cell->config.preprocess);
    cell->config.preprocess.image_size = 32;
    cell->options.out = *state;
    gives_nan = repairs_with_nan = false;
    scored = 0;
}

static void open_session(struct cell *cell)
{
    struct pb_error error = {0};
    if (pb_session_open(&cell->session, &cell->config, &cell->options, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_session_verbs(&cell->session, &cell->verbs);
    must(cell, cell->verbs.train(&cell->verbs, &cell->config.training, &cell->trained));
}

static void open_cell(struct cell *cell, void **state)
{
    describe_cell(cell, state);
    open_session(cell);
}

static void close_cell(struct cell *cell)
{
    pb_session_close(&cell->session);
    fake_free(&cell->fake);
}

static void assert_refused(struct cell *cell, enum pb_status status, enum pb_status expected, const char *words)
{
    assert_int_equal(status, expected);
    if (!strstr(cell->session.error.text, words))
        fail_msg("'%s' does not say '%s'", cell->session.error.text, words);
    assert_null(cell->session.store.lease); /* another cell may make the stage */
}

static enum pb_status prune(struct cell *cell, pb_stage *stage)
{
    return cell->verbs.prune(&cell->verbs, &cell->round.target, stage);
}

static enum pb_status restore(struct cell *cell, pb_stage stage)
{
    return cell->verbs.restore(&cell->verbs, stage, NULL);
}

static void test_a_pruning_needs_scores_of_the_very_network(void **state)
{
    static const char words[] = "the schedule prunes without scores: its program lacks a score before";
    static struct cell cell;
    open_cell(&cell, state);
    assert_refused(&cell, prune(&cell, NULL), PB_ERROR_RUN, words);
    must(&cell, restore(&cell, cell.trained));
    must(&cell, cell.verbs.score(&cell.verbs, NULL));
    must(&cell, cell.verbs.rewind(&cell.verbs, 0, NULL)); /* another network, without scores */
    assert_refused(&cell, prune(&cell, NULL), PB_ERROR_RUN, words);
    must(&cell, restore(&cell, cell.trained));
    must(&cell, cell.verbs.score(&cell.verbs, NULL));
    must(&cell, cell.verbs.recalibrate_bn(&cell.verbs, 1, NULL)); /* leaves the scores */
    must(&cell, prune(&cell, NULL));
    assert_refused(&cell,
                   cell.verbs.prune_to(&cell.verbs, (const uint32_t[GROUPS]){1, 1, 1, 1, 1, 1, 1, 1}, GROUPS, NULL),
                   PB_ERROR_RUN, words); /* a pruning uses them up */
    close_cell(&cell);
}

/* The key of the link that was added last. */
static const char *last_key(const struct cell *cell)
{
    return cell->session.chain.links[cell->session.chain.count - 1].key;
}

static void test_a_score_that_fails_is_not_stored_and_leaves_no_scores(void **state)
{
    static struct cell cell;
    open_cell(&cell, state);
    gives_nan = true;
    assert_refused(&cell, cell.verbs.score(&cell.verbs, NULL), PB_ERROR_RUN,
                   "score: criterion 'late' gave layer 'conv1_1', channel 0, the score nan; scores must be finite");
    assert_false(pb_store_has(&cell.session.store, last_key(&cell)));
    assert_null(cell.session.scores.values);
    gives_nan = false;
    must(&cell, restore(&cell, cell.trained));
    must(&cell, cell.verbs.score(&cell.verbs, NULL));
    assert_true(pb_store_has(&cell.session.store, last_key(&cell)));
    close_cell(&cell);
}

static void test_a_repair_with_nan_is_not_stored_and_leaves_the_pruned_network(void **state)
{
    static struct cell cell;
    pb_stage pruned = 0;
    struct pb_measurement before = {.size = sizeof before}, after = before;
    open_cell(&cell, state);
    assert_refused(&cell, cell.verbs.repair(&cell.verbs, NULL), PB_ERROR_RUN,
                   "the schedule asked for a repair before anything was pruned");
    must(&cell, cell.verbs.score(&cell.verbs, NULL));
    must(&cell, prune(&cell, &pruned));
    must(&cell, cell.verbs.evaluate(&cell.verbs, PB_EVALUATE_TRAIN, &before));
    repairs_with_nan = true;
    assert_refused(&cell, cell.verbs.repair(&cell.verbs, NULL), PB_ERROR_RUN,
                   "repair: criterion 'late' repaired layer 'conv2_1' with a weight of nan; values must be finite");
    assert_false(pb_store_has(&cell.session.store, last_key(&cell)));
    must(&cell, restore(&cell, pruned));
    must(&cell, cell.verbs.rewind(&cell.verbs, pruned, NULL)); /* the same network, measured again */
    must(&cell, cell.verbs.evaluate(&cell.verbs, PB_EVALUATE_TRAIN, &after));
    assert_true(before.loss == after.loss && before.images == after.images);
    close_cell(&cell);
}

static void test_stages_that_were_not_made_are_refused_by_number(void **state)
{
    static struct cell cell;
    open_cell(&cell, state);
    assert_refused(&cell, restore(&cell, 9), PB_ERROR_RUN, "the schedule restores stage 9 of 1");
    assert_refused(&cell, cell.verbs.rewind(&cell.verbs, 9, NULL), PB_ERROR_RUN,
                   "the schedule rewinds to stage 9 of 1");
    assert_refused(&cell, cell.verbs.drop(&cell.verbs, 9), PB_ERROR_RUN, "the schedule drops stage 9 of 1");
    close_cell(&cell);
}

static void test_a_training_that_continues_the_optimiser_of_none_is_refused(void **state)
{
    static struct cell cell;
    open_cell(&cell, state);
    struct pb_train_spec spec = cell.config.training;
    spec.continue_optimiser = true;
    must(&cell, restore(&cell, 0));
    assert_refused(&cell, cell.verbs.train(&cell.verbs, &spec, NULL), PB_ERROR_RUN,
                   "there is no training before this one whose optimiser could continue");
    must(&cell, restore(&cell, cell.trained));
    must(&cell, cell.verbs.train(&cell.verbs, &spec, NULL));
    close_cell(&cell);
}

static void test_what_the_network_does_not_have_has_no_cost_and_no_description(void **state)
{
    static struct cell cell;
    struct pb_network_cost cost = {.size = sizeof cost}, asked = {.size = sizeof asked, .macs = 77};
    struct pb_network_group group = {.size = sizeof group, .macs = 77};
    uint32_t channels[GROUPS + 1];
    char words[96];
    open_cell(&cell, state);
    must(&cell, cell.verbs.cost(&cell.verbs, &cost));
    assert_int_equal(cost.groups, GROUPS);
    for (uint32_t g = 0; g < GROUPS; g++) {
        must(&cell, cell.verbs.group(&cell.verbs, g, &group));
        channels[g] = group.channels;
    }
    assert_refused(&cell, cell.verbs.cost_of(&cell.verbs, channels, GROUPS - 1, &asked), PB_ERROR_RUN,
                   "the schedule asked what 7 groups would cost; the network has 8");
    for (uint32_t wrong = 0; wrong <= channels[2] + 1; wrong += channels[2] + 1) {
        uint32_t others[GROUPS];
        memcpy(others, channels, sizeof others);
        others[2] = wrong;
        snprintf(words, sizeof words, "the schedule asked what %u channels of group 2 would cost; it has %u", wrong,
                 channels[2]);
        assert_refused(&cell, cell.verbs.cost_of(&cell.verbs, others, GROUPS, &asked), PB_ERROR_RUN, words);
    }
    assert_int_equal(asked.macs, 77);
    group.macs = 77;
    assert_refused(&cell, cell.verbs.group(&cell.verbs, GROUPS, &group), PB_ERROR_RUN,
                   "the schedule asked for group 8 of 8");
    assert_int_equal(group.macs, 77);
    must(&cell, cell.verbs.cost_of(&cell.verbs, channels, GROUPS, &asked));
    assert_int_equal(asked.macs, cost.macs);
    close_cell(&cell);
}

static void test_a_stored_score_stage_without_scores_is_refused(void **state)
{
    static struct cell cell;
    struct pb_error error = {0};
    json_t *facts = json_pack("{s:s}", "name", "score");
    open_cell(&cell, state);
    must(&cell, cell.verbs.score(&cell.verbs, NULL));
    assert_int_equal(pb_store_remove(&cell.session.store, last_key(&cell), &error), PB_OK);
    assert_int_equal(pb_store_put(&cell.session.store, last_key(&cell), facts, NULL, &error), PB_OK);
    must(&cell, restore(&cell, cell.trained));
    assert_refused(&cell, cell.verbs.score(&cell.verbs, NULL), PB_ERROR_INPUT,
                   "a stored score stage holds no scores; remove its stage folder");
    assert_null(cell.session.scores.values);
    json_decref(facts);
    close_cell(&cell);
}

static void test_stored_measures_that_are_incomplete_are_refused(void **state)
{
    static struct cell cell;
    struct pb_error error = {0};
    struct pb_measurement measurement = {.size = sizeof measurement, .images = 77};
    struct pb_latency latency = {.size = sizeof latency, .runs = 77};
    json_t *half = json_pack("{s:f}", "median", 1.0);
    open_cell(&cell, state);
    const char *key = last_key(&cell);
    assert_int_equal(pb_store_put_extra(&cell.session.store, key, "train", half, &error), PB_OK);
    assert_int_equal(pb_store_put_extra(&cell.session.store, key, "latency-2-5-1", half, &error), PB_OK);
    assert_int_equal(cell.verbs.evaluate(&cell.verbs, PB_EVALUATE_TRAIN, &measurement), PB_ERROR_INPUT);
    assert_int_equal(measurement.images, 77);
    assert_int_equal(cell.session.trial_count, 0);
    assert_refused(&cell, cell.verbs.latency(&cell.verbs, 2, 5, &latency), PB_ERROR_INPUT,
                   "a stored latency is incomplete; remove its stage folder");
    assert_int_equal(latency.runs, 77);
    json_decref(half);
    close_cell(&cell);
}

/* The values of the current stage's network; from pb_calloc. */
static float *current_values(struct cell *cell, size_t *count)
{
    const struct pb_network *network = NULL;
    must(cell, pb_session_network(&cell->session, cell->session.chain.current, &network, &cell->session.error));
    *count = network->graph->value_count;
    float *values = pb_calloc(*count, sizeof *values);
    assert_non_null(values);
    memcpy(values, network->values, *count * sizeof *values);
    return values;
}

static void test_verbs_whose_results_are_stored_are_not_done_again(void **state)
{
    static struct cell cell;
    size_t count[2];
    float *values[2];
    open_cell(&cell, state);
    for (int run = 0; run < 2; run++) {
        must(&cell, cell.verbs.score(&cell.verbs, NULL));
        must(&cell, prune(&cell, NULL));
        values[run] = current_values(&cell, &count[run]);
        assert_int_equal(scored, GROUPS);
        if (run == 0) {
            pb_session_close(&cell.session);
            open_session(&cell);
        }
    }
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(values[0], values[1], count[0] * sizeof **values);
    pb_free(values[0]);
    pb_free(values[1]);
    close_cell(&cell);
}

/* How many cells of the matrix have planned a stage. */
static uint32_t planned;
static uint32_t count_planned(void *argument, const char *key)
{
    (void)argument;
    (void)key;
    return planned;
}

static bool is_stored(struct cell *cell, pb_stage stage)
{
    struct pb_network *network = NULL;
    must(cell, pb_store_network(&cell->session.store, pb_chain_key(&cell->session.chain, stage), &network,
                                &cell->session.error));
    const bool found = network != NULL;
    pb_network_free(&network);
    return found;
}

static void test_a_dropped_network_is_computed_again_and_one_that_another_cell_planned_stays(void **state)
{
    static struct cell cell;
    pb_stage pruned = 0, retrained = 0;
    size_t count[2];
    describe_cell(&cell, state);
    cell.options.planned_by = count_planned;
    open_session(&cell);
    must(&cell, cell.verbs.score(&cell.verbs, NULL));
    must(&cell, prune(&cell, &pruned));
    must(&cell, cell.verbs.train(&cell.verbs, &cell.config.training, &retrained));
    float *before = current_values(&cell, &count[0]);
    must(&cell, restore(&cell, cell.trained));
    float *loaded = current_values(&cell, &count[1]); /* in memory now, instead of the retrained one */
    pb_free(loaded);
    planned = 1; /* of no plan of this cell's */
    must(&cell, cell.verbs.drop(&cell.verbs, retrained));
    assert_true(is_stored(&cell, retrained) && is_stored(&cell, pruned));
    must(&cell, restore(&cell, retrained));
    must(&cell, restore(&cell, cell.trained));
    planned = 0;
    must(&cell, cell.verbs.drop(&cell.verbs, retrained));
    assert_false(is_stored(&cell, retrained) || is_stored(&cell, pruned));
    assert_true(is_stored(&cell, cell.trained)); /* what all results are compared with */
    must(&cell, restore(&cell, retrained));
    float *after = current_values(&cell, &count[1]);
    assert_int_equal(count[0], count[1]);
    assert_memory_equal(before, after, count[0] * sizeof *before);
    assert_true(is_stored(&cell, retrained) && is_stored(&cell, pruned));
    pb_free(before);
    pb_free(after);
    close_cell(&cell);
}

/* Opens a session with the plan of one stage that the cell would make itself, changed by the test. */
static enum pb_status open_planned(struct cell *cell, struct pb_planned_stage stage, const char *inputs)
{
    struct pb_cell_plan plan = {.stages = &stage, .stage_count = 1, .open = true};
    snprintf(plan.inputs, sizeof plan.inputs, "%s", inputs);
    cell->options.plan = &plan;
    const enum pb_status status = pb_session_open(&cell->session, &cell->config, &cell->options, &cell->session.error);
    struct pb_error found = cell->session.error;
    pb_session_close(&cell->session);
    cell->session.error = found;
    cell->options.plan = NULL;
    return status;
}

static void test_a_plan_of_other_inputs_or_kernels_is_refused(void **state)
{
    static struct cell cell;
    char inputs[65];
    open_cell(&cell, state);
    struct pb_planned_stage stage = cell.session.own_plan.stages[0];
    pb_inputs_digest(&cell.session.chain.inputs, inputs);
    pb_session_close(&cell.session);
    stage.provisional = false;
    assert_int_equal(open_planned(&cell, stage, inputs), PB_OK);
    assert_int_equal(open_planned(&cell, stage, ""), PB_OK); /* unknown when it was planned */
    assert_int_equal(open_planned(&cell, stage, "others"), PB_ERROR_RUN);
    assert_non_null(strstr(cell.session.error.text,
                           "pretrained weights or teacher have changed since the run was planned; run again"));
    stage.key[0] = stage.key[0] == '0' ? '1' : '0';
    assert_int_equal(open_planned(&cell, stage, inputs), PB_ERROR_RUN);
    assert_non_null(
        strstr(cell.session.error.text, "backend 'reference' computes with other kernels ('reference 1.0.0"));
    fake_free(&cell.fake);
}

/* A schedule that takes no notice of a verb's failure. */
static enum pb_status continue_anyway(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    pb_stage stage;
    (void)self;
    (void)!verbs->train(verbs, task->training, &stage);
    (void)!verbs->score(verbs, &stage);
    return PB_OK;
}

static void test_a_process_that_was_asked_to_end_begins_no_stage_whatever_the_schedule_does(void **state)
{
    static struct cell cell;
    struct pb_error error = {0};
    struct pb_measurement measurement = {.size = sizeof measurement};
    const struct pb_schedule deaf = {.size = sizeof deaf, .adaptive = true, .create = create, .run = continue_anyway};
    const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_SCHEDULE), .name = "any", .version = "1",
                                     .schedule = &deaf};
    open_cell(&cell, state);
    assert_int_equal(pb_stop_watch(0, &error), PB_OK);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(cell.verbs.evaluate(&cell.verbs, PB_EVALUATE_VALIDATION, &measurement), PB_ERROR_STOPPED);
    assert_int_equal(pb_stop_watch(0, &error), PB_OK);
    must(&cell, cell.verbs.evaluate(&cell.verbs, PB_EVALUATE_VALIDATION, &measurement));
    cell.session.error = (struct pb_error){0};
    assert_int_equal(raise(SIGTERM), 0);
    cell.loaded[1].plugin = &plugin;
    assert_int_equal(pb_schedule_execute(&cell.config, &cell.verbs, &cell.session.error, &error), PB_ERROR_STOPPED);
    assert_non_null(strstr(error.text, "asked to end"));
    assert_int_equal(scored, 0);
    assert_int_equal(pb_stop_watch(0, &error), PB_OK);
    close_cell(&cell);
}

/* The status is the harness's: a plugin cannot claim that its cell was stopped. */
static enum pb_status claim_stop(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    (void)self;
    (void)verbs;
    (void)task;
    return PB_ERROR_STOPPED;
}

static void test_a_schedule_that_claims_to_be_stopped_has_failed(void **state)
{
    static struct cell cell;
    struct pb_error error = {0};
    const struct pb_schedule liar = {.size = sizeof liar, .adaptive = true, .create = create, .run = claim_stop};
    const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_SCHEDULE), .name = "any", .version = "1",
                                     .schedule = &liar};
    open_cell(&cell, state);
    cell.loaded[1].plugin = &plugin;
    assert_int_equal(pb_schedule_execute(&cell.config, &cell.verbs, &cell.session.error, &error), PB_ERROR_RUN);
    close_cell(&cell);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_pruning_needs_scores_of_the_very_network),
        TEST(test_a_score_that_fails_is_not_stored_and_leaves_no_scores),
        TEST(test_a_repair_with_nan_is_not_stored_and_leaves_the_pruned_network),
        TEST(test_stages_that_were_not_made_are_refused_by_number),
        TEST(test_a_training_that_continues_the_optimiser_of_none_is_refused),
        TEST(test_what_the_network_does_not_have_has_no_cost_and_no_description),
        TEST(test_a_stored_score_stage_without_scores_is_refused),
        TEST(test_stored_measures_that_are_incomplete_are_refused),
        TEST(test_verbs_whose_results_are_stored_are_not_done_again),
        TEST(test_a_dropped_network_is_computed_again_and_one_that_another_cell_planned_stays),
        TEST(test_a_plan_of_other_inputs_or_kernels_is_refused),
        TEST(test_a_process_that_was_asked_to_end_begins_no_stage_whatever_the_schedule_does),
        TEST(test_a_schedule_that_claims_to_be_stopped_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
