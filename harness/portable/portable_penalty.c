/* The portable penalties. A unit's values are visited in one order, whatever the number of threads. */
#include "portable/portable.h"

#include <math.h>

#include <prunebench/penalty.h>

#define BLOCK 1024 /* values of one thread's turn within a row, and most units of it */

/* A penalty as a block of units sees it. */
struct penalised {
    const struct pb_penalty_arguments *args;
    const float *strengths;
    float *weight;
};

static float sign_of(float value)
{
    return (float)((value > 0) - (value < 0));
}

static void pull(const struct penalised *job, size_t unit, size_t begin, size_t end)
{
    const float strength = job->strengths[unit], t = (float)job->args->parameter, mean = (float)job->args->mean,
                mean_sign = (float)job->args->pull;
    float *gradient = pb_floats(job->args->gradient);
    const float *weight = job->weight;
    switch ((enum pb_penalty_rule)job->args->rule) {
    case PB_RULE_L1:
        for (size_t i = begin; i < end; i++)
            gradient[i] += strength * sign_of(weight[i]);
        break;
    case PB_RULE_L2:
        for (size_t i = begin; i < end; i++)
            gradient[i] += strength * weight[i];
        break;
    case PB_RULE_POLARIZATION:
        for (size_t i = begin; i < end; i++)
            gradient[i] += strength * (t * sign_of(weight[i]) - sign_of(weight[i] - mean) + mean_sign);
        break;
    case PB_RULE_INTERVAL: /* these change values: limit, shrink */
    case PB_RULE_GROUP_LASSO:
        break;
    }
}

static void limit(const struct penalised *job, size_t begin, size_t end)
{
    const float top = (float)job->args->parameter;
    float *weight = job->weight;
    for (size_t i = begin; i < end; i++)
        weight[i] = weight[i] < 0 ? 0 : weight[i] > top ? top : weight[i];
}

static void shrink(const struct penalised *job, size_t first, size_t behind)
{
    const struct pb_penalty_arguments *args = job->args;
    double factors[BLOCK] = {0};
    for (size_t o = 0; o < args->outer; o++)
        for (size_t u = first; u < behind; u++) {
            const float *values = job->weight + (o * args->units + u) * args->inner;
            for (size_t i = 0; i < args->inner; i++)
                factors[u - first] += (double)values[i] * (double)values[i];
        }
    for (size_t u = first; u < behind; u++) {
        const double norm = sqrt(factors[u - first]), step = args->lr * (double)job->strengths[u];
        factors[u - first] = norm > step ? 1 - step / norm : norm <= step ? 0 : norm; /* a NaN stays one */
    }
    for (size_t o = 0; o < args->outer; o++)
        for (size_t u = first; u < behind; u++) {
            float *values = job->weight + (o * args->units + u) * args->inner;
            for (size_t i = 0; i < args->inner; i++)
                values[i] *= (float)factors[u - first];
        }
}

enum pb_status pb_portable_penalise(void *self, const struct pb_penalty_arguments *args)
{
    const struct penalised job = {
        .args = args, .strengths = pb_floats(args->strengths), .weight = pb_floats(args->weight)};
    const size_t width = args->inner < BLOCK ? BLOCK / args->inner : 1, blocks = pb_divide_up(args->units, width);
#pragma omp parallel for num_threads(pb_portable_threads(self)) schedule(static) if (blocks > 1)
    for (size_t block = 0; block < blocks; block++) {
        const size_t first = block * width, behind = pb_smaller(args->units, first + width);
        if (args->rule == PB_RULE_GROUP_LASSO) {
            shrink(&job, first, behind);
            continue;
        }
        for (size_t o = 0; o < args->outer; o++)
            for (size_t u = first; u < behind; u++) {
                const size_t begin = (o * args->units + u) * args->inner;
                if (args->rule == PB_RULE_INTERVAL)
                    limit(&job, begin, begin + args->inner);
                else
                    pull(&job, u, begin, begin + args->inner);
            }
    }
    return PB_OK;
}
