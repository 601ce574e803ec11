/* The criteria of consumers on a small trunk: what a repair brings back on images that it has not seen, and what the seed draws. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/built_criterion.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

enum { IMAGES = 48, SAMPLED = 32, GROUPS = 3, MOST_VALUES = CALIBRATION_BATCH * 16 * 16 * 8 };

static const char *const consumers[GROUPS] = {"conv2", "conv3", "fc"};
static struct calibrated calibrated;

/* Three convolutions with norms and ReLUs, and a pool → gap → fc. */
static struct pb_network *trunk(void)
{
    struct pb_graph *graph = graph_begin("trunk", 16, 16, 3);
    uint32_t node = graph_relu(graph, "relu1", graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 6)));
    node = graph_relu(graph, "relu2", graph_norm(graph, "bn2", graph_conv(graph, "conv2", node, 8)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pool", .pool = {.kernel = {2, 2}}},
                     node);
    node = graph_relu(graph, "relu3", graph_norm(graph, "bn3", graph_conv(graph, "conv3", node, 8)));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CALIBRATION_CLASSES);
    return network_of(graph, 5);
}

static void open_trunk(const char *folder)
{
    calibrated_open_with(&calibrated, folder, IMAGES, SAMPLED / CALIBRATION_BATCH);
    calibrated_use(&calibrated, trunk());
}

static void succeed(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static struct pb_keep choose(const char *criterion, const char *options, const uint32_t *remove)
{
    struct pb_error error = {0};
    struct pb_keep keep = {0};
    succeed(pb_keep_create(&calibrated.groups, &keep, &error), &error);
    succeed(built_select(criterion, options, calibrated.network, &calibrated.calibration, remove, &keep, &error),
            &error);
    return keep;
}

/* Of a criterion that scores: the channels of the lowest scores go. */
static struct pb_keep choose_lowest(const char *criterion, const char *options, const uint32_t *remove)
{
    struct pb_error error = {0};
    struct pb_keep keep = {0};
    struct pb_scores scores = {0};
    succeed(pb_keep_create(&calibrated.groups, &keep, &error), &error);
    succeed(built_score(criterion, options, calibrated.network, &calibrated.calibration, &scores, &error), &error);
    for (uint32_t g = 0; g < GROUPS; g++)
        for (uint32_t k = 0; k < remove[g]; k++) {
            uint32_t lowest = UINT32_MAX;
            for (uint32_t c = 0; c < scores.channels[g]; c++)
                if (keep.keep[g][c] && (lowest == UINT32_MAX || scores.values[g][c] < scores.values[g][lowest]))
                    lowest = c;
            keep.keep[g][lowest] = false;
        }
    pb_scores_free(&scores);
    return keep;
}

/* What a node gives for a batch. */
static size_t run(const struct pb_network *network, const struct pb_batch *batch, const char *name, float *values)
{
    struct pb_error error = {0};
    struct pb_engine *engine = NULL;
    float logits[CALIBRATION_BATCH * CALIBRATION_CLASSES];
    const uint32_t node = pb_graph_find(network->graph, name);
    const struct pb_engine_options options = {.batch = batch->count, .mode = PB_ENGINE_CALIBRATE};
    const size_t count = batch->count * pb_shape_count(network->graph->nodes[node].shape);
    assert_in_range(count, 1, MOST_VALUES);
    succeed(pb_engine_create(calibrated.calibration.device, network, &options, &engine, &error), &error);
    succeed(pb_engine_forward(engine, batch->images, batch->count, logits, &error), &error);
    succeed(pb_engine_activation(engine, node, values, NULL, &error), &error);
    pb_engine_free(&engine);
    return count;
}

/* ‖outputs − outputs before‖/‖outputs before‖ of a consumer over the images that nobody sampled. */
static double error_elsewhere(const struct pb_network *cut, const char *consumer)
{
    static float before[MOST_VALUES], after[MOST_VALUES];
    struct pb_error error = {0};
    struct pb_batches *batches = calibrated.calibration.batches;
    struct pb_batch batch;
    double difference = 0, whole = 0;
    uint32_t seen = 0, used = 0;
    succeed(pb_batches_start(batches, 0, &error), &error);
    for (; seen < IMAGES; seen += batch.count) {
        succeed(pb_batches_next(batches, &batch, &error), &error);
        if (seen < SAMPLED)
            continue;
        used += batch.count;
        const size_t count = run(calibrated.network, &batch, consumer, before);
        assert_int_equal(run(cut, &batch, consumer, after), count);
        for (size_t i = 0; i < count; i++) {
            difference += ((double)after[i] - (double)before[i]) * ((double)after[i] - (double)before[i]);
            whole += (double)before[i] * (double)before[i];
        }
    }
    assert_int_equal(used, IMAGES - SAMPLED);
    return sqrt(difference / whole);
}

/* Half of one group goes. Returns how much of the error is left. */
static double repair_one(const char *criterion, const char *options, uint32_t group, bool scores)
{
    struct pb_error error = {0};
    struct pb_network *cut = NULL;
    struct pb_repaired *repaired = NULL;
    uint32_t remove[GROUPS] = {0}, count = 0;
    remove[group] = calibrated.groups.groups[group].channels / 2;
    struct pb_keep keep = (scores ? choose_lowest : choose)(criterion, options, remove);
    succeed(pb_network_compact(calibrated.network, &keep, &cut, &error), &error);
    const double before = error_elsewhere(cut, consumers[group]);
    succeed(
        built_repair(criterion, options, calibrated.network, cut, &calibrated.calibration, &repaired, &count, &error),
        &error);
    const double after = error_elsewhere(cut, consumers[group]);
    assert_int_equal(count, 1);
    assert_string_equal(repaired[0].name, consumers[group]);
    assert_true(repaired[0].error_after <= repaired[0].error_before);
    pb_free(repaired);
    pb_network_free(&cut);
    pb_keep_free(&keep);
    return after / before;
}

static void test_repairs_help_on_images_that_were_not_sampled(void **state)
{
    static const struct {
        const char *criterion, *options;
        bool scores;
    } repairs[] = {{"thinet", "repair=scalar", false},
                   {"thinet", "repair=least-squares", false},
                   {"channel-lasso", "", false},
                   {"kron-obs", "", true}};
    open_trunk(*state);
    for (size_t i = 0; i < sizeof repairs / sizeof *repairs; i++)
        for (uint32_t g = 0; g < GROUPS; g++)
            assert_true(repair_one(repairs[i].criterion, repairs[i].options, g, repairs[i].scores) < 1);
    for (uint32_t g = 0; g < GROUPS; g++)
        assert_true(repair_one("thinet", "repair=none", g, false) == 1);
    calibrated_close(&calibrated);
}

static bool same(const struct pb_keep *a, const struct pb_keep *b)
{
    bool equal = true;
    for (uint32_t g = 0; g < GROUPS; g++)
        equal = equal && memcmp(a->keep[g], b->keep[g], calibrated.groups.groups[g].channels * sizeof(bool)) == 0;
    return equal;
}

static void test_the_same_seed_chooses_the_same_channels(void **state)
{
    static const char *const names[] = {"thinet", "channel-lasso"};
    static const uint32_t remove[GROUPS] = {2, 3, 5};
    open_trunk(*state);
    calibrated.calibration.batch_count = 1;
    for (size_t i = 0; i < 2; i++) {
        uint32_t others = 0;
        calibrated.calibration.seed = 1;
        struct pb_keep first = choose(names[i], "filters=1", remove), again = choose(names[i], "filters=1", remove);
        assert_true(same(&first, &again));
        pb_keep_free(&again);
        for (calibrated.calibration.seed = 2; calibrated.calibration.seed < 10; calibrated.calibration.seed++) {
            again = choose(names[i], "filters=1", remove);
            others += !same(&first, &again);
            pb_keep_free(&again);
        }
        assert_true(others > 0);
        pb_keep_free(&first);
    }
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_repairs_help_on_images_that_were_not_sampled),
        TEST(test_the_same_seed_chooses_the_same_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
