/* The agent of schedule amc: its networks against differences, and a task whose best action is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../plugins/schedules/actor-critic.h"
#include "plugin/host.h"

enum { INPUTS = 4, HIDDEN = 7 };

static double output(const struct dense *dense, const double *x)
{
    double first[HIDDEN], second[HIDDEN];
    return dense_forward(dense, x, &(struct dense_values){first, second});
}

/* d output / d *value. */
static double difference(const struct dense *dense, const double *x, double *value)
{
    const double step = 1e-6, was = *value;
    *value = was + step;
    const double above = output(dense, x);
    *value = was - step;
    const double below = output(dense, x);
    *value = was;
    return (above - below) / (2 * step);
}

static void test_gradients_of_a_dense_network_are_its_differences(void **state)
{
    (void)state;
    struct pb_host_services host;
    struct pb_rng rng;
    struct dense dense;
    double first[HIDDEN], second[HIDDEN], scratch[HIDDEN], dx[INPUTS];
    double x[INPUTS] = {0.3, -0.8, 0.5, 1.1};
    pb_host_init(&host, "test", 1, 1);
    host.table.rng_init(&host.table, &rng, "dense");
    assert_int_equal(dense_open(&host.table, &rng, INPUTS, HIDDEN, &dense), PB_OK);
    assert_int_equal(dense.count, (INPUTS + 1) * HIDDEN + (HIDDEN + 1) * HIDDEN + HIDDEN + 1);
    for (size_t i = 0; i < dense.count; i++)
        dense.values[i] = 2 * pb_rng_uniform(&rng) - 1;
    struct dense_values kept = {first, second};
    assert_true(dense_forward(&dense, x, &kept) == output(&dense, x));
    int silent = 0;
    for (int h = 0; h < HIDDEN; h++)
        silent += first[h] == 0;
    assert_in_range(silent, 1, HIDDEN - 1); /* both sides of the ReLU */
    dense_backward(&dense, x, 3, &kept, scratch, dx);
    for (int i = 0; i < INPUTS; i++)
        assert_true(fabs(dx[i] - 3 * difference(&dense, x, &x[i])) < 1e-7);
    for (size_t i = 0; i < dense.count; i++)
        assert_true(fabs(dense.gradients[i] - 3 * difference(&dense, x, &dense.values[i])) < 1e-7);
    /* gradients add up until a step */
    (void)dense_forward(&dense, x, &kept);
    const double once = dense.gradients[dense.count - 1];
    dense_backward(&dense, x, 3, &kept, scratch, dx);
    assert_true(once == 3 && dense.gradients[dense.count - 1] == 6);
    dense_close(&host.table, &dense);
    pb_host_close(&host);
}

/* Its first step has the length of the learning rate, whatever the gradient; against the gradient. */
static void test_a_step_goes_against_the_gradient_and_a_target_follows(void **state)
{
    (void)state;
    struct pb_host_services host;
    struct pb_rng rng;
    struct dense dense, slow;
    pb_host_init(&host, "test", 1, 1);
    host.table.rng_init(&host.table, &rng, "dense");
    assert_int_equal(dense_open(&host.table, &rng, INPUTS, HIDDEN, &dense), PB_OK);
    assert_int_equal(dense_open(&host.table, &rng, INPUTS, HIDDEN, &slow), PB_OK);
    const double was = dense.values[0], same = dense.values[1], slow_was = slow.values[0];
    dense.gradients[0] = -20;
    dense_step(&dense, 0.01);
    assert_true(fabs(dense.values[0] - was - 0.01) < 1e-9);
    assert_true(dense.values[1] == same && dense.gradients[0] == 0);
    dense_follow(&slow, &dense, 0.25);
    assert_true(fabs(slow.values[0] - (0.75 * slow_was + 0.25 * dense.values[0])) < 1e-15);
    dense_close(&host.table, &dense);
    dense_close(&host.table, &slow);
    pb_host_close(&host);
}

/* Episodes of two steps, whose reward is −|a − 0.3| − |a' − 0.8|; the first feature says which step it is. */
static void learn(uint64_t seed, double actions[2])
{
    struct pb_host_services host;
    struct pb_rng rng;
    struct agent agent;
    struct transition steps[2] = {{.state = {0}, .next = {1}}, {.state = {1}, .last = true}};
    pb_host_init(&host, "test", seed, 1);
    host.table.rng_init(&host.table, &rng, "agent");
    assert_int_equal(agent_open(&host.table, &rng, 24, 400, &agent), PB_OK);
    assert_true(fabs(agent_act(&agent, steps[0].state) - 0.5) < 0.01); /* undecided at first */
    agent.actor_lr = agent.critic_lr = 0.003;
    for (int episode = 0; episode < 200; episode++) {
        steps[0].action = pb_rng_uniform(&rng);
        steps[1].action = pb_rng_uniform(&rng);
        steps[0].reward = steps[1].reward = -fabs(steps[0].action - 0.3) - fabs(steps[1].action - 0.8);
        agent_remember(&agent, &steps[0]);
        agent_remember(&agent, &steps[1]);
    }
    for (int step = 0; step < 1000; step++)
        agent_learn(&agent);
    for (int i = 0; i < 2; i++)
        actions[i] = agent_act(&agent, steps[i].state);
    agent_close(&agent);
    pb_host_close(&host);
}

static void test_an_agent_learns_the_action_that_is_rewarded_most_in_each_state(void **state)
{
    (void)state;
    double actions[2], again[2];
    learn(3, actions);
    assert_true(fabs(actions[0] - 0.3) < 0.1 && fabs(actions[1] - 0.8) < 0.1);
    learn(3, again);
    assert_memory_equal(actions, again, sizeof actions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_of_a_dense_network_are_its_differences),
        cmocka_unit_test(test_a_step_goes_against_the_gradient_and_a_target_follows),
        cmocka_unit_test(test_an_agent_learns_the_action_that_is_rewarded_most_in_each_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
