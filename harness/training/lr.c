/* Learning-rate policies. */
#include "training/lr.h"

#include <math.h>

/* One-cycle: L. N. Smith, N. Topin 2018, in PyTorch's proportions: up over 30 %, from 1/25, down to 1/10,000 of that. */
static const double CYCLE_RISE = 0.3, CYCLE_START = 1.0 / 25, CYCLE_END = 1.0 / 25 / 1e4;

void pb_lr_start(struct pb_lr *state, const struct pb_train_spec *spec)
{
    *state = (struct pb_lr){.base = spec->lr, .best = -1};
}

void pb_lr_continue(struct pb_lr *state)
{
    *state = (struct pb_lr){.base = state->base, .best = -1};
}

/* From a to b along half a cosine as share goes from 0 to 1. */
static double anneal(double a, double b, double share)
{
    return b + (a - b) * 0.5 * (1 + cos(3.14159265358979323846 * share));
}

static double one_cycle(const struct pb_train_spec *spec, double done)
{
    if (done < CYCLE_RISE)
        return anneal(spec->lr * CYCLE_START, spec->lr, done / CYCLE_RISE);
    return anneal(spec->lr, spec->lr * CYCLE_END, (done - CYCLE_RISE) / (1 - CYCLE_RISE));
}

double pb_lr_at(const struct pb_lr *state, const struct pb_train_spec *spec, uint32_t epoch, double share)
{
    const double now = epoch + share;
    const double done = spec->epochs ? fmin(now / spec->epochs, 1) : 1;
    double rate = spec->lr;
    switch ((enum pb_lr_policy)spec->lr_policy) {
    case PB_LR_PLATEAU:
        rate = state->base;
        break;
    case PB_LR_STEP:
        rate = fmax(spec->lr * pow(spec->lr_factor, spec->lr_patience ? epoch / spec->lr_patience : 0), spec->lr_min);
        break;
    case PB_LR_COSINE:
        rate = anneal(spec->lr, spec->lr_min, done);
        break;
    case PB_LR_ONE_CYCLE:
        rate = one_cycle(spec, done);
        break;
    case PB_LR_CONSTANT:
        break;
    }
    if (now < spec->warmup_epochs)
        rate *= fmax(now, 1e-3) / spec->warmup_epochs;
    return rate;
}

void pb_lr_observe(struct pb_lr *state, const struct pb_train_spec *spec, double accuracy)
{
    if (state->best < 0 || accuracy > state->best * (1 + spec->lr_threshold)) {
        state->best = accuracy;
        state->bad_epochs = 0;
        state->stale = 0;
        return;
    }
    state->stale++;
    if (spec->lr_policy != PB_LR_PLATEAU || ++state->bad_epochs <= spec->lr_patience)
        return;
    state->base = fmax(state->base * spec->lr_factor, spec->lr_min);
    state->bad_epochs = 0;
}

bool pb_lr_exhausted(const struct pb_lr *state, const struct pb_train_spec *spec)
{
    return spec->early_stop && state->stale >= spec->early_stop;
}
