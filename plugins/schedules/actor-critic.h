/* An agent for continuous actions in 0 … 1: deep deterministic policy gradients (Lillicrap et al. 2016), as AMC uses them. */
#ifndef PB_SCHEDULES_ACTOR_CRITIC_H
#define PB_SCHEDULES_ACTOR_CRITIC_H

#include <stdbool.h>

#include "dense.h"

enum { AGENT_FEATURES = 11, AGENT_BATCH = 64 };

/* One step of an episode. All steps of an episode have its reward (He et al. 2018, section 3.2). */
struct transition {
    double state[AGENT_FEATURES], next[AGENT_FEATURES];
    double action, reward;
    bool last; /* of the episode: there is no next state */
};

struct agent {
    const struct pb_host *host;
    struct pb_rng *rng;
    struct dense actor, critic; /* π(s) = σ(actor(s)); Q(s, a) = critic(s, a) */
    struct dense slow_actor, slow_critic; /* the targets, which follow them */
    double actor_lr, critic_lr;
    struct transition *memory; /* the latest ones, room of them at most */
    uint32_t room;
    uint64_t remembered; /* so far */
    double baseline; /* moving average of the rewards that were learned from */
    bool has_baseline;
    double *scratch; /* 3·hidden values */
};

static inline void agent_close(struct agent *agent)
{
    const struct pb_host *host = agent->host;
    if (!host)
        return;
    dense_close(host, &agent->actor);
    dense_close(host, &agent->critic);
    dense_close(host, &agent->slow_actor);
    dense_close(host, &agent->slow_critic);
    host->free(host, agent->memory);
    host->free(host, agent->scratch);
    *agent = (struct agent){0};
}

/* rng stays the caller's. On failure, too, the agent is to be closed. */
static inline enum pb_status agent_open(const struct pb_host *host, struct pb_rng *rng, uint32_t hidden, uint32_t room,
                                        struct agent *agent)
{
    *agent = (struct agent){.host = host, .rng = rng, .room = room, .actor_lr = 1e-4, .critic_lr = 1e-3};
    enum pb_status status = dense_open(host, rng, AGENT_FEATURES, hidden, &agent->actor);
    if (status == PB_OK)
        status = dense_open(host, rng, AGENT_FEATURES + 1, hidden, &agent->critic);
    if (status == PB_OK)
        status = dense_open(host, rng, AGENT_FEATURES, hidden, &agent->slow_actor);
    if (status == PB_OK)
        status = dense_open(host, rng, AGENT_FEATURES + 1, hidden, &agent->slow_critic);
    if (status != PB_OK)
        return status;
    dense_follow(&agent->slow_actor, &agent->actor, 1);
    dense_follow(&agent->slow_critic, &agent->critic, 1);
    agent->memory = host->alloc(host, room * sizeof *agent->memory);
    agent->scratch = host->alloc(host, 3 * (size_t)hidden * sizeof *agent->scratch);
    return agent->memory && agent->scratch ? PB_OK : PB_ERROR_MEMORY;
}

static inline struct dense_values agent_values(const struct agent *agent)
{
    return (struct dense_values){agent->scratch, agent->scratch + agent->actor.hidden};
}

static inline double agent_policy(const struct agent *agent, const struct dense *actor, const double *state)
{
    const struct dense_values kept = agent_values(agent);
    return 1 / (1 + exp(-dense_forward(actor, state, &kept)));
}

/* What the agent would do, without noise. */
static inline double agent_act(const struct agent *agent, const double *state)
{
    return agent_policy(agent, &agent->actor, state);
}

static inline void critic_input(const double *state, double action, double *x)
{
    memcpy(x, state, AGENT_FEATURES * sizeof *x);
    x[AGENT_FEATURES] = action;
}

static inline double agent_value(const struct agent *agent, const struct dense *critic, const double *state,
                                 double action)
{
    double x[AGENT_FEATURES + 1];
    const struct dense_values kept = agent_values(agent);
    critic_input(state, action, x);
    return dense_forward(critic, x, &kept);
}

static inline void agent_remember(struct agent *agent, const struct transition *transition)
{
    agent->memory[agent->remembered++ % agent->room] = *transition;
}

/* Adds the gradients of weight·(Q(s, a) − y)², y = r − b + Q'(s', π'(s')), to the critic: the discount is 1. */
static inline void criticise(struct agent *agent, const struct transition *seen, double weight)
{
    double x[AGENT_FEATURES + 1], dx[AGENT_FEATURES + 1];
    struct dense_values kept = agent_values(agent);
    double wished = seen->reward - agent->baseline;
    if (!seen->last)
        wished +=
            agent_value(agent, &agent->slow_critic, seen->next, agent_policy(agent, &agent->slow_actor, seen->next));
    critic_input(seen->state, seen->action, x);
    const double value = dense_forward(&agent->critic, x, &kept);
    dense_backward(&agent->critic, x, 2 * weight * (value - wished), &kept, agent->scratch + 2 * agent->critic.hidden,
                   dx);
}

/* Adds the gradients of −weight·Q(s, π(s)) to the actor; those that it adds to the critic are to be cleared. */
static inline void improve(struct agent *agent, const double *state, double weight)
{
    double x[AGENT_FEATURES + 1], dx[AGENT_FEATURES + 1];
    double *scratch = agent->scratch + 2 * agent->actor.hidden;
    struct dense_values kept = agent_values(agent);
    const double action = agent_act(agent, state);
    critic_input(state, action, x);
    (void)dense_forward(&agent->critic, x, &kept);
    dense_backward(&agent->critic, x, -weight, &kept, scratch, dx);
    const double through = dx[AGENT_FEATURES] * action * (1 - action);
    (void)dense_forward(&agent->actor, state, &kept);
    dense_backward(&agent->actor, state, through, &kept, scratch, dx);
}

static inline void draw_batch(struct agent *agent, const struct transition *batch[AGENT_BATCH])
{
    const uint32_t count = agent->remembered < agent->room ? (uint32_t)agent->remembered : agent->room;
    for (int i = 0; i < AGENT_BATCH; i++)
        batch[i] = &agent->memory[pb_rng_below(agent->rng, count)];
}

/* One step of both networks on a batch of what is remembered, and one of their targets towards them. */
static inline void agent_learn(struct agent *agent)
{
    const struct transition *batch[AGENT_BATCH];
    double mean = 0;
    draw_batch(agent, batch);
    for (int i = 0; i < AGENT_BATCH; i++)
        mean += batch[i]->reward / AGENT_BATCH;
    agent->baseline = agent->has_baseline ? (agent->baseline + mean) / 2 : mean;
    agent->has_baseline = true;
    for (int i = 0; i < AGENT_BATCH; i++)
        criticise(agent, batch[i], 1.0 / AGENT_BATCH);
    dense_step(&agent->critic, agent->critic_lr);
    for (int i = 0; i < AGENT_BATCH; i++)
        improve(agent, batch[i]->state, 1.0 / AGENT_BATCH);
    memset(agent->critic.gradients, 0, agent->critic.count * sizeof *agent->critic.gradients);
    dense_step(&agent->actor, agent->actor_lr);
    dense_follow(&agent->slow_critic, &agent->critic, 0.01);
    dense_follow(&agent->slow_actor, &agent->actor, 0.01);
}

#endif
