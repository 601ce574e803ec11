/* A network for search schedules whose accuracy is a formula: no training, no images, every allocation can be enumerated. */
#ifndef PB_TEST_TOY_SEARCH_H
#define PB_TEST_TOY_SEARCH_H

#include <prunebench/schedule.h>

#include "support/built_plugin.h"

enum { TOY_GROUPS = 6, TOY_MEASURED = 400 };

/*
 * Some groups of equal width; accuracy Σ_g worth_g·√kept_g, and less by 1/(100·epochs) times a number that depends on the allocation
 * alone, as short trainings mislead. Costs: channels are their sum, MACs 3·k_0 + k_0·k_1 + k_1·k_2 + …. Of channels behind the last
 * group there are 0.
 */
struct toy {
    uint32_t groups, width;
    double worth[TOY_GROUPS];
    double misleads; /* how much short trainings mislead: 0, not at all */
    uint32_t evaluations; /* out: how many were asked for */
    double measured[TOY_MEASURED]; /* out: what the first of them found */
    double budgets[TOY_MEASURED]; /* out: epochs of the training behind each */
    uint32_t kept[TOY_GROUPS]; /* out: of the network at the end */
    double epochs; /* out: of the last training */
};

double toy_accuracy(const struct toy *toy, const uint32_t kept[TOY_GROUPS]);
uint64_t toy_cost(const uint32_t kept[TOY_GROUPS], uint32_t measure);
/* Runs a schedule's plugin on it with one target. */
enum pb_status toy_run(struct toy *toy, const char *name, const struct given *given, uint32_t given_count,
                       uint32_t measure, double amount, uint64_t seed);

#endif
