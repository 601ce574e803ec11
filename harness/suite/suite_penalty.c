/* Penalties against their formulas in double precision. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>

#include <prunebench/penalty.h>

static const char *const rule_names[] = {[PB_RULE_L1] = "L1",
                                         [PB_RULE_L2] = "L2",
                                         [PB_RULE_POLARIZATION] = "polarization",
                                         [PB_RULE_GROUP_LASSO] = "group lasso",
                                         [PB_RULE_INTERVAL] = "interval"};

static double sign_of(double value)
{
    return value > 0 ? 1 : value < 0 ? -1 : 0;
}

/* ‖w_u‖₂ */
static double unit_norm(const struct pb_penalty_arguments *args, const double *weight, size_t unit)
{
    double sum = 0;
    for (size_t o = 0; o < args->outer; o++)
        for (size_t i = 0; i < args->inner; i++) {
            const double value = weight[(o * args->units + unit) * args->inner + i];
            sum += value * value;
        }
    return sqrt(sum);
}

static void expect(const struct pb_penalty_arguments *args, const double *strengths, double *gradient, double *weight)
{
    double factors[256];
    for (size_t u = 0; u < args->units && args->rule == PB_RULE_GROUP_LASSO; u++) {
        const double norm = unit_norm(args, weight, u);
        factors[u] = norm > 0 ? fmax(0, 1 - args->lr * strengths[u] / norm) : 0;
    }
    for (size_t at = 0; at < args->outer * args->units * args->inner; at++) {
        const size_t unit = at / args->inner % args->units;
        const double w = weight[at], s = strengths[unit];
        switch ((enum pb_penalty_rule)args->rule) {
        case PB_RULE_L1:
            gradient[at] += s * sign_of(w);
            break;
        case PB_RULE_L2:
            gradient[at] += s * w;
            break;
        case PB_RULE_POLARIZATION:
            gradient[at] += s * (args->parameter * sign_of(w) - sign_of(w - args->mean) + args->pull);
            break;
        case PB_RULE_GROUP_LASSO:
            weight[at] = w * factors[unit];
            break;
        case PB_RULE_INTERVAL:
            weight[at] = fmin(fmax(w, 0), args->parameter);
            break;
        }
    }
}

/* case_of: the arguments, but for what belongs to the arrays. */
static void check_penalty(struct pb_suite *run, const void *case_of)
{
    const struct pb_penalty_arguments *given = case_of;
    struct pb_penalty_arguments args = *given;
    const size_t count = args.outer * args.units * args.inner;
    snprintf(run->subject, sizeof run->subject, "%s over %zux%zux%zu", rule_names[args.rule], args.outer, args.units,
             args.inner);
    struct pb_array weight = pb_array_random(run, count, -1, 1), gradient = pb_array_random(run, count, -1, 1),
                    strengths = pb_array_random(run, args.units, 0.01, 2);
    pb_array_set(run, &weight, count / 2, 0);
    pb_array_set(run, &strengths, 0, 0);
    args.size = sizeof args;
    args.strengths = pb_array_view(&strengths);
    args.weight = pb_array_view(&weight);
    const bool moves = args.rule == PB_RULE_GROUP_LASSO || args.rule == PB_RULE_INTERVAL;
    if (!moves)
        args.gradient = pb_array_view(&gradient);
    expect(&args, strengths.values, gradient.values, weight.values);
    OPERATE(run, penalise, &args);
    pb_array_expect(run, moves ? &weight : &gradient, moves ? "weight" : "gradient",
                    moves ? weight.values : gradient.values, 0);
    pb_array_unchanged(run, moves ? &gradient : &weight, moves ? "gradient" : "weight");
    pb_array_unchanged(run, &strengths, "strengths");
}

void pb_suite_penalty(struct pb_suite *run)
{
    static const struct pb_penalty_arguments layouts[] = {
        {.outer = 1, .units = 5, .inner = 1}, /* scales of a norm */
        {.outer = 1, .units = 17, .inner = 27}, /* filters */
        {.outer = 153, .units = 3, .inner = 1}, /* input channels */
        {.outer = 9, .units = 250, .inner = 1}, /* shapes */
        {.outer = 2, .units = 3, .inner = 2000},
    };
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        for (uint32_t rule = PB_RULE_L1; rule <= PB_RULE_INTERVAL; rule++) {
            struct pb_penalty_arguments args = layouts[i];
            args.rule = rule;
            args.parameter = rule == PB_RULE_INTERVAL ? 0.5 : 1.4;
            args.mean = 0.1;
            args.pull = -0.25;
            args.lr = 0.5;
            pb_suite_case_run(run, check_penalty, &args);
        }
}
