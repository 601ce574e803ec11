/* Training with the engine: steps, penalties, frozen trunks, dropout. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_run.h"

static void test_training_is_bit_identical_for_any_thread_count(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++) {
        struct run runs[2];
        for (uint32_t r = 0; r < 2; r++) {
            runs[r] = run_create((enum small_network)kind, PB_ENGINE_TRAIN, r + 1);
            for (int i = 0; i < 3; i++) {
                run_backward(&runs[r], NULL);
                run_step(&runs[r], &plain_step);
            }
            run_store(&runs[r]);
        }
        const size_t bytes = runs[0].network->graph->value_count * sizeof(float);
        assert_memory_equal(runs[0].network->values, runs[1].network->values, bytes);
        assert_memory_equal(runs[0].network->velocity, runs[1].network->velocity, bytes);
        run_free(&runs[0]);
        run_free(&runs[1]);
    }
}

static void test_training_lowers_the_loss_of_its_batch(void **state)
{
    (void)state;
    const struct pb_step how = {.lr = 0.05, .momentum = 0.9, .nesterov = true};
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++) {
        struct run run = run_create((enum small_network)kind, PB_ENGINE_TRAIN, 1);
        const double before = run_backward(&run, NULL);
        double after = before;
        for (int i = 0; i < 60; i++) {
            run_step(&run, &how);
            after = run_backward(&run, NULL);
        }
        if (!(after < 0.5 * before))
            fail_msg("%s: the loss went from %g to %g", small_network_name((enum small_network)kind), before, after);
        run_free(&run);
    }
}

static bool moved(const struct pb_network *before, const struct pb_network *after, uint32_t p)
{
    const struct pb_parameter *parameter = &before->graph->parameters[p];
    return memcmp(before->values + parameter->offset, after->values + parameter->offset,
                  parameter->count * sizeof(float)) != 0;
}

static void test_a_frozen_trunk_stays_with_its_statistics_while_the_head_learns(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_RESIDUAL, PB_ENGINE_TRAIN, 1);
    struct pb_network *before = run_copy_of(run.network);
    pb_engine_freeze_trunk(run.engine, true);
    const double first = run_backward(&run, NULL);
    run_step(&run, &plain_step);
    assert_true(run_backward(&run, NULL) < first);
    run_store(&run);
    for (uint32_t p = 0; p < before->graph->parameter_count; p++)
        assert_int_equal(moved(before, run.network, p), strncmp(before->graph->parameters[p].name, "fc.", 3) == 0);
    pb_engine_freeze_trunk(run.engine, false);
    run_backward(&run, NULL);
    run_step(&run, &plain_step);
    run_store(&run);
    for (uint32_t p = 0; p < before->graph->parameter_count; p++)
        assert_true(moved(before, run.network, p));
    pb_network_free(&before);
    run_free(&run);
}

static void test_a_head_only_step_moves_the_head_alone(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_BILINEAR, PB_ENGINE_TRAIN, 1);
    struct pb_network *before = run_copy_of(run.network);
    struct pb_step how = plain_step;
    how.head_only = true;
    run_backward(&run, NULL);
    run_step(&run, &how);
    run_store(&run);
    for (uint32_t p = 0; p < before->graph->parameter_count; p++)
        if (before->graph->parameters[p].trainable)
            assert_int_equal(moved(before, run.network, p), strncmp(before->graph->parameters[p].name, "fc.", 3) == 0);
    pb_network_free(&before);
    run_free(&run);
}

/* With no gradient to speak of, γ falls by lr·λ; the trunk's last batch norm has its own λ instead. */
static void test_the_penalty_goes_to_every_scale_and_the_heavier_one_to_the_last(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_BILINEAR, PB_ENGINE_TRAIN, 1);
    const struct pb_graph *graph = run.network->graph;
    struct pb_network *plain = run_copy_of(run.network);
    run_backward(&run, NULL);
    run_step(&run, &(struct pb_step){.lr = 0.1});
    if (pb_engine_store(run.engine, plain, &run.error))
        fail_msg("%s", run.error.text);
    if (pb_engine_load(run.engine, run.network, &run.error))
        fail_msg("%s", run.error.text);
    run_backward(&run, NULL);
    if (pb_engine_penalise_norms(run.engine, 0.25, 0.5, &run.error))
        fail_msg("%s", run.error.text);
    run_step(&run, &(struct pb_step){.lr = 0.1});
    run_store(&run);
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        const double fall = parameter->role != PB_ROLE_GAMMA            ? 0
                            : strcmp(parameter->name, "bn2.gamma") == 0 ? 0.1 * 0.5
                                                                        : 0.1 * 0.25;
        for (size_t i = 0; parameter->trainable && i < parameter->count; i++) {
            const size_t at = parameter->offset + i;
            assert_true(fabs((double)plain->values[at] - (double)run.network->values[at] - fall) < 1e-6);
        }
    }
    pb_network_free(&plain);
    run_free(&run);
}

static void test_dropout_follows_seed_and_step(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_FLAT, PB_ENGINE_TRAIN, 1);
    float logits[3][RUN_BATCH * 3];
    for (int i = 0; i < 2; i++)
        run_backward(&run, logits[i]);
    assert_memory_not_equal(logits[0], logits[1], sizeof logits[0]);
    pb_engine_set_step(run.engine, 1);
    run_backward(&run, logits[2]);
    assert_memory_equal(logits[1], logits[2], sizeof logits[1]);
    pb_engine_set_step(run.engine, 0);
    run_backward(&run, logits[2]);
    assert_memory_equal(logits[0], logits[2], sizeof logits[0]);
    run_free(&run);
}

/* Over many steps the mean of the logits is that of evaluation: what is kept is scaled up. (The layer behind dropout
 * is linear.) */
static void test_dropout_keeps_the_mean(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_FLAT, PB_ENGINE_TRAIN, 1);
    const int steps = 1500;
    double sums[RUN_BATCH * 3] = {0};
    float logits[RUN_BATCH * 3];
    for (int i = 0; i < steps; i++) {
        run_backward(&run, logits);
        for (size_t k = 0; k < RUN_BATCH * 3; k++)
            sums[k] += (double)logits[k] / steps;
    }
    run_evaluate(&run, RUN_BATCH, logits);
    for (size_t k = 0; k < RUN_BATCH * 3; k++)
        assert_true(fabs(sums[k] - (double)logits[k]) < 0.08);
    run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_is_bit_identical_for_any_thread_count),
        cmocka_unit_test(test_training_lowers_the_loss_of_its_batch),
        cmocka_unit_test(test_a_frozen_trunk_stays_with_its_statistics_while_the_head_learns),
        cmocka_unit_test(test_a_head_only_step_moves_the_head_alone),
        cmocka_unit_test(test_the_penalty_goes_to_every_scale_and_the_heavier_one_to_the_last),
        cmocka_unit_test(test_dropout_follows_seed_and_step),
        cmocka_unit_test(test_dropout_keeps_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
