/* A criterion gives every output channel of a prunable layer a score. It only scores: higher = more important. */
#ifndef PRUNEBENCH_CRITERION_H
#define PRUNEBENCH_CRITERION_H

#include <stdbool.h>

#include <prunebench/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a criterion needs to see; the host computes and downloads nothing else. */
enum pb_criterion_needs {
    PB_NEEDS_WEIGHTS = 1 << 0, /* weight, bias */
    PB_NEEDS_BATCH_NORM = 1 << 1, /* gamma, beta, running statistics; layers without BN are refused */
    PB_NEEDS_GRADIENTS = 1 << 2, /* *_grad of the parameters, per calibration batch */
    PB_NEEDS_ACTIVATIONS = 1 << 3, /* activation: the layer's output after BN and ReLU */
    PB_NEEDS_ACTIVATION_GRADIENTS = 1 << 4, /* activation_grad: of the batch's mean loss */
    /* Since ABI 1.3: the same as PB_NEEDS_BATCH_NORM where a layer has one; without, they are NULL and nothing is refused. */
    PB_USES_BATCH_NORM = 1 << 5,
};

/* How the scores of channels that can only be removed together are combined. */
enum pb_coupling { PB_COUPLE_SUM, PB_COUPLE_MEAN, PB_COUPLE_MAX };

/* Normalisation of scores over a layer before layers are compared (design: ranking belongs to the host). */
enum pb_normalise {
    PB_NORMALISE_NONE,
    PB_NORMALISE_SUM,
    PB_NORMALISE_MEAN,
    PB_NORMALISE_MAX,
    PB_NORMALISE_L2,
    PB_NORMALISE_LAMP, /* s_i² / Σ_{j: s_j ≥ s_i} s_j² (Lee 2021) */
};

/*
 * One prunable layer: a convolution with what follows it (BN where there is one, ReLU). All arrays
 * are the host's, float32, valid during the call only; NULL where not asked for or not there. All of it
 * is in read-only pages: a write ends the cell.
 */
struct pb_layer_view {
    size_t size; /* bytes of this struct that the host fills */
    uint32_t index; /* position among the prunable layers, input side first */
    uint32_t layers; /* how many prunable layers there are */
    const char *name; /* "conv3_2" */
    uint32_t channels; /* K, output channels */
    uint32_t input_channels; /* C per group */
    uint32_t kernel_height, kernel_width; /* R, S */
    uint32_t output_height, output_width; /* of the convolution */
    uint64_t macs; /* of this layer for one image */

    const float *weight; /* K×R×S×C */
    const float *bias; /* K */
    const float *gamma, *beta, *running_mean, *running_var; /* K each */

    /* During observe: of the mean loss of this batch. */
    const float *weight_grad; /* K×R×S×C */
    const float *bias_grad; /* K */
    const float *gamma_grad, *beta_grad; /* K each */

    /* During observe: N×H×W×K. */
    const float *activation, *activation_grad;
    uint32_t batch; /* N: examples in this batch */
    uint32_t batch_index; /* 0 … batch_count − 1 */
    uint32_t batch_count;
    uint32_t activation_height, activation_width; /* H, W */

    double norm_eps; /* since ABI 1.3: of the batch norm, σ = √(running_var + norm_eps); 0 without one */
};

/*
 * Order of calls: create; observe for every calibration batch and layer (batches outermost, layers in
 * order); score once per layer, in order; destroy. One instance serves one scoring.
 * All hooks run on one thread; a hook may use host->parallel_for.
 */
struct pb_criterion {
    size_t size; /* sizeof(struct pb_criterion) */
    uint32_t needs; /* enum pb_criterion_needs, or-ed */
    uint32_t coupling; /* enum pb_coupling: default rule, the matrix may choose another */
    uint32_t normalise; /* enum pb_normalise: default rule, the matrix may choose another */

    /*
     * Required. options: the resolved options struct (NULL when the plugin has none), the host's, valid
     * until destroy. On success *self is the plugin's (NULL is allowed) until destroy.
     */
    enum pb_status (*create)(const struct pb_host *host, const void *options, void **self);

    /* Required when needs asks for gradients or activations, else NULL. */
    enum pb_status (*observe)(void *self, const struct pb_layer_view *layer);

    /*
     * Required. Writes one finite score per output channel into scores (layer->channels values,
     * the host's). A NaN or infinite score fails the cell with the layer's and channel's name.
     */
    enum pb_status (*score)(void *self, const struct pb_layer_view *layer, double *scores);

    /* Required when create may set *self, else NULL. */
    void (*destroy)(void *self);
};

#ifdef __cplusplus
}
#endif
#endif
