/* The engine: memory predicted and reused, evaluation, activations, masked against compacted networks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/operators.h"
#include "support/engine_run.h"

static void test_memory_is_predicted_to_the_byte(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++)
        for (int mode = PB_ENGINE_INFER; mode <= PB_ENGINE_CALIBRATE; mode++) {
            struct run run = run_create((enum small_network)kind, (enum pb_engine_mode)mode, 1);
            const struct pb_engine_options options = {.batch = RUN_BATCH, .mode = (enum pb_engine_mode)mode};
            struct pb_engine_memory predicted, held;
            assert_int_equal(pb_engine_predict(run.device, run.network->graph, &options, &predicted, &run.error),
                             PB_OK);
            pb_engine_memory(run.engine, &held);
            assert_memory_equal(&predicted, &held, sizeof held);
            const uint64_t values = run.network->graph->value_count * sizeof(float);
            assert_int_equal(held.values, values);
            assert_int_equal(held.gradients, mode == PB_ENGINE_INFER ? 0 : values);
            assert_int_equal(held.velocity, mode == PB_ENGINE_TRAIN ? values : 0);
            run_free(&run);
        }
}

static uint64_t bytes_of(const struct pb_engine *engine)
{
    struct pb_engine_memory memory;
    pb_engine_memory(engine, &memory);
    return pb_engine_memory_bytes(&memory);
}

static void test_inference_reuses_activations(void **state)
{
    (void)state;
    struct run infer = run_create(SMALL_BILINEAR, PB_ENGINE_INFER, 1),
               train = run_create(SMALL_BILINEAR, PB_ENGINE_TRAIN, 1);
    const uint64_t values = infer.network->graph->value_count * sizeof(float);
    /* Input 8·6·3 and conv1's output 8·6·7 live together; all later arrays fit below them. */
    const uint64_t activations = RUN_BATCH * (8 * 6 * 3 + 8 * 6 * 7) * sizeof(float);
    const uint64_t packed = 9 * 7 * 16 * sizeof(float); /* the larger convolution's weights, as the tiles read them */
    assert_int_equal(bytes_of(infer.engine), values + activations + packed);
    assert_true(bytes_of(train.engine) > 2 * bytes_of(infer.engine));
    run_free(&infer);
    run_free(&train);
}

static void test_passes_and_steps_allocate_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++) {
        struct run run = run_create((enum small_network)kind, PB_ENGINE_TRAIN, 1);
        float logits[RUN_BATCH * 8];
        pb_memory_fail_after(0);
        run_backward(&run, logits);
        run_step(&run, &plain_step);
        run_evaluate(&run, RUN_BATCH, logits);
        pb_memory_fail_after(-1);
        run_free(&run);
    }
}

static void test_every_allocation_of_an_engine_may_fail(void **state)
{
    (void)state;
    struct pb_device *device = portable_device(1);
    struct pb_network *network = small_network(SMALL_RESIDUAL, 0);
    const struct pb_engine_options options = {.batch = 2, .mode = PB_ENGINE_TRAIN};
    struct pb_engine *engine = NULL;
    int failures = 0;
    for (;; failures++) {
        struct pb_error error = {0};
        pb_memory_fail_after(failures);
        const enum pb_status status = pb_engine_create(device, network, &options, &engine, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK)
            break;
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(engine);
    }
    assert_true(failures > 10);
    pb_engine_free(&engine);
    pb_network_free(&network);
    operator_device_close(&device);
}

static void test_a_partial_batch_gives_the_same_logits(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++) {
        struct run run = run_create((enum small_network)kind, PB_ENGINE_INFER, 1);
        float whole[RUN_BATCH * 8], part[RUN_BATCH * 8];
        run_evaluate(&run, RUN_BATCH, whole);
        run_evaluate(&run, 2, part);
        assert_memory_equal(whole, part, 2 * run.network->graph->classes * sizeof(float));
        assert_int_equal(pb_engine_forward(run.engine, run.images, RUN_BATCH + 1, whole, &run.error), PB_ERROR_RUN);
        assert_int_equal(pb_engine_forward(run.engine, run.images, 0, whole, &run.error), PB_ERROR_RUN);
        run_free(&run);
    }
}

/* In place or not, fused or not: all three kinds of engine must evaluate alike. */
static void test_all_modes_evaluate_alike(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++) {
        float logits[3][RUN_BATCH * 8] = {{0}};
        for (int mode = PB_ENGINE_INFER; mode <= PB_ENGINE_CALIBRATE; mode++) {
            struct run run = run_create((enum small_network)kind, (enum pb_engine_mode)mode, 1);
            run_evaluate(&run, RUN_BATCH, logits[mode]);
            run_free(&run);
        }
        assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
        assert_memory_equal(logits[0], logits[2], sizeof logits[0]);
    }
}

/* The activation's gradient, by moving the bias that is added to it: where no BN follows, they are sums of it. */
static void test_calibration_keeps_activations_and_their_gradients(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_FLAT, PB_ENGINE_CALIBRATE, 1);
    const struct pb_graph *graph = run.network->graph;
    const uint32_t fc1 = pb_graph_find(graph, "fc1"), relu2 = pb_graph_find(graph, "relu2");
    float before[RUN_BATCH * 11], after[RUN_BATCH * 11], gradient[RUN_BATCH * 11], upstream[RUN_BATCH * 11], bias[11];
    assert_int_equal(pb_engine_activation(run.engine, fc1, before, NULL, &run.error), PB_ERROR_RUN);
    run_backward(&run, NULL);
    assert_int_equal(pb_engine_activation(run.engine, fc1, before, gradient, &run.error), PB_OK);
    assert_int_equal(pb_engine_activation(run.engine, relu2, after, upstream, &run.error), PB_OK);
    assert_int_equal(pb_engine_gradient(run.engine, graph->nodes[fc1].parameters[PB_ROLE_BIAS], bias, &run.error),
                     PB_OK);
    bool negative = false, used = false;
    for (size_t c = 0; c < 11; c++) {
        double sum = 0;
        for (size_t n = 0; n < RUN_BATCH; n++) {
            const size_t i = n * 11 + c;
            assert_true(after[i] == (before[i] > 0 ? before[i] : 0));
            assert_true(gradient[i] == (before[i] > 0 ? upstream[i] : 0));
            negative = negative || before[i] < 0;
            used = used || gradient[i] != 0;
            sum += (double)gradient[i];
        }
        assert_true(fabs(sum - (double)bias[c]) < 1e-6);
    }
    assert_true(negative && used);
    assert_int_equal(pb_engine_activation(run.engine, 0, NULL, gradient, &run.error), PB_ERROR_UNSUPPORTED);
    run_free(&run);
}

static void test_calibration_leaves_statistics_alone_and_names_fused_nodes(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_BILINEAR, PB_ENGINE_CALIBRATE, 1);
    struct pb_network *before = run_copy_of(run.network);
    float activation[RUN_BATCH * 8 * 6 * 7];
    run_backward(&run, NULL);
    run_store(&run);
    assert_memory_equal(before->values, run.network->values, before->graph->value_count * sizeof(float));
    const uint32_t bn = pb_graph_find(before->graph, "bn1");
    assert_int_equal(pb_engine_activation(run.engine, bn, activation, NULL, &run.error), PB_ERROR_UNSUPPORTED);
    assert_non_null(strstr(run.error.text, "bn1"));
    assert_int_equal(pb_engine_activation(run.engine, bn + 1, activation, activation, &run.error), PB_OK);
    assert_int_equal(pb_engine_step(run.engine, &plain_step, &run.error), PB_ERROR_RUN);
    pb_network_free(&before);
    run_free(&run);
}

static void test_a_masked_network_and_its_compacted_form_agree(void **state)
{
    static const enum small_network kinds[] = {SMALL_BILINEAR, SMALL_RESIDUAL, SMALL_FLAT, SMALL_ISQRT,
                                               SMALL_GRASSMANN};
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct run masked = run_create(kinds[k], PB_ENGINE_INFER, 1);
        struct pb_channel_groups groups;
        struct pb_keep keep;
        struct pb_network *compacted = NULL;
        struct pb_engine *engine = NULL;
        float logits[2][RUN_BATCH * 8];
        assert_int_equal(pb_channel_groups_find(masked.network->graph, &groups, &masked.error), PB_OK);
        assert_int_equal(pb_keep_create(&groups, &keep, &masked.error), PB_OK);
        for (uint32_t g = 0; g < groups.count; g++)
            for (uint32_t c = 0; c < groups.groups[g].channels; c += 2)
                keep.keep[g][c] = false;
        assert_int_equal(pb_network_compact(masked.network, &keep, &compacted, &masked.error), PB_OK);
        pb_network_mask(masked.network, &groups, &keep);
        assert_int_equal(pb_engine_load(masked.engine, masked.network, &masked.error), PB_OK);
        const struct pb_engine_options options = {.batch = RUN_BATCH, .mode = PB_ENGINE_INFER};
        assert_int_equal(pb_engine_create(masked.device, compacted, &options, &engine, &masked.error), PB_OK);
        run_evaluate(&masked, RUN_BATCH, logits[0]);
        assert_int_equal(pb_engine_forward(engine, masked.images, RUN_BATCH, logits[1], &masked.error), PB_OK);
        assert_true(compacted->graph->value_count < masked.network->graph->value_count);
        for (size_t i = 0; i < RUN_BATCH * masked.network->graph->classes; i++)
            assert_true(fabs((double)logits[0][i] - (double)logits[1][i]) < 1e-5);
        assert_int_equal(pb_engine_load(engine, masked.network, &masked.error), PB_ERROR_RUN);
        pb_engine_free(&engine);
        pb_network_free(&compacted);
        pb_keep_free(&keep);
        pb_channel_groups_free(&groups);
        run_free(&masked);
    }
}

static void test_times_belong_to_phases_and_nodes(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_BILINEAR, PB_ENGINE_TRAIN, 1);
    const struct pb_engine_times *times = pb_engine_times(run.engine);
    const uint32_t conv2 = pb_graph_find(run.network->graph, "conv2");
    run_backward(&run, NULL);
    run_step(&run, &plain_step);
    for (int phase = 0; phase < PB_PHASE_COUNT; phase++) {
        assert_true(times->phase[phase] > 0);
        assert_true(strlen(pb_phase_name((enum pb_phase)phase)) > 3);
    }
    assert_int_equal(times->node_count, run.network->graph->node_count);
    for (int pass = 0; pass < 3; pass++)
        assert_true(times->node[conv2][pass] > 0);
    assert_string_equal(pb_engine_algorithm(run.engine, conv2), "direct");
    assert_string_equal(pb_engine_algorithm(run.engine, conv2 + 1), "");
    pb_engine_times_reset(run.engine);
    assert_true(times->phase[PB_PHASE_CONV_FORWARD] == 0 && times->node[conv2][0] == 0);
    run_free(&run);
}

static void test_wrong_use_gets_a_message(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_BILINEAR, PB_ENGINE_TRAIN, 1);
    double loss = 0;
    float gradient[1000];
    assert_int_equal(pb_engine_step(run.engine, &plain_step, &run.error), PB_ERROR_RUN);
    assert_int_equal(pb_engine_gradient(run.engine, 0, gradient, &run.error), PB_ERROR_RUN);
    run.labels[3] = 4;
    assert_int_equal(pb_engine_backward(run.engine, run.images, run.labels, &loss, NULL, &run.error), PB_ERROR_INPUT);
    assert_non_null(strstr(run.error.text, "label 4 of image 3"));
    run_free(&run);
    run = run_create(SMALL_BILINEAR, PB_ENGINE_INFER, 1);
    assert_int_equal(pb_engine_backward(run.engine, run.images, run.labels, &loss, NULL, &run.error), PB_ERROR_RUN);
    struct pb_engine *engine = NULL;
    assert_int_equal(pb_engine_create(run.device, run.network, &(struct pb_engine_options){0}, &engine, &run.error),
                     PB_ERROR_INPUT);
    run_free(&run);
}

static double largest_ceiling;
static uint32_t activations_alone;

static enum pb_status create_with_host(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    memcpy(self, &host, sizeof *self); /* the portable operators' self */
    return PB_OK;
}

static const char *describe_own(void *self)
{
    (void)self;
    return "own norms";
}

static enum pb_status noted_bn_evaluate(void *self, const struct pb_bn_arguments *arguments)
{
    if (arguments->relu && isfinite(arguments->ceiling))
        largest_ceiling = fmax(largest_ceiling, arguments->ceiling);
    return pb_portable_backend.bn_evaluate(self, arguments);
}

static enum pb_status noted_relu6_forward(void *self, const struct pb_elementwise_arguments *arguments)
{
    activations_alone++;
    return pb_portable_backend.relu6_forward(self, arguments);
}

/* Inference of the network on this backend's batch norms; then what they have been asked for is noted. */
static void infer_noted(bool clamps, float *logits)
{
    const struct pb_backend table = {.size = sizeof table,
                                     .on_host = true,
                                     .create = create_with_host,
                                     .describe = describe_own,
                                     .bn_evaluate = noted_bn_evaluate,
                                     .relu6_forward = noted_relu6_forward,
                                     .norms_clamp = clamps};
    struct run run = run_create(SMALL_MOBILE, PB_ENGINE_INFER, 1);
    struct pb_device *device = operator_device(&table, "own norms", 1);
    struct pb_engine *engine = NULL;
    const struct pb_engine_options options = {.batch = RUN_BATCH, .mode = PB_ENGINE_INFER};
    largest_ceiling = 0;
    activations_alone = 0;
    assert_int_equal(pb_engine_create(device, run.network, &options, &engine, &run.error), PB_OK);
    assert_int_equal(pb_engine_forward(engine, run.images, RUN_BATCH, logits, &run.error), PB_OK);
    pb_engine_free(&engine);
    operator_device_close(&device);
    run_free(&run);
}

static void test_only_norms_that_read_the_ceiling_get_a_relu6(void **state)
{
    (void)state;
    float joined[RUN_BATCH * 8] = {0}, apart[RUN_BATCH * 8] = {0};
    infer_noted(true, joined);
    assert_true(largest_ceiling == 6);
    assert_int_equal(activations_alone, 0);
    infer_noted(false, apart);
    assert_true(largest_ceiling == 0);
    assert_int_equal(activations_alone, 2);
    assert_memory_equal(joined, apart, sizeof joined);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_predicted_to_the_byte),
        cmocka_unit_test(test_inference_reuses_activations),
        cmocka_unit_test(test_passes_and_steps_allocate_nothing),
        cmocka_unit_test(test_every_allocation_of_an_engine_may_fail),
        cmocka_unit_test(test_a_partial_batch_gives_the_same_logits),
        cmocka_unit_test(test_all_modes_evaluate_alike),
        cmocka_unit_test(test_calibration_keeps_activations_and_their_gradients),
        cmocka_unit_test(test_calibration_leaves_statistics_alone_and_names_fused_nodes),
        cmocka_unit_test(test_a_masked_network_and_its_compacted_form_agree),
        cmocka_unit_test(test_times_belong_to_phases_and_nodes),
        cmocka_unit_test(test_wrong_use_gets_a_message),
        cmocka_unit_test(test_only_norms_that_read_the_ceiling_get_a_relu6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
