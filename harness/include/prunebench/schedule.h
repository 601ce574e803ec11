/* A schedule is a short straight-line program over the host's durable verbs. */
#ifndef PRUNEBENCH_SCHEDULE_H
#define PRUNEBENCH_SCHEDULE_H

#include <stdbool.h>

#include <prunebench/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A stage: the network as one verb left it. 0 is the untrained network that every run starts from. */
typedef uint32_t pb_stage;
/* As a teacher: the unpruned network, trained in full as the task's training says (see struct pb_verbs). */
#define PB_STAGE_UNPRUNED UINT32_MAX
/* As a teacher: the network of the file that the matrix's <retraining teacher="FILE"> names. */
#define PB_STAGE_TEACHER_FILE (UINT32_MAX - 1)

enum pb_lr_policy { PB_LR_PLATEAU, PB_LR_STEP, PB_LR_COSINE, PB_LR_ONE_CYCLE, PB_LR_CONSTANT };
enum pb_return_state { PB_RETURN_LAST, PB_RETURN_BEST };
enum pb_soft_zero {
    PB_ZERO_NONE, /* no masking during this training */
    PB_ZERO_FILTERS, /* weights and bias of the masked filters, after every epoch (He 2018, SFP) */
    PB_ZERO_GAMMA_BETA, /* γ and β of the masked channels, which then output 0; the filters stay */
};
/* How a soft training's share of masked channels grows, with P = soft_amount, after epoch t of E. */
enum pb_soft_growth {
    PB_SOFT_CONSTANT, /* P (He 2018, SFP) */
    PB_SOFT_ASYMPTOTIC, /* a·e^(−kt) + b through (0, 0), (E/8, 3P/4) and (E, P) (He 2019, ASFP) */
};
/* Which masked channels of a soft training may be unmasked by the next ranking. */
enum pb_soft_comeback {
    PB_COMEBACK_RANKED, /* all: the scores decide (He 2018, SFP) */
    /* Those alone whose zeroed values (γ and β, or the filter and its bias) have grown to a Euclidean norm not below the smallest
     * of their layer's other channels; the rest stay masked whatever their scores. Where random masks are drawn anew for each
     * scoring, every channel may. */
    PB_COMEBACK_GROWN,
};
/* What a training learns from a teacher, with z the network's logits, v the teacher's, K classes, means over the batch. */
enum pb_distillation {
    PB_DISTILLATION_NONE,
    PB_DISTILLATION_SOFT_TARGETS, /* T²·KL(softmax(v/T) ‖ softmax(z/T)) (Hinton, Vinyals & Dean 2015) */
    PB_DISTILLATION_LOGITS, /* ½·Σ_k (z_k − v_k)² (Ba & Caruana 2014) */
};
enum pb_measure {
    PB_MEASURE_CHANNELS,
    PB_MEASURE_PARAMETERS,
    PB_MEASURE_MACS,
    PB_MEASURE_WEIGHTS, /* single weights, which are masked, not removed: for mask alone */
    /* Not shares: the scores decide how many channels go. For prune alone, and with amounts of the task's targets alone. */
    PB_MEASURE_THRESHOLD, /* channels whose normalised score is below amount */
    PB_MEASURE_GAP, /* channels below the first gap in the histogram of normalised scores, whose bins are amount wide */
};

/* How much to remove, as a share of the *unpruned* network's channels, parameters or MACs; or to mask, as a share of the weights of
 * the current network's convolutions and linear layers; or a threshold for scores. Whoever makes one sets its size. */
struct pb_target {
    size_t size; /* sizeof(struct pb_target) */
    uint32_t measure; /* enum pb_measure */
    double amount; /* 0 ≤ amount < 1; of a threshold above 0 */
};

/* The penalties of a training (prunebench/penalty.h). */
enum pb_penalty_place {
    PB_PENALTY_NORMS, /* λ·|γ| on the scales of every batch norm but the trunk's last */
    PB_PENALTY_LAST_NORM, /* the same on the trunk's last one */
    PB_PENALTY_PLUGINS, /* from here on the matrix's <penalty> elements, in its order */
    PB_PENALTIES_MAX = 16
};

/*
 * One training run. The host makes every one: those of the task hold what the matrix says, and a schedule that needs another one
 * copies one of these (copy_spec), changes members of the copy, and gives that to train.
 */
struct pb_train_spec {
    size_t size; /* the host's */
    uint32_t epochs;
    double lr; /* initial learning rate */
    uint32_t lr_policy; /* enum pb_lr_policy */
    double lr_factor; /* plateau and step: the factor */
    uint32_t lr_patience; /* plateau: epochs without improvement; step: epochs between steps */
    double lr_threshold; /* plateau: relative improvement that counts */
    double lr_min;
    uint32_t warmup_epochs;
    uint32_t early_stop; /* epochs without improvement after which training ends; 0: never */
    double momentum;
    bool nesterov;
    double weight_decay;
    uint32_t penalty_count; /* the two of the host and one for each of the matrix's: how many places of lambda count */
    double lambda[PB_PENALTIES_MAX]; /* λ of each penalty by enum pb_penalty_place; 0 leaves it out */
    uint32_t head_epochs; /* first train the head alone for so many epochs (two-step training) */
    double head_lr;

    /* The schedule's own. */
    bool continue_optimiser; /* keep momentum and learning-rate state of the stage before; else start fresh */
    uint32_t return_state; /* enum pb_return_state */
    /* enum pb_soft_zero: after every epoch, zero the channels that soft_amount of soft_measure would remove, with those first that
     * may not come back (soft_comeback). */
    uint32_t soft_zero;
    uint32_t soft_measure; /* enum pb_measure */
    double soft_amount; /* as in struct pb_target */
    uint32_t soft_growth; /* enum pb_soft_growth */
    /* The momentum of what is zeroed is cleared, too; else it drives zeroed values away from 0, as in the published code. */
    bool soft_clears_momentum;

    /*
     * A teacher: the loss is (1 − w)·cross entropy + w·what distillation says. The teacher sees the same images as the network, as
     * they were augmented, and runs in evaluation mode. The matrix's <retraining> may ask for it; a schedule may, too, in a copy.
     */
    uint32_t distillation; /* enum pb_distillation */
    /* A stage of this run behind the one that the schedule starts from, PB_STAGE_UNPRUNED, or PB_STAGE_TEACHER_FILE where the
     * matrix names a file. */
    pb_stage teacher;
    double teacher_temperature; /* T of soft targets, above 0 */
    double teacher_weight; /* w, above 0 and at most 1 */

    /*
     * A piece of this training, from one moment to another. A moment is a number of epochs (the head's included) and of steps
     * behind them; a step is one batch. 0, 0 is the training's beginning for the first and its end for the last. See train.
     */
    uint32_t first_epoch, first_step;
    uint32_t last_epoch, last_step;

    uint32_t soft_comeback; /* enum pb_soft_comeback; since ABI 2.1 */
};

/* A round: one of the matrix's targets, and the retraining that the matrix gives it. */
struct pb_round {
    size_t size; /* the host's */
    const struct pb_target *target;
    const struct pb_train_spec *retraining;
};

/* What one run is asked for. The host's, valid during run. */
struct pb_schedule_task {
    size_t size; /* the host's */
    const struct pb_train_spec *training; /* of the base model */
    uint32_t round_count; /* at least 1 */
    /* The matrix's targets up to the cell's own, in ascending order; the last one is the cell's own. index < round_count. */
    const struct pb_round *(*round)(const struct pb_schedule_task *task, uint32_t index);
};

/* The schedule makes one, sets its size, and the host fills it as far as that. */
struct pb_measurement {
    size_t size; /* sizeof(struct pb_measurement) */
    double top1, top5, loss; /* shares in 0 … 1; NaN while planning */
    uint64_t images;
};

/* What the current network costs, and cost before anything was removed. Like struct pb_measurement; 0 while planning. */
struct pb_network_cost {
    size_t size; /* sizeof(struct pb_network_cost) */
    uint64_t channels, params, macs; /* macs: of one image */
    uint64_t original_channels, original_params, original_macs;
    uint64_t nonzero_params, nonzero_macs; /* params and macs without masked weights, and without their MACs */
    uint32_t groups; /* of channels that are removed together, as prune_to counts them */
};

/* One of these groups. Like struct pb_measurement; 0 channels and no name while planning. */
struct pb_network_group {
    size_t size; /* sizeof(struct pb_network_group) */
    char layer[64]; /* the first layer that makes its channels */
    uint32_t channels,
        original_channels; /* which can be removed alone: those of grouped convolutions repeat in every group */
    /* Of this layer: the channels, height and width of what it reads, its kernel and stride (of a linear layer 1), its MACs. */
    uint32_t inputs, height, width, kernel, stride;
    uint64_t macs;
};

/* How long the current network takes, as it is on the cell's backend and threads. Like struct pb_measurement; NaN while planning. */
struct pb_latency {
    size_t size; /* sizeof(struct pb_latency) */
    double median, p95; /* of one batch, in milliseconds: of all runs, and what 95 % of them stay below */
    uint32_t runs; /* at least as many as were asked for */
    bool noisy; /* other processes kept the processors busy meanwhile, or the runs differ much */
};

enum pb_evaluate_split { PB_EVALUATE_TRAIN, PB_EVALUATE_VALIDATION }; /* never the test split */

/*
 * The verbs. Each works on the current network and makes its result the current one; *stage (may be
 * NULL) is its handle. Each is durable: a verb whose result is stored under the hash of its parent and
 * its arguments is restored, not run. While planning they return handles at once and measure NaN; in an
 * adaptive schedule the first measurement ends the plan, and it and every verb after it fail.
 * A verb that fails returns its status, and run must return it at once.
 *
 * What results are compared with is not a schedule's business: the host trains the unpruned network as the
 * task's training says, once for all cells that share it. A schedule that begins with this training gets that stage.
 */
struct pb_verbs {
    size_t size; /* the host's */
    void *context; /* the host's own; every verb's first argument is the table itself */

    /* A copy of a spec of the host's, to be changed. The host's, valid until run returns; NULL when memory is out: return
     * PB_ERROR_MEMORY then. */
    struct pb_train_spec *(*copy_spec)(const struct pb_verbs *verbs, const struct pb_train_spec *from);

    /*
     * spec: the task's, a round's, or a copy. A training may be cut into pieces, each a stage of its own. A piece that does not
     * begin at the beginning continues the last training before it, which must be a piece that ends there; behind a rewind, the one
     * that led to the stage that was gone back to. Learning rate, momentum, order and augmentation of the data, dropout and early
     * stop continue as if nothing had been in between, so that pieces one after the other make, bit for bit, the training uncut.
     * (A penalty's coefficients are asked for where a piece begins, too.) Between them a schedule may do what it likes: mask, prune
     * and repair leave the momentum of what they leave; rewind and reinitialise clear it. So
     *   - a stage inside a training, to rewind to, is the end of a piece;
     *   - what is done every n steps, or every epoch, is done between the pieces of a loop.
     * Pieces zero no channels (soft_zero), and all but the last return their last state (return_state); the last may return its best
     * epoch. A piece that ends behind the training's end fails.
     */
    enum pb_status (*train)(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage);
    /* Scores every channel with the cell's criterion. The scores stay until the next verb but recalibrate_bn. */
    enum pb_status (*score)(const struct pb_verbs *verbs, pb_stage *stage);
    /* Removes channels for real (compacts) until target is met; needs scores. Targets count against the unpruned network:
     * each must be above 0 and above those before it of the same measure. After a training with soft_zero, what its last mask
     * zeroed goes first, whatever it scores. */
    enum pb_status (*prune)(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage);
    /*
     * Removes channels for real until group g has channels[g]; needs scores, which choose within each group. The groups are those
     * of the current network, input side first; count says how many numbers there are, and must be how many groups there are.
     * 1 ≤ channels[g] ≤ the group's channels, and at least one group gets fewer than it has.
     */
    enum pb_status (*prune_to)(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count, pb_stage *stage);
    /*
     * Masks single weights until the target's share of them (PB_MEASURE_WEIGHTS) is masked; the cell's criterion scores them in this
     * verb (struct pb_criterion's score_weights). The weights are those of every convolution and linear layer, the classifier
     * included. The cell's <ranking> says whether the lowest scores of all layers are masked or the same share of each, and of how
     * many weights at least each layer keeps (its floor). Masked weights are exactly 0 and stay masked: while training, in what
     * prune leaves of them, and through rewind and reinitialise; restore brings the mask of the stage that it goes back to.
     * Each target must be above the one before it.
     */
    enum pb_status (*mask)(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage);
    /* Lets the cell's criterion rewrite the layers that lost inputs in the last pruning, so that they give what they gave before it
     * (struct pb_criterion's repair). */
    enum pb_status (*repair)(const struct pb_verbs *verbs, pb_stage *stage);
    /* Running statistics of every BN afresh, over batches training batches (0: one pass over the split). */
    enum pb_status (*recalibrate_bn)(const struct pb_verbs *verbs, uint32_t batches, pb_stage *stage);
    /* The surviving parameters as they were at an earlier stage of this run. */
    enum pb_status (*rewind)(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage);
    /* Back to an earlier stage of this run, its structure included: what follows starts from there. *stage is that stage. */
    enum pb_status (*restore)(const struct pb_verbs *verbs, pb_stage to, pb_stage *stage);
    /* The surviving structure with fresh values, drawn as the untrained network's are, from the cell's seed and stream. */
    enum pb_status (*reinitialise)(const struct pb_verbs *verbs, uint32_t stream, pb_stage *stage);

    /* Measurements. They make no stage. */
    enum pb_status (*evaluate)(const struct pb_verbs *verbs, enum pb_evaluate_split split,
                               struct pb_measurement *measurement);
    enum pb_status (*cost)(const struct pb_verbs *verbs, struct pb_network_cost *cost);
    /* What the current network would cost if prune_to were asked for these channels: so a search compares allocations. Its
     * nonzero_params and nonzero_macs are params and macs. */
    enum pb_status (*cost_of)(const struct pb_verbs *verbs, const uint32_t *channels, uint32_t count,
                              struct pb_network_cost *cost);
    /* index: below cost's groups; input side first. */
    enum pb_status (*group)(const struct pb_verbs *verbs, uint32_t index, struct pb_network_group *group);
    /*
     * Times the current network's forward pass on batch images, at least runs times (both above 0), after a training or a
     * pruning. What is measured is stored with the stage, so that a resumed run sees the same numbers; other machines and moments
     * measure others, which is why only an adaptive schedule may ask.
     */
    enum pb_status (*latency)(const struct pb_verbs *verbs, uint32_t batch, uint32_t runs, struct pb_latency *latency);

    /*
     * Says that a stage is no longer needed, such as a candidate that a search has measured: the host may remove its network from
     * the disk, and those on the way to it that lead to nothing else. What was measured stays stored, so that a resumed run sees
     * the same. Ignored for stages that lead to the current network. A stage that is needed after all is computed again.
     */
    enum pb_status (*drop)(const struct pb_verbs *verbs, pb_stage stage);
};

struct pb_schedule {
    size_t size; /* sizeof(struct pb_schedule) */
    bool adaptive; /* the course depends on measured values: planned up to its first measurement, free after it */

    /* Required; as in struct pb_criterion. */
    enum pb_status (*create)(const struct pb_host *host, const void *options, void **self);
    /* Required. Runs the program once, for planning or for real. A schedule that is not adaptive must ask for the same
     * verbs each time, and one that does not only train must prune or mask; else the cell fails. */
    enum pb_status (*run)(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task);
    /* Required when create may set *self, else NULL. */
    void (*destroy)(void *self);

    /* It never scores, masks or prunes: such a baseline has one cell whatever the matrix's criteria and
     * targets, and its task's one round removes nothing. */
    bool trains_only;
};

#ifdef __cplusplus
}
#endif
#endif
