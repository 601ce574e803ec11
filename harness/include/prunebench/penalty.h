/* A penalty is a term that training adds to the loss: λ·Σ c_u·R(w_u) over units u of a network's parameters, or λ·R(outputs). */
#ifndef PRUNEBENCH_PENALTY_H
#define PRUNEBENCH_PENALTY_H

#include <stdbool.h>

#include <prunebench/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pb_network_view;

/* What the units w_u are. Weights are those of every convolution and linear layer, K×R×S×C. */
enum pb_penalty_unit {
    PB_UNIT_NORM_SCALES, /* one scale γ of a batch norm: K units of one value */
    PB_UNIT_FILTERS, /* what makes one output channel: K units of R·S·C weights */
    PB_UNIT_INPUT_CHANNELS, /* what reads one input channel: C units of K·R·S weights */
    PB_UNIT_SHAPES, /* one place (r, s, c) of all filters: R·S·C units of K weights (Wen 2016) */
    PB_UNIT_WEIGHTS, /* one weight: K·R·S·C units */
};

/*
 * What R does to a unit w_u of strength s_u = λ·c_u. Backends compute it (struct pb_penalty_arguments). The first three change the
 * gradient before a step of the optimiser, the last two the values after it.
 */
enum pb_penalty_rule {
    PB_RULE_L1, /* R = Σ|w|: s_u·sign(w) is added to the gradient */
    PB_RULE_L2, /* R = ½·Σw²: s_u·w is added to the gradient */
    /* R = t·Σ|w| − Σ|w − m| with m the mean over all units of the term, t its parameter (Zhuang 2020):
     * s_u·(t·sign(w) − sign(w − m) + the mean of sign(w − m)) is added to the gradient */
    PB_RULE_POLARIZATION,
    /* R = ‖w_u‖₂ (Yuan & Lin 2006), as a proximal step, which reaches exact zeros: w_u ← w_u·max(0, 1 − lr·s_u/‖w_u‖₂) */
    PB_RULE_GROUP_LASSO,
    PB_RULE_INTERVAL, /* values are limited to 0 … the term's parameter; s_u does not matter */
};

/* One term of a penalty. The plugin makes it and sets its size; the host reads it once, when a training begins. */
struct pb_penalty_term {
    size_t size; /* sizeof(struct pb_penalty_term) */
    uint32_t unit; /* enum pb_penalty_unit */
    uint32_t rule; /* enum pb_penalty_rule */
    double parameter; /* of the rule: above 0 where the rule has one */
    uint32_t period; /* steps after which coefficients are asked for again; 0: at the start of every epoch */
};

/*
 * One layer that a term penalises. Layers come in the network's order; all is the host's, read-only and valid during the call.
 * values are those of now: K of a norm, else K×R×S×C.
 */
struct pb_penalty_view {
    size_t size; /* the host's */
    const char *name; /* the node's: "bn3_2", "conv3_2", "fc" */
    uint32_t index, count; /* of the layers that this term penalises: 0 … count − 1 */
    uint32_t layer; /* the prunable layer that it is or belongs to, as in network; UINT32_MAX: none */
    uint32_t units; /* as many coefficients */
    uint32_t unit_values; /* values per unit */
    uint32_t filters, kernel_height, kernel_width, input_channels; /* K, R, S, C; of a norm K, 1, 1, 1 */
    const float *values;
    bool linear; /* the weights of a linear layer */
    bool last_norm; /* the trunk's last batch norm */
    uint32_t epoch; /* of this training, from 0 */
    uint64_t step; /* of this training, from 0 */
    double lambda; /* of this training */
    const struct pb_network_view *network; /* the network as it is now; NULL unless the penalty's `data` asks for it */
};

/* The network's outputs for one batch of a training. The host's, read-only and valid during the call. */
struct pb_outputs_view {
    size_t size; /* the host's */
    uint32_t batch, classes;
    const float *logits; /* batch×classes, before the softmax */
    const uint32_t *labels; /* batch */
    uint32_t epoch; /* of this training, from 0 */
    uint64_t step; /* of this training, from 0 */
    double lambda; /* of this training */
};

/*
 * Order of calls, for each training with a λ above 0: create; term for 0, 1, … until NULL; coefficients for every term and layer, at
 * the start of every epoch and after every period; outputs at every step; destroy. What they give must depend on what the view shows
 * alone: a training that was stopped resumes at the start of an epoch with an instance of its own.
 */
struct pb_penalty {
    size_t size; /* sizeof(struct pb_penalty) */
    uint32_t data; /* enum pb_criterion_data: of the network that coefficients look at; parameters and consumers only */

    /* Required; as in struct pb_criterion. */
    enum pb_status (*create)(const struct pb_host *host, const void *options, void **self);
    /* Required. Term number index, valid until destroy; NULL behind the last. At least one, unless there is a hook outputs. */
    const struct pb_penalty_term *(*term)(void *self, uint32_t index);
    /* May be NULL: then every c_u is 1. Writes one coefficient per unit; each must be finite and not negative, else the cell fails
     * with the names of penalty and layer. */
    enum pb_status (*coefficients)(void *self, uint32_t term, const struct pb_penalty_view *layer,
                                   double *coefficients);
    /* Required when create may set *self, else NULL. */
    void (*destroy)(void *self);

    /* May be NULL. R of one batch's outputs, and its derivative by each logit (batch×classes): λ·R is added to the batch's mean
     * loss. All must be finite. */
    enum pb_status (*outputs)(void *self, const struct pb_outputs_view *outputs, double *value, double *derivative);
};

#ifdef __cplusplus
}
#endif
#endif
