/* A criterion says which output channels of a prunable layer, or which single weights, matter: by a score each, or by an order of
 * removal. */
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
    PB_DATA_ACTIVATION_GRADIENTS = 1 << 4, /* activation_grad */
    PB_DATA_CONVOLVED = 1 << 5, /* convolved: the convolution's output, before the norm */
    PB_DATA_LABELS = 1 << 6, /* labels of the batch's examples */
    PB_DATA_CONSUMERS = 1 << 7, /* weights of the layers that read the channels (struct pb_consumer_view) */
    PB_DATA_CONVOLVED_GRADIENTS = 1 << 8, /* convolved_grad */
    PB_DATA_NORMALISED = 1 << 9, /* normalised: the norm's output, before the ReLU */
    PB_DATA_NORMALISED_GRADIENTS = 1 << 10, /* normalised_grad */
    PB_DATA_GATE_GRADIENTS = 1 << 11, /* gate_grad: one number for each example and channel */
    PB_DATA_CONSUMER_ROWS =
        1 << 12, /* sampled inputs and outputs of the layers that read the channels (struct pb_rows_view) */
    PB_DATA_MEAN_GRADIENTS = 1 << 13, /* *_grad of the parameters, over all calibration batches */
    PB_DATA_HESSIAN_PRODUCTS = 1 << 14, /* Hessian times direction (struct pb_product_view) */
    PB_DATA_RELEVANCE = 1 << 15, /* relevance: by layer-wise propagation from the true class's logit */
    PB_DATA_CONSUMER_GRADIENTS = 1 << 16, /* output_grad_rows beside the rows; only with PB_DATA_CONSUMER_ROWS */
    PB_DATA_SYNAPTIC_FLOW = 1 << 17, /* weight_flow: computed from the weights alone, without a batch */
};

/*
 * What gradients are of: a function f_n of the logits of each example n, the seed of the backward pass. The gradients of parameters and
 * of values are those of the batch's mean, (1/N)·Σ_n f_n; gate_grad is that of each example's own f_n.
 */
enum pb_objective {
    PB_OBJECTIVE_LOSS, /* the cross-entropy of the softmax and the example's label */
    PB_OBJECTIVE_TRUE_LOGIT, /* the logit of the example's label */
    PB_OBJECTIVE_GIVEN, /* ∂f_n/∂logits is what the hook objective_grad writes */
};

/* What a criterion is, for reports and checks that must not know it by name. */
enum pb_criterion_traits {
    PB_TRAIT_RANDOM = 1 << 0, /* it looks at nothing: a control that others are set against */
    PB_TRAIT_SCALES = 1 << 1, /* its scores are the norm's scales (γ), which sparse training makes small */
    /* Its scores compare across layers as they are: they are in one unit in all layers, such as a change of the loss, a share, or the
     * size of what is removed. Where scores of a criterion without this trait are ranked over all layers without a normalisation, the
     * harness warns. */
    PB_TRAIT_COMPARABLE = 1 << 2,
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

/* What the scores of a layer are compared with: the scores of all layers, or only its own, so that each layer loses the same share. */
enum pb_scope { PB_SCOPE_GLOBAL, PB_SCOPE_LAYER };

struct pb_network_view;

/*
 * One prunable layer: a convolution with what follows it (norm where there is one, ReLU), or a linear layer, seen as a
 * convolution whose kernel is as large as the array that it reads, so that P = Q = H = W = 1. All arrays
 * are the host's, float32, valid during the call only; NULL where not asked for or not there. All of it
 * is in read-only pages: a write ends the cell. All values are finite: a network or a batch with others is refused before.
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

    /*
     * During observe, with PB_DATA_GRADIENTS: of this batch's mean objective. After the last batch (direction, observe_product, score,
     * and network->layer in these and in select), with PB_DATA_MEAN_GRADIENTS: of the mean over the examples of all batches.
     */
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
    uint32_t
        group; /* the layer's: index into the network's groups; UINT32_MAX where none of its channels can be removed */
    const struct pb_network_view *network; /* that this layer belongs to; the same in every call */

    /* During observe. The gradients are of the batch's mean objective, like activation_grad. */
    const float *convolved_grad; /* N×P×Q×K */
    const float *normalised, *normalised_grad; /* N×P×Q×K; NULL where the layer has no norm */
    /*
     * During observe, N×K: the derivative of f_n by a factor (a gate, at 1) on channel k of the activation,
     * gate_grad[n][k] = Σ_hw activation[n][h][w][k] · ∂f_n/∂activation[n][h][w][k] = N · Σ_hw activation · activation_grad.
     * Examples do not mix, for the norm computes with its running statistics.
     */
    const float *gate_grad;
    /*
     * During observe, N×H×W×K: each activation's share of the logit of the example's label, by the rule that the hook relevance_rule
     * gives. Over all activations of a cut through the network the shares add up to that logit, which may be negative.
     */
    const float *relevance;
    /*
     * K×R×S×C, with PB_DATA_SYNAPTIC_FLOW, in every call: |w|·∂R/∂|w|, R being the sum of the network's outputs for an image of ones,
     * computed in double precision with the magnitude of every weight and without biases. Norms, ReLUs, dropout and L2 norms pass what
     * they get; a signed square root is the square root. A product (bilinear pooling, multiplication) gives half of its flow to either
     * factor, and a square root all of its flow to what it is of, in place of their derivatives 1 and ½: behind one another they make
     * the derivative. So flow is conserved: in every layer that all paths pass it adds up to R.
     */
    const double *weight_flow;
};

/*
 * A layer that reads the channels of a group: what removing some of them leaves it without. It is there once for each piece of its
 * input that is the group's. A convolution of several groups is as many layers: the first has its name, the next "NAME (group 2)".
 */
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

/*
 * Inputs and outputs of a consumer on the current batch, at places that are drawn from a stream of the cell's seed and the consumer's
 * name: consumer_rows positions of each example's output for a convolution, one row for each example for a linear layer.
 * Rows are in the order of the examples: row i belongs to example i / (rows / N).
 */
struct pb_rows_view {
    size_t size; /* the host's */
    uint32_t rows; /* of all N examples together */
    uint32_t width; /* R·S·C of the consumer */
    uint32_t outputs; /* M */
    const float *input_rows; /* rows × R×S×C: what each output is computed from, zeros where the image ends */
    const float *output_rows; /* rows × M: the layer's output, its bias included, before a norm */
    uint32_t
        positions; /* of an example's output, which the rows are drawn from: P·Q of a convolution, 1 of a linear layer */
    /* rows × M, with PB_DATA_CONSUMER_GRADIENTS, else NULL: of the batch's mean objective by these outputs */
    const float *output_grad_rows;
};

/*
 * Channels that can only be removed together. Channel k is output k of each of the producers. Where a grouped convolution makes or
 * reads them they repeat, for each of its groups loses the same ones: then a producer has a multiple of them, and output k is of
 * channel k mod channels. Each repetition is a piece of its own of what a consumer reads.
 */
struct pb_group_view {
    size_t size; /* the host's */
    const char *id; /* the name of its first layer */
    uint32_t channels;
    uint32_t producer_count;
    const uint32_t *producers; /* indices of prunable layers */
    uint32_t consumer_count; /* see consumer */
    uint64_t channel_macs; /* of one image, that the network saves without one channel; 0 of a group with only one */
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
    /* During observe, with PB_DATA_CONSUMER_ROWS, and valid until observe returns for this batch's last layer; otherwise NULL. */
    const struct pb_rows_view *(*rows)(const struct pb_network_view *network, uint32_t group, uint32_t consumer);
};

/* The logits of a batch, for the hook objective_grad. */
struct pb_logits_view {
    size_t size; /* the host's */
    uint32_t batch; /* N: examples in this batch */
    uint32_t batch_index; /* 0 … batch_count − 1 */
    uint32_t batch_count;
    uint32_t classes;
    const float *logits; /* N×classes */
    const uint32_t *labels; /* N */
};

/* One layer's part of a vector over the network's parameters, for the hook direction to write: zeros that are the host's. */
struct pb_direction {
    size_t size; /* the host's */
    float *weight; /* K×R×S×C */
    float *bias; /* K; NULL where the layer has none, like the others */
    float *gamma, *beta; /* K each */
};

/*
 * One layer's part of a direction v and of H·v, H being the Hessian of the mean objective over the examples of all calibration batches:
 * (g(w + ε·v) − g(w − ε·v)) / (2ε) with the gradients g of that mean. The arrays are NULL where the layer has no such parameter.
 */
struct pb_product_view {
    size_t size; /* the host's */
    uint32_t product; /* 0 … products − 1 */
    uint32_t products;
    double step; /* ε */
    const float *weight_direction, *bias_direction, *gamma_direction, *beta_direction; /* v */
    const float *weight_product, *bias_product, *gamma_product, *beta_product; /* H·v */
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
 * How the relevance R_j of an output is shared among the inputs i that it is computed from, by their terms t_ij of the sum z_j = Σ_i t_ij:
 * x_i·w_ij of a convolution or linear layer (its norm folded into w and the bias b), the values that an average or an addition is of, the
 * products x_pi·x_pj of the positions p that a value (i, j) of bilinear pooling is of (then half to either factor).
 */
enum pb_relevance_rule_kind {
    /* R_i = Σ_j t⁺_ij/(Σ_i t⁺_ij)·R_j with t⁺ = max(t, 0); all inputs alike where the sum is 0, for then the bias alone made z_j */
    PB_RELEVANCE_ZPLUS,
    /* R_i = Σ_j (t_ij + (b_j + ε·sign(z_j + b_j))/n_j)/(z_j + b_j + ε·sign(z_j + b_j))·R_j with n_j inputs and sign(0) = 1 */
    PB_RELEVANCE_EPSILON,
};
struct pb_relevance_rule {
    size_t size; /* the host's */
    uint32_t kind; /* enum pb_relevance_rule_kind */
    double epsilon; /* PB_RELEVANCE_EPSILON alone: above 0 */
};

/*
 * Order of calls: create; prepare; observe for every calibration batch and layer (batches outermost, layers in
 * order); for every Hessian product direction for each layer, then observe_product for each; score or score_weights once per
 * layer, or select once per group, in order; repair_weights; destroy. objective_grad comes in front of every backward pass: once for each batch before its observe, and
 * twice for each batch and Hessian product. One instance serves one scoring. For the verb repair: create; prepare; repair once per
 * layer that lost inputs, in order, each with the repairs before it applied; destroy.
 * All hooks run on one thread; a hook may use host->parallel_for. The host makes no backward pass that the data asked for does not
 * require.
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

    /* Required when it needs or uses data of single batches (gradients, values, gates, labels, rows), else NULL. */
    enum pb_status (*observe)(void *self, const struct pb_layer_view *layer);

    /*
     * Writes one finite score per output channel into scores (layer->channels values, the host's): higher = more important.
     * A NaN or infinite score fails the cell with the layer's and channel's name. A criterion has score, select or score_weights;
     * a schedule that asks for what it does not have fails the cell.
     */
    enum pb_status (*score)(void *self, const struct pb_layer_view *layer, double *scores);

    /*
     * In place of score, for greedy methods: which remove channels of the group are to go (1 ≤ remove < channels), first to go
     * first, into removed (remove values, the host's). An index twice or out of range fails the cell by name. The host decides
     * how many go: the same share of every group (its scope is PB_SCOPE_LAYER).
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

    uint32_t consumer_rows; /* of each example; at least 1 with PB_DATA_CONSUMER_ROWS */
    uint32_t objective; /* enum pb_objective: of all gradients */

    /*
     * Required for PB_OBJECTIVE_GIVEN, else NULL. Writes ∂f_n/∂logits for the batch's examples into derivative (N×classes, the
     * host's): for each example its own, which the host divides by N. A value that is not finite fails the cell by example and class.
     */
    enum pb_status (*objective_grad)(void *self, const struct pb_logits_view *batch, float *derivative);

    /*
     * With PB_DATA_HESSIAN_PRODUCTS: how many. NULL: one. Called once, after the last observe; where a cell's time is predicted, also
     * after prepare, of an instance that observes nothing: the number must depend on options and the network's structure alone.
     */
    uint32_t (*products)(void *self);
    /*
     * Writes this layer's part of direction number `product`. Parameters of other layers (a classifier) do not move. May be NULL:
     * the direction is then the mean gradient of every parameter of the network. A value that is not finite fails the cell with the
     * layer's name, and so does a direction that is zero everywhere.
     */
    enum pb_status (*direction)(void *self, const struct pb_layer_view *layer, uint32_t product,
                                struct pb_direction *direction);
    /* Required with PB_DATA_HESSIAN_PRODUCTS, else NULL. */
    enum pb_status (*observe_product)(void *self, const struct pb_layer_view *layer,
                                      const struct pb_product_view *product);
    /*
     * How far the central differences go: ε = hessian_step · ‖w‖/‖v‖, where ‖w‖ is over the parameter arrays in which v is not zero.
     * Required with PB_DATA_HESSIAN_PRODUCTS: above 0, at most 1. Gradients are float32: around 0.003 their rounding and
     * the curvature's change are equally small.
     */
    double hessian_step;
    /*
     * For the verb mask, as score is for prune: one finite score for each weight of the layer, in the order of layer->weight
     * (K×R×S×C values, the host's); higher = more important. A scoring of weights has other layers than one of channels: every
     * convolution and linear layer, the classifier too, also in observe and in the network's view. A linear layer's R and S are
     * the height and width of the array that it reads. Weights that are masked already are 0, and their scores do not count.
     */
    enum pb_status (*score_weights)(void *self, const struct pb_layer_view *layer, double *scores);

    /* Required with PB_DATA_RELEVANCE, else NULL. Called once, before the first observe. rule: zeros, the host's. */
    enum pb_status (*relevance_rule)(void *self, struct pb_relevance_rule *rule);

    /* enum pb_scope, as its paper has it: default rule, the matrix may choose another. With select: PB_SCOPE_LAYER. */
    uint32_t scope;

    /*
     * For the verb mask, as repair is for prune: rewrites what is left of a layer that lost weights. May be NULL; only with score_weights.
     * Called on the instance that scored, after all layers' score_weights, for each layer that lost weights, in order. layer: as score_weights
     * saw it. masked: one byte for each weight in the order of layer->weight, 1 where it is masked now, whenever that was. weight: the
     * layer's weights, 0 where masked; the host's. What the hook writes into masked places stays 0. A value that is not finite
     * fails the cell with the layer's and the weight's name. What it changed is recorded: ‖change‖/‖weights that are left‖.
     */
    enum pb_status (*repair_weights)(void *self, const struct pb_layer_view *layer, const unsigned char *masked,
                                     float *weight);

    /*
     * May be NULL; for criteria that watch a training. Requires PB_DATA_GRADIENTS, and excludes what is computed over all batches and
     * relevance. Called once, before the first observe; returns a learning rate η, finite and above 0. Behind every batch that is not
     * the last one the host makes a step of plain gradient descent, w ← w − η·∂L/∂w of that batch's mean objective, on a copy of the
     * network. The next batch is observed there: parameters in layer and their gradients are those of the copy. Masked weights stay
     * 0, and norms keep their running statistics. In score and score_weights the network is as it was.
     */
    double (*descent)(void *self);
};

#ifdef __cplusplus
}
#endif
#endif
