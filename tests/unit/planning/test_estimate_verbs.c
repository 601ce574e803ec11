/* What every verb's stage is predicted to cost, worked out from the numbers of images and passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "planning/estimate.h"

static struct pb_criterion criterion = {.size = sizeof criterion};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "of-a-test", .version = "1",
                                        .criterion = &criterion};
static const struct pb_loaded loaded = {.plugin = &plugin, .file = "test", .sha256 = "00"};

/* 40 images to train on, 10 to validate; steps of 5; calibrated on 10 batches of 4. */
static const struct pb_cell_config config = {
    .criterion = {.label = "of-a-test", .loaded = &loaded},
    .model = {.name = "vgg11-bcnn", .image_size = 32, .width_multiplier = 0.125, .batch_norm = true},
    .preprocess.image_size = 32,
    .batch = 5,
    .calibration_batch = 4,
    .calibration_batches = 10};

static enum pb_status no_select(void *self, const struct pb_network_view *network, uint32_t group, uint32_t remove,
                                uint32_t *removed)
{
    (void)self;
    (void)network;
    (void)group;
    (void)remove;
    (void)removed;
    return PB_ERROR_RUN;
}

static struct pb_estimate estimate_of(struct pb_estimates *known, double before, double after)
{
    return (struct pb_estimate){.known = known,
                                .config = &config,
                                .counts = {.classes = 3, .train = 40, .validation = 10},
                                .threads = 1,
                                .layers = 9,
                                .before = before,
                                .after = after};
}

/* The unpruned network has 1000 MACs. */
static uint64_t macs_of(double before, double after, struct pb_link link)
{
    const struct pb_estimate estimate = estimate_of(NULL, before, after);
    return pb_stage_macs(&estimate, &link, 1000);
}

static void test_a_pruning_leaves_macs_by_what_its_target_counts(void **state)
{
    (void)state;
    static const struct {
        uint32_t measure;
        double left;
    } rows[] = {{PB_MEASURE_CHANNELS, 0.36},
                {PB_MEASURE_PARAMETERS, 0.6},
                {PB_MEASURE_MACS, 0.6},
                {PB_MEASURE_THRESHOLD, 1},
                {PB_MEASURE_GAP, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pb_target target = {.measure = rows[i].measure, .amount = 0.4};
        assert_float_equal(pb_macs_left(&target), rows[i].left, 1e-12);
    }
}

static void test_a_recalibration_passes_its_batches_or_every_training_image_once(void **state)
{
    (void)state;
    assert_int_equal(macs_of(0.5, 0.5, (struct pb_link){.verb = PB_VERB_RECALIBRATE}), 500 * 40);
    assert_int_equal(macs_of(0.5, 0.5, (struct pb_link){.verb = PB_VERB_RECALIBRATE, .batches = 3}), 500 * 3 * 5);
}

static void test_values_that_are_taken_from_elsewhere_cost_no_pass(void **state)
{
    (void)state;
    assert_int_equal(macs_of(1, 1, (struct pb_link){.verb = PB_VERB_REWIND, .to = 1}), 0);
    assert_int_equal(macs_of(1, 1, (struct pb_link){.verb = PB_VERB_REINITIALISE, .stream = 1}), 0);
}

/* Through the network before it once, and through the pruned one for each of nine layers, or in front and behind. */
static void test_a_repair_passes_each_layer_or_twice(void **state)
{
    (void)state;
    const struct pb_link own = {.verb = PB_VERB_REPAIR, .repair = PB_REPAIR_CRITERION},
                         mean = {.verb = PB_VERB_REPAIR, .repair = PB_REPAIR_MEAN};
    assert_int_equal(macs_of(0.5, 0.5, own), (1000 + 9 * 500) * 40);
    assert_int_equal(macs_of(0.5, 0.5, mean), (1000 + 2 * 500) * 40);
}

/* It looks at its batches when channels are removed, of the network before the pruning. */
static void test_a_criterion_that_selects_costs_its_passes_in_the_pruning(void **state)
{
    (void)state;
    const struct pb_link score = {.verb = PB_VERB_SCORE}, prune = {.verb = PB_VERB_PRUNE};
    criterion.needs = PB_DATA_ACTIVATIONS;
    assert_int_equal(macs_of(1, 1, score), 1000 * 40);
    assert_int_equal(macs_of(1, 0.5, prune), 0);
    criterion.select = no_select;
    assert_int_equal(macs_of(1, 1, score), 0);
    assert_int_equal(macs_of(1, 0.5, prune), 1000 * 40);
    criterion = (struct pb_criterion){.size = sizeof criterion};
}

/* Two epochs and one of the head, of eight steps each: 24 steps. */
static struct pb_link piece_of(uint32_t first_step, uint32_t last_step)
{
    return (struct pb_link){
        .verb = PB_VERB_TRAIN,
        .spec = {.epochs = 2, .head_epochs = 1, .lr = .1, .first_step = first_step, .last_step = last_step}};
}

static void test_a_piece_costs_its_share_of_the_training(void **state)
{
    (void)state;
    const uint64_t whole = macs_of(1, 1, piece_of(0, 0));
    assert_int_equal(whole, 3 * 1000 * (3 * 40 + 10));
    assert_int_equal(macs_of(1, 1, piece_of(0, 6)), whole / 4);
    assert_int_equal(macs_of(1, 1, piece_of(6, 0)), whole / 4 * 3);
}

static uint32_t epochs_of(struct pb_link link)
{
    const struct pb_estimate estimate = estimate_of(NULL, 1, 1);
    return pb_stage_epochs(&estimate, &link);
}

/* The head's count, and one that is begun. */
static void test_a_training_or_its_piece_has_epochs_and_no_other_verb_has(void **state)
{
    (void)state;
    struct pb_link first = piece_of(0, 0), scored = first;
    first.verb = PB_VERB_PRETRAIN;
    scored.verb = PB_VERB_SCORE;
    assert_int_equal(epochs_of(piece_of(0, 0)), 3);
    assert_int_equal(epochs_of(piece_of(0, 8)), 1);
    assert_int_equal(epochs_of(piece_of(0, 9)), 2);
    assert_int_equal(epochs_of(piece_of(6, 0)), 3);
    assert_int_equal(epochs_of(first), 3);
    assert_int_equal(epochs_of(scored), 0);
}

static void test_a_piece_that_the_training_does_not_have_is_refused_and_no_other(void **state)
{
    (void)state;
    const struct pb_estimate estimate = estimate_of(NULL, 1, 1);
    struct pb_error error = {0};
    const struct pb_link good = piece_of(6, 24), late = piece_of(0, 25), empty = piece_of(6, 6),
                         other = {.verb = PB_VERB_REWIND, .spec = late.spec};
    assert_int_equal(pb_stage_check(&estimate, &good, &error), PB_OK);
    assert_int_equal(pb_stage_check(&estimate, &other, &error), PB_OK);
    assert_int_equal(pb_stage_check(&estimate, &late, &error), PB_ERROR_INPUT);
    assert_non_null(
        strstr(error.text, "the first 25 steps of a training that has 24 (3 epochs of 8); let it train longer"));
    assert_int_equal(pb_stage_check(&estimate, &empty, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "from step 6 to step 6; a piece has at least one step"));
}

/* Memory of a stage; everything else than the link and the masks is that of an unpruned network. */
static uint64_t bytes_of(bool masked, struct pb_link link)
{
    struct pb_estimates known = {0};
    struct pb_error error = {0};
    struct pb_estimate estimate = estimate_of(&known, 1, 1);
    uint64_t bytes = 0;
    estimate.masked = masked;
    if (pb_device_substitute(1, &estimate.device, &error) || pb_stage_bytes(&estimate, &link, &bytes, &error))
        fail_msg("%s", error.text);
    pb_device_close(&estimate.device);
    pb_estimates_free(&known);
    return bytes;
}

static uint64_t parameter_bytes(void)
{
    struct pb_estimates known = {0};
    struct pb_network_sizes sizes = {0};
    struct pb_error error = {0};
    if (pb_estimate_network(&known, &config, 3, &sizes, &error))
        fail_msg("%s", error.text);
    pb_estimates_free(&known);
    return sizes.bytes;
}

static void test_masks_take_the_room_of_the_parameters_where_a_network_trains(void **state)
{
    (void)state;
    const struct pb_link recalibrate = {.verb = PB_VERB_RECALIBRATE}, rewind = {.verb = PB_VERB_REWIND};
    assert_int_equal(bytes_of(true, piece_of(0, 0)) - bytes_of(false, piece_of(0, 0)), parameter_bytes());
    assert_int_equal(bytes_of(true, recalibrate) - bytes_of(false, recalibrate), parameter_bytes());
    assert_int_equal(bytes_of(true, rewind), bytes_of(false, rewind)); /* no engine trains */
}

/* With its momentum. */
static void test_a_training_that_returns_its_best_epoch_takes_a_network_more(void **state)
{
    (void)state;
    struct pb_link last = piece_of(0, 0), best = last;
    best.spec.return_state = PB_RETURN_BEST;
    assert_int_equal(bytes_of(false, best) - bytes_of(false, last), 2 * parameter_bytes());
}

/* What it scores with, after every epoch, beside the engine that trains. */
static void test_a_soft_training_takes_what_its_scoring_takes(void **state)
{
    (void)state;
    const struct pb_link plain = piece_of(0, 0);
    struct pb_link soft = plain;
    soft.spec.soft_zero = PB_ZERO_FILTERS;
    assert_int_equal(bytes_of(false, soft), bytes_of(false, plain)); /* the criterion reads no batch */
    criterion.needs = PB_DATA_ACTIVATIONS;
    const uint64_t observing = bytes_of(false, soft);
    criterion.needs = PB_DATA_ACTIVATIONS | PB_DATA_MEAN_GRADIENTS;
    assert_true(observing > bytes_of(false, plain));
    assert_int_equal(bytes_of(false, soft) - observing, 3 * parameter_bytes());
    criterion.needs = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pruning_leaves_macs_by_what_its_target_counts),
        cmocka_unit_test(test_a_recalibration_passes_its_batches_or_every_training_image_once),
        cmocka_unit_test(test_values_that_are_taken_from_elsewhere_cost_no_pass),
        cmocka_unit_test(test_a_repair_passes_each_layer_or_twice),
        cmocka_unit_test(test_a_criterion_that_selects_costs_its_passes_in_the_pruning),
        cmocka_unit_test(test_a_piece_costs_its_share_of_the_training),
        cmocka_unit_test(test_a_training_or_its_piece_has_epochs_and_no_other_verb_has),
        cmocka_unit_test(test_a_piece_that_the_training_does_not_have_is_refused_and_no_other),
        cmocka_unit_test(test_masks_take_the_room_of_the_parameters_where_a_network_trains),
        cmocka_unit_test(test_a_training_that_returns_its_best_epoch_takes_a_network_more),
        cmocka_unit_test(test_a_soft_training_takes_what_its_scoring_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
