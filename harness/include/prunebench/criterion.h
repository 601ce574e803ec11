/* A criterion says which output channels of a prunable layer matter: by a score each, or by an order of removal. */
#ifndef PRUNEBENCH_CRITERION_H
#define PRUNEBENCH_CRITERION_H

#include <stdbool.h>

#include <prunebench/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a criterion looks at; the host computes and shows nothing else. What it needs must be there: a network without it is
 * refused. What it uses is shown where it is there, and NULL where it is not.
 */
enum pb_criterion_data {
    PB_DATA_WEIGHTS = 1 << 0, /* weight, bias */
    PB_DATA_NORM = 1 << 1, /* gamma, beta, running statistics */
    PB_DATA_GRADIENTS = 1 << 2, /* *_grad of the parameters, per calibration batch */
    PB_DATA_ACTIVATIONS = 1 << 3, /* activation: the layer's output after norm and ReLU */
    PB_DATA_ACTIVATION_GRADIENTS = 1 << 4, /* activation_grad: of the batch's mean loss */
    PB_DATA_CONVOLVED = 1 << 5, /* convolved: the convolution's output, before the norm */
    PB_DATA_LABELS = 1 << 6, /* labels of the batch's examples */
    PB_DATA_CONSUMERS = 1 << 7, /* weights of the layers that read the channels (struct pb_consumer_view) */
};

/* What a criterion is, for reports and checks that must not know it by name. */
enum pb_criterion_traits {
    PB_TRAIT_RANDOM = 1 << 0, /* it looks at nothing: a control that others are set against */
    PB_TRAIT_SCALES = 1 << 1, /* its scores are the norm's scales (γ), which sparse training makes small */
    PB_TRAIT_COMPARABLE = 1 << 2, /* its scores compare across layers as they are */
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

struct pb_network_view;

/*
 * One prunable layer: a convolution with what follows it (norm where there is one, ReLU). All arrays
 * are the host's, float32, valid during the call only; NULL where not asked for or not there. All of it
 * is in read-only pages: a write ends the cell.
 */
struct pb_layer_view {
    size_t size; /* the host's */
    uint32_t index; /* position among the prunable layers, input side first */
    uint32_t layers; /* how many prunable layers there are */
    const char *name; /* "conv3_2" */
    uint32_t channels; /* K, output channels */
    uint32_t input_channels; /* C per group */
    uint32_t kernel_height, kernel_width; /* R, S */
    uint32_t output_height, output_width; /* of the convolution: P, Q */
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

    double norm_eps; /* of the norm, σ = √(running_var + norm_eps); 0 without one */

    const float *convolved; /* during observe: N×P×Q×K */
    const uint32_t *labels; /* during observe: N, of the batch's examples */
    uint32_t group; /* the layer's: index into the network's groups */
    const struct pb_network_view *network; /* that this layer belongs to; the same in every call */
};

/* A layer that reads the channels of a group: what removing some of them leaves it without. */
struct pb_consumer_view {
    size_t size; /* the host's */
    const char *name; /* "conv3_3", "fc" */
    uint32_t outputs; /* filters of a convolution, values of a linear layer: M */
    uint32_t kernel_height, kernel_width; /* R, S; of a linear layer the height and width of the array that it reads */
    uint32_t input_channels; /* channels at each of these positions: C */
    uint32_t first; /* the group's first channel among them; its others follow */
    bool pairs; /* C is the square of the group's channels: it reads products of channels i and j at i·channels + j */
    const float *weight; /* M×R×S×C; with PB_DATA_CONSUMERS */
    const float *bias; /* M; NULL where it has none */
};

/* Channels that can only be removed together. */
struct pb_group_view {
    size_t size; /* the host's */
    const char *id; /* the name of its first layer */
    uint32_t channels;
    uint32_t producer_count;
    const uint32_t *producers; /* indices of prunable layers */
    uint32_t consumer_count; /* see consumer */
};

/*
 * The network that is scored. What the functions return is read-only like a layer's view and valid until destroy; NULL for an
 * index that is not there, or when memory is out (then a message has been left: return PB_ERROR_MEMORY).
 */
struct pb_network_view {
    size_t size; /* the host's */
    void *context; /* the host's own */
    uint32_t layer_count, group_count;
    uint32_t classes; /* of the data set */
    uint64_t params, macs; /* of the whole network; macs: of one image */
    const struct pb_layer_view *(*layer)(const struct pb_network_view *network, uint32_t layer); /* without a batch */
    const struct pb_group_view *(*group)(const struct pb_network_view *network, uint32_t group);
    const struct pb_consumer_view *(*consumer)(const struct pb_network_view *network, uint32_t group,
                                               uint32_t consumer);
};

/*
 * A layer that reads channels of which some are gone: what it reads now, and what it gave before, at the same places of the same
 * images. Rows are drawn from a seeded stream: repair_rows positions of each calibration image's output for a convolution, one row
 * for each image for a linear layer. Layers that read products of channels are not shown.
 */
struct pb_repair_view {
    size_t size; /* the host's */
    const char *name; /* "conv3_3" */
    uint32_t outputs; /* M */
    uint32_t kernel_height, kernel_width, input_channels; /* R, S, C as they are now; see struct pb_consumer_view */
    uint32_t rows;
    const float *inputs; /* rows × R×S×C: what each output is computed from, zeros where the image ends */
    const float *outputs_before; /* rows × M: what the layer gave before anything was removed, its bias included */
};

/*
 * Order of calls: create; prepare; observe for every calibration batch and layer (batches outermost, layers in
 * order); score once per layer, or select once per group, in order; destroy. One instance serves one scoring. For the verb
 * repair: create; prepare; repair once per layer that lost inputs, in order, each with the repairs before it applied; destroy.
 * All hooks run on one thread; a hook may use host->parallel_for.
 */
struct pb_criterion {
    size_t size; /* sizeof(struct pb_criterion) */
    uint32_t needs; /* enum pb_criterion_data, or-ed */
    uint32_t uses; /* the same, of what may be missing */
    uint32_t traits; /* enum pb_criterion_traits, or-ed */
    uint32_t coupling; /* enum pb_coupling: default rule, the matrix may choose another */
    uint32_t normalise; /* enum pb_normalise: default rule, the matrix may choose another */

    /*
     * Required. options: the resolved options struct (NULL when the plugin has none), the host's, valid
     * until destroy. On success *self is the plugin's (NULL is allowed) until destroy.
     */
    enum pb_status (*create)(const struct pb_host *host, const void *options, void **self);

    /* May be NULL. Sees the whole network before anything else. */
    enum pb_status (*prepare)(void *self, const struct pb_network_view *network);

    /* Required when it needs or uses gradients, activations, convolved or labels, else NULL. */
    enum pb_status (*observe)(void *self, const struct pb_layer_view *layer);

    /*
     * Writes one finite score per output channel into scores (layer->channels values, the host's): higher = more important.
     * A NaN or infinite score fails the cell with the layer's and channel's name. Required unless select is there.
     */
    enum pb_status (*score)(void *self, const struct pb_layer_view *layer, double *scores);

    /*
     * In place of score, for greedy methods: which remove channels of the group are to go (1 ≤ remove < channels), first to go
     * first, into removed (remove values, the host's). An index twice or out of range fails the cell by name. The host decides
     * how many go: the same share of every group (scope="layer").
     */
    enum pb_status (*select)(void *self, const struct pb_network_view *network, uint32_t group, uint32_t remove,
                             uint32_t *removed);

    /* Required when create may set *self, else NULL. */
    void (*destroy)(void *self);

    /*
     * May be NULL. Rewrites a layer that lost inputs: weight (M×R×S×C) and bias (M; NULL where the layer has none) hold what they are
     * and are the host's. Values that are not finite fail the cell with the layer's name. What a repair changed is recorded: the
     * error ‖outputs − outputs_before‖/‖outputs_before‖ over the rows, before it and after.
     */
    enum pb_status (*repair)(void *self, const struct pb_repair_view *layer, float *weight, float *bias);
    uint32_t repair_rows; /* at least 1 where repair is there */
};

#ifdef __cplusplus
}
#endif
#endif
