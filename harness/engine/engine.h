/* Runs a network on a device: forward, backward, optimiser; activations laid out by lifetime. */
#ifndef PB_ENGINE_ENGINE_H
#define PB_ENGINE_ENGINE_H

#include <prunebench/penalty.h>

#include "engine/device.h"
#include "graph/network.h"

struct pb_engine;

enum pb_engine_mode {
    PB_ENGINE_INFER, /* forward in evaluation mode only */
    PB_ENGINE_TRAIN, /* forward and backward, BN on batch statistics */
    PB_ENGINE_CALIBRATE, /* forward and backward, BN on running statistics; activations and their gradients kept */
};

struct pb_engine_options {
    uint32_t batch;
    enum pb_engine_mode mode;
    uint64_t seed; /* dropout masks */
    bool separate_norms; /* CALIBRATE: a batch norm's output is kept beside that of the ReLU behind it */
    bool
        weight_masks; /* TRAIN: room for masks of single weights. For pb_engine_predict; pb_engine_create asks its network */
};

/*
 * Plans, workspace, buffers for this batch size. A TRAIN engine can also evaluate (pb_engine_forward).
 * The graph is copied; values are loaded from network. The device must outlive the engine.
 */
PB_MUST_CHECK enum pb_status pb_engine_create(struct pb_device *device, const struct pb_network *network,
                                              const struct pb_engine_options *options, struct pb_engine **engine,
                                              struct pb_error *error);
void pb_engine_free(struct pb_engine **engine);

/* Where an engine's memory goes, in bytes. The first eight are its buffers: exact. The others are as the backend states. */
struct pb_engine_memory {
    uint64_t values, gradients, velocity; /* of the parameters; no gradients to INFER, velocity only to TRAIN */
    uint64_t masks; /* of single weights: TRAIN, and only where the network has some */
    uint64_t activations; /* and their gradients: one arena, laid out by lifetime */
    uint64_t workspace; /* that operators use in turn */
    uint64_t filters; /* of the convolutions, as their backend needs them: INFER only */
    uint64_t staging; /* on the host */
    uint64_t backend_kept, backend_shared; /* see struct pb_operator_memory; shared: of the largest operator */
};
/* That of an engine of these options, without making it. */
PB_MUST_CHECK enum pb_status pb_engine_predict(struct pb_device *device, const struct pb_graph *graph,
                                               const struct pb_engine_options *options, struct pb_engine_memory *memory,
                                               struct pb_error *error);
void pb_engine_memory(const struct pb_engine *engine, struct pb_engine_memory *memory);
uint64_t pb_engine_buffer_bytes(const struct pb_engine_memory *memory);
uint64_t pb_engine_memory_bytes(const struct pb_engine_memory *memory); /* with the backend's */

/* Values and velocity to and from a network of the same graph. Engines that do not TRAIN leave velocity alone. Its masks are
 * loaded, too: every step keeps masked weights at 0. */
PB_MUST_CHECK enum pb_status pb_engine_load(struct pb_engine *engine, const struct pb_network *network,
                                            struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_engine_store(struct pb_engine *engine, struct pb_network *network,
                                             struct pb_error *error);

/* Evaluation mode. images: count×H×W×3, count ≤ batch (the rest is computed on zeros and ignored).
 * logits: count×classes. */
PB_MUST_CHECK enum pb_status pb_engine_forward(struct pb_engine *engine, const float *images, uint32_t count,
                                               float *logits, struct pb_error *error);

/* Forward and backward of a full batch. TRAIN: batch statistics, running statistics move. CALIBRATE: running statistics.
 * loss: mean over the batch; logits (batch×classes) may be NULL. Gradients stay for pb_engine_gradient and pb_engine_step. */
PB_MUST_CHECK enum pb_status pb_engine_backward(struct pb_engine *engine, const float *images, const uint32_t *labels,
                                                double *loss, float *logits, struct pb_error *error);

/* The forward half of pb_engine_backward, for a loss that is computed from the logits (batch×classes). TRAIN engines only. */
PB_MUST_CHECK enum pb_status pb_engine_forward_training(struct pb_engine *engine, const float *images, float *logits,
                                                        struct pb_error *error);
/* Backward from the derivative of any function of the logits (batch×classes): after pb_engine_forward_training, or, CALIBRATE, after
 * pb_engine_forward on a full batch. */
PB_MUST_CHECK enum pb_status pb_engine_backward_from(struct pb_engine *engine, const float *derivative,
                                                     struct pb_error *error);

/*
 * Where a value that is not finite comes from, once one was seen: in the flow of data, the first parameter or output that holds
 * one. Runs forward again on images (count ≤ batch), as the pass did in which it was seen: training, with batch statistics and
 * the masks of the last pb_engine_backward, or evaluating. where: "the weights of 'conv3_1', channel 0", "the output of 'bn1',
 * channel 2", or "" when everything is finite. Running statistics move.
 */
PB_MUST_CHECK enum pb_status pb_engine_trace_nonfinite(struct pb_engine *engine, const float *images, uint32_t count,
                                                       bool training, char where[96], struct pb_error *error);

/* Number of the next pb_engine_backward: with the seed it decides the dropout masks, so that a stopped training continues with
 * the masks it would have had. Starts at 0 and counts up by itself. */
void pb_engine_set_step(struct pb_engine *engine, uint64_t step);

/*
 * While frozen, backward passes end at the head: the trunk's batch norms run on their running statistics, which stay as
 * they are, its gradients are not computed, and steps move the head alone. For epochs of head_only steps.
 */
void pb_engine_freeze_trunk(struct pb_engine *engine, bool frozen);

/* A penalty on one parameter. */
struct pb_penalised {
    uint32_t parameter; /* of the graph; trainable */
    enum pb_penalty_unit unit; /* one that the parameter has (pb_penalty_layout) */
    enum pb_penalty_rule rule;
    double limit; /* the rule's parameter */
    uint32_t term; /* polarization: entries of one number share a mean */
};
/* How a parameter's values divide into units: outer × units × inner. False where the parameter has no such units. */
struct pb_penalty_layout {
    size_t outer, units, inner;
};
bool pb_penalty_layout(const struct pb_graph *graph, uint32_t parameter, enum pb_penalty_unit unit,
                       struct pb_penalty_layout *layout);
/* What every step from now on penalises, in place of what it was: strengths has the units of the first entry, then those of the
 * second, …; each finite and at least 0. Keeps a copy of both. TRAIN engines only. */
PB_MUST_CHECK enum pb_status pb_engine_penalise(struct pb_engine *engine, const struct pb_penalised *list,
                                                uint32_t count, const float *strengths, struct pb_error *error);
/* λ·|γ| on the scales of every batch norm, with lambda_last on the trunk's last one, in place of what was penalised. */
PB_MUST_CHECK enum pb_status pb_engine_penalise_norms(struct pb_engine *engine, double lambda, double lambda_last,
                                                      struct pb_error *error);
/* Whether node is the trunk's last batch norm. */
bool pb_engine_is_last_norm(const struct pb_engine *engine, uint32_t node);

struct pb_step {
    double lr, momentum, weight_decay;
    bool nesterov;
    bool head_only; /* only the parameters behind the trunk move, and only they are penalised */
};
/* SGD on every trainable parameter, with the engine's penalties. */
PB_MUST_CHECK enum pb_status pb_engine_step(struct pb_engine *engine, const struct pb_step *step,
                                            struct pb_error *error);

/* Downloads. gradient: parameter->count floats. activation: batch×H×W×C of a node's output and of the loss's gradient there
 * (either may be NULL); CALIBRATE engines only. A batch norm that is computed with the ReLU behind it has none: ask for
 * the ReLU's, or keep norms separate. */
PB_MUST_CHECK enum pb_status pb_engine_gradient(struct pb_engine *engine, uint32_t parameter, float *gradient,
                                                struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_engine_activation(struct pb_engine *engine, uint32_t node, float *activation,
                                                  float *gradient, struct pb_error *error);

/*
 * A convolution of the network by itself, on other inputs and with other filters, without bias or norm: y = Σ x·w, and its way back,
 * dx = Σ dy·∂y/∂x. Arrays are the host's: x, dx batch×H×W×C, y, dy batch×P×Q×K, w as the node has it. Values and gradients of the
 * network stay as they are. Not of INFER engines.
 */
PB_MUST_CHECK enum pb_status pb_engine_convolve(struct pb_engine *engine, uint32_t node, const float *x, const float *w,
                                                float *y, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_engine_convolve_back(struct pb_engine *engine, uint32_t node, const float *dy,
                                                     const float *w, float *dx, struct pb_error *error);
/* What they allocate when they are called for the first time. */
uint64_t pb_engine_convolve_bytes(const struct pb_graph *graph, uint32_t batch);

/* Seconds spent per phase since the engine was made or the times were reset. */
enum pb_phase {
    PB_PHASE_CONV_FORWARD,
    PB_PHASE_CONV_BACKWARD_DATA,
    PB_PHASE_CONV_BACKWARD_WEIGHTS,
    PB_PHASE_NORM, /* batch norm, ReLU, additions */
    PB_PHASE_POOL,
    PB_PHASE_HEAD,
    PB_PHASE_OPTIMISER,
    PB_PHASE_TRANSFER,
    PB_PHASE_COUNT
};
const char *pb_phase_name(enum pb_phase phase);
struct pb_engine_times {
    double phase[PB_PHASE_COUNT];
    /* Per node: forward, backward data, backward weights seconds. node_count rows. */
    double (*node)[3];
    uint32_t node_count;
};
const struct pb_engine_times *pb_engine_times(const struct pb_engine *engine);
void pb_engine_times_reset(struct pb_engine *engine);
/* "winograd", "gemm", …: what runs a convolution; "" for other nodes. */
const char *pb_engine_algorithm(const struct pb_engine *engine, uint32_t node);

#endif
