/* Steps of a network with masks on single weights: masked ones stay exactly 0, the others move as if a hand had zeroed them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_run.h"
#include "support/masks.h"

/* Replaces the engine by one for the network as it is. */
static void renew_engine(struct run *run)
{
    const struct pb_engine_options options = {.batch = RUN_BATCH, .mode = PB_ENGINE_TRAIN};
    pb_engine_free(&run->engine);
    assert_int_equal(pb_engine_create(run->device, run->network, &options, &run->engine, &run->error), PB_OK);
}

static void step(struct run *run)
{
    run_backward(run, NULL);
    run_step(run, &plain_step);
    run_store(run);
}

static void test_masked_weights_stay_zero_through_momentum_and_the_others_move_as_without_masks(void **state)
{
    (void)state;
    for (int kind = 0; kind < SMALL_NETWORK_COUNT; kind++) {
        struct run masked = run_create((enum small_network)kind, PB_ENGINE_TRAIN, 1);
        struct run by_hand = run_create((enum small_network)kind, PB_ENGINE_TRAIN, 1);
        /* both have momentum before anything is masked */
        step(&masked);
        step(&by_hand);
        mask_some(masked.network, 0.5, 4);
        renew_engine(&masked);
        mask_some(by_hand.network, 0.5, 4);
        struct pb_network *masks = run_copy_of(by_hand.network);
        for (uint32_t p = 0; p < masks->graph->parameter_count; p++) /* its engine knows of none */
            if (by_hand.network->masks[p])
                memset(by_hand.network->masks[p], 0, pb_weight_mask_bytes(&masks->graph->parameters[p]));
        renew_engine(&by_hand);
        for (int i = 0; i < 4; i++) {
            step(&masked);
            assert_masked_are_zero(masked.network);
            step(&by_hand);
            memcpy(masks->values, by_hand.network->values, masks->graph->value_count * sizeof(float));
            memcpy(masks->velocity, by_hand.network->velocity, masks->graph->value_count * sizeof(float));
            pb_network_apply_masks(masks);
            memcpy(by_hand.network->values, masks->values, masks->graph->value_count * sizeof(float));
            memcpy(by_hand.network->velocity, masks->velocity, masks->graph->value_count * sizeof(float));
            assert_int_equal(pb_engine_load(by_hand.engine, by_hand.network, &by_hand.error), PB_OK);
            for (size_t v = 0; v < masks->graph->value_count; v++) {
                assert_true(masked.network->values[v] == by_hand.network->values[v]);
                assert_true(masked.network->velocity[v] == by_hand.network->velocity[v]);
            }
        }
        pb_network_free(&masks);
        run_free(&masked);
        run_free(&by_hand);
    }
}

static void test_room_for_masks_is_predicted_and_an_engine_without_refuses_them(void **state)
{
    (void)state;
    struct run run = run_create(SMALL_BILINEAR, PB_ENGINE_TRAIN, 1);
    struct pb_engine_memory memory;
    pb_engine_memory(run.engine, &memory);
    assert_int_equal(memory.masks, 0);
    mask_some(run.network, 0.5, 4);
    assert_int_equal(pb_engine_load(run.engine, run.network, &run.error), PB_ERROR_RUN);
    assert_non_null(strstr(run.error.text, "without room for the network's masks"));
    renew_engine(&run);
    struct pb_engine_memory predicted, held;
    const struct pb_engine_options options = {.batch = RUN_BATCH, .mode = PB_ENGINE_TRAIN, .weight_masks = true};
    assert_int_equal(pb_engine_predict(run.device, run.network->graph, &options, &predicted, &run.error), PB_OK);
    pb_engine_memory(run.engine, &held);
    assert_memory_equal(&predicted, &held, sizeof held);
    assert_int_equal(held.masks, run.network->graph->value_count * sizeof(float));
    run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masked_weights_stay_zero_through_momentum_and_the_others_move_as_without_masks),
        cmocka_unit_test(test_room_for_masks_is_predicted_and_an_engine_without_refuses_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
