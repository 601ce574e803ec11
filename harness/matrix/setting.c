/* The table of everything that a matrix can set. Defaults are the values of a published experiment where it gives one ("Evaluations of
 * Model Pruning of Convolutional Neural Network for Fine-Grained Image Classification", 2020; studies/thesis), but for its
 * penalty on γ: a training is penalised only where the document says so. */
#include "matrix/setting.h"

#include <string.h>

#include "settings/names.h"

#define CELL(member) offsetof(struct pb_cell_values, cell.member)
#define COUNT(low, high) .type = PB_SETTING_COUNT, .min = (low), .max = (high)
#define REAL(low, high) .type = PB_SETTING_REAL, .min = (low), .max = (high)
#define CHOICE(names) .type = PB_SETTING_CHOICE, .choices = (names)
#define SWITCH(names) .type = PB_SETTING_SWITCH, .choices = (names)
#define SETTING(element_, name_, help_, ...)                                                                           \
    {                                                                                                                  \
        .element = (element_), .name = (name_), .help = (help_), __VA_ARGS__                                           \
    }

static const char *const selection_names[] = {"validation", "test", NULL};
static const char *const resize_names[] = {"square", "short-side", NULL};
/* Of the training images of ILSVRC-2012, scaled to 0 … 1, as pretrained networks everywhere have them. */
static const struct pb_known_three known_means[] = {{"imagenet", {0.485, 0.456, 0.406}}, {NULL, {0}}};
static const struct pb_known_three known_deviations[] = {{"imagenet", {0.229, 0.224, 0.225}}, {NULL, {0}}};
static const char *const former_counts[] = {"thesis", "threshold", NULL};
static const char *const keep_names[] = {"shared", "all", NULL};

/* Training and retraining have these alike; retraining follows training where it says nothing, but for the head's
 * own epochs, which belong to a head that is new. */
#define TRAIN(owner, spec, default_of)                                                                                 \
    SETTING(owner, "epochs", "Number of epochs; an epoch shows every training image once.", COUNT(1, 1000000),         \
            .default_text = default_of("60"), .offset = spec(epochs)),                                                 \
        SETTING(owner, "lr", "Learning rate at the start (after the warm-up, where there is one).", REAL(0, 1000),     \
                .above = true, .default_text = default_of("0.01"), .offset = spec(lr)),                                \
        SETTING(owner, "lr-policy",                                                                                    \
                "How the learning rate falls: plateau multiplies it by lr-factor when accuracy on the selection "      \
                "images stops improving, step does so every lr-patience epochs, cosine follows half a cosine down to " \
                "lr-min, one-cycle rises first and then falls, constant keeps it.",                                    \
                CHOICE(pb_lr_policy_names), .default_text = default_of("plateau"), .offset = spec(lr_policy)),         \
        SETTING(owner, "lr-factor", "Factor of a step of the learning rate (policies plateau and step).", REAL(0, 1),  \
                .above = true, .below = true, .default_text = default_of("0.1"), .offset = spec(lr_factor)),           \
        SETTING(owner, "lr-patience",                                                                                  \
                "Epochs without improvement before a step (plateau), or epochs between two steps (step).",             \
                COUNT(0, 1000000), .default_text = default_of("10"), .offset = spec(lr_patience)),                     \
        SETTING(owner, "lr-threshold", "Relative improvement of accuracy that counts as one (plateau, early-stop).",   \
                REAL(0, 1), .default_text = default_of("1e-4"), .offset = spec(lr_threshold)),                         \
        SETTING(owner, "lr-min", "Lowest learning rate of plateau, step and cosine.", REAL(0, 1000),                   \
                .default_text = default_of("1e-6"), .offset = spec(lr_min)),                                           \
        SETTING(owner, "warmup", "Epochs at the start in which the learning rate rises linearly to lr.",               \
                COUNT(0, 1000000), .default_text = default_of("0"), .offset = spec(warmup_epochs)),                    \
        SETTING(owner, "early-stop", "Epochs without improvement after which a training ends; 0 never ends it early.", \
                COUNT(0, 1000000), .default_text = default_of("0"), .offset = spec(early_stop)),                       \
        SETTING(owner, "momentum", "Momentum of stochastic gradient descent.", REAL(0, 1), .below = true,              \
                .default_text = default_of("0.9"), .offset = spec(momentum)),                                          \
        SETTING(owner, "nesterov", "Whether the momentum is Nesterov's.", .type = PB_SETTING_BOOL,                     \
                .default_text = default_of("true"), .offset = spec(nesterov)),                                         \
        SETTING(owner, "weight-decay", "L2 penalty on all parameters that are trained.", REAL(0, 1),                   \
                .default_text = default_of("1e-5"), .offset = spec(weight_decay)),                                     \
        SETTING(owner, "head-epochs", "Epochs at the start that train the head alone, with the trunk frozen.",         \
                COUNT(0, 1000000), .default_text = "0", .offset = spec(head_epochs)),                                  \
        SETTING(owner, "head-lr", "Learning rate of these epochs.", REAL(0, 1000), .above = true,                      \
                .default_text = default_of("1"), .offset = spec(head_lr))
#define OWN_DEFAULT(text) text
#define NO_DEFAULT(text) NULL
#define TRAINING(member) CELL(training.member)
#define RETRAINING(member) offsetof(struct pb_cell_values, retraining.member)

const struct pb_setting pb_settings[] = {
    TRAIN("training", TRAINING, OWN_DEFAULT),
    SETTING("training", "batch", "Images per step of the optimiser, in training and retraining.", COUNT(1, 65536),
            .default_text = "48", .offset = CELL(batch)),
    SETTING("training", "evaluate-batch", "Images per batch of an evaluation; the word batch takes the training's.",
            COUNT(1, 65536), .default_text = "batch", .follow = "batch", .offset = CELL(evaluate_batch)),
    SETTING("training", "selection",
            "Images that choose the best epoch and drive plateau and early-stop. test repeats published protocols that "
            "chose on the test images, and is marked wherever such numbers appear.",
            SWITCH(selection_names), .default_text = "validation", .offset = CELL(select_on_test)),
    SETTING("training", "validation", "Share of every class's training images that is kept for validation.", REAL(0, 1),
            .below = true, .default_text = "0.1", .offset = CELL(split.validation)),

    TRAIN("retraining", RETRAINING, NO_DEFAULT),
    SETTING(
        "retraining", "distillation",
        "What retraining learns from its teacher: soft-targets its softened probabilities (Hinton 2015), logits its "
        "outputs before the softmax (Ba and Caruana 2014), none nothing.",
        CHOICE(pb_distillation_names), .default_text = "none", .offset = RETRAINING(distillation)),
    SETTING("retraining", "teacher",
            "Checkpoint that retraining learns from, of any model: a file that prunebench stored, such as the "
            "network.safetensors of a stage. It takes images of the cell's size, normalised as the cell's are, and has "
            "the classes of the data set in the same order; the word unpruned takes the cell's own unpruned network.",
            .type = PB_SETTING_TEXT, .default_text = "unpruned", .follow = "unpruned",
            .offset = offsetof(struct pb_cell_values, teacher)),
    SETTING("retraining", "teacher-temperature",
            "Temperature by which both networks' logits are divided before the softmax (soft-targets).", REAL(0, 1000),
            .above = true, .default_text = "4", .offset = RETRAINING(teacher_temperature)),
    SETTING("retraining", "teacher-weight",
            "Weight of what the teacher says in the loss; the labels' cross entropy has the rest.", REAL(0, 1),
            .above = true, .default_text = "0.9", .offset = RETRAINING(teacher_weight)),

    SETTING("sparsity", "lambda", "Penalty λ on the scale γ of every batch norm: λ·sign(γ) is added to its gradient.",
            REAL(0, 1), .default_text = "0", .offset = TRAINING(lambda[PB_PENALTY_NORMS])),
    SETTING("sparsity", "lambda-last", "The same for the trunk's last batch norm; the word lambda takes the other's.",
            REAL(0, 1), .default_text = "lambda", .follow = "lambda", .offset = TRAINING(lambda[PB_PENALTY_LAST_NORM])),
    SETTING("sparsity", "retraining", "Whether retraining is penalised as well.", .type = PB_SETTING_BOOL,
            .default_text = "true", .offset = offsetof(struct pb_cell_values, sparse_retraining)),

    SETTING("augment", "flip", "Probability that a training image is mirrored.", REAL(0, 1), .default_text = "0.5",
            .offset = CELL(preprocess.flip)),
    SETTING("augment", "rotate", "Largest rotation of a training image in degrees, to either side.", REAL(0, 180),
            .default_text = "15", .offset = CELL(preprocess.rotate)),

    SETTING("preprocess", "resize",
            "square resizes both sides to image-size; short-side resizes the shorter side to resize-to and crops a "
            "square, at random in training and from the centre in evaluation.",
            SWITCH(resize_names), .default_text = "square", .offset = CELL(preprocess.short_side)),
    SETTING("preprocess", "resize-to",
            "Pixels of the shorter side before the crop; the word image-size takes the model's.", COUNT(1, 16384),
            .default_text = "image-size", .follow = "image-size", .offset = CELL(preprocess.resize_to)),
    SETTING("preprocess", "crop-box", "Whether the annotated box of the object is cut out first.",
            .type = PB_SETTING_BOOL, .default_text = "false", .offset = CELL(preprocess.crop_box)),
    SETTING("preprocess", "mean", "Mean that is subtracted from the colours, which range from 0 to 1.",
            .type = PB_SETTING_THREE, .known = known_means, .min = 0, .max = 1, .default_text = "0.5",
            .offset = CELL(preprocess.mean)),
    SETTING("preprocess", "std", "Standard deviation by which the colours are divided.", .type = PB_SETTING_THREE,
            .known = known_deviations, .min = 0, .max = 1, .above = true, .default_text = "0.5",
            .offset = CELL(preprocess.std)),

    SETTING("ranking", "scope",
            "global ranks the channels of all layers together; layer removes the same share of every layer; the word "
            "criterion takes the criterion's own rule.",
            .also = "criterion", CHOICE(pb_scope_names), .default_text = "criterion", .follow = "criterion",
            .offset = CELL(ranking.scope)),
    SETTING(
        "ranking", "allocation",
        "How many channels or single weights of each layer go; scores then choose within it. uniform: the same share "
        "of every layer. uniform-plus: the same, but nothing of the first convolution and at most 80 % of the "
        "classifier's weights (Gale et al. 2019). erk: layers keep a share in proportion to the sum of their "
        "weights' dimensions divided by the product (Evci et al. 2020). The counts add up to exactly the target. "
        "The word scope leaves it to scope.",
        .also = "criterion", CHOICE(pb_allocation_names), .default_text = "scope", .offset = CELL(ranking.allocation)),
    SETTING("ranking", "normalise",
            "How scores are divided within a layer before layers are compared; the word criterion takes the "
            "criterion's own rule.",
            .also = "criterion", CHOICE(pb_normalise_names), .default_text = "criterion", .follow = "criterion",
            .offset = CELL(ranking.normalise)),
    SETTING("ranking", "coupling",
            "How the scores of channels that can only be removed together are combined; the word criterion takes the "
            "criterion's own rule.",
            .also = "criterion", CHOICE(pb_coupling_names), .default_text = "criterion", .follow = "criterion",
            .offset = CELL(coupling)),
    SETTING("ranking", "permute",
            "Whether the choice is shuffled within each layer: a random control that removes as many channels of each "
            "layer as the criterion would.",
            .also = "criterion", .type = PB_SETTING_BOOL, .default_text = "false", .offset = CELL(ranking.permute)),
    SETTING("ranking", "redraw",
            "Whether random scores and shuffles are drawn once for a whole soft pruning, or again for each scoring.",
            .also = "criterion", SWITCH(pb_redraw_names), .default_text = "once", .offset = CELL(ranking.redraw)),
    SETTING("ranking", "repair",
            "What is done behind every pruning to the layers that lost inputs: nothing, the criterion's own repair, or "
            "mean, "
            "which adds to their biases what the removed channels gave on average over the calibration images.",
            .also = "criterion", CHOICE(pb_repair_names), .default_text = "none", .offset = CELL(repair)),
    SETTING(
        "ranking", "count",
        "exact removes exactly the requested number of channels; threshold removes every channel up to a score, and so "
        "all ties with it, as published code does: of all N scores in ascending order, counted from 0, the one at "
        "place int(N·share), for params and macs the first that meets the target.",
        CHOICE(pb_count_rule_names), .formerly = former_counts, .default_text = "exact", .offset = CELL(ranking.count)),
    SETTING("ranking", "floor", "Channels that every layer keeps at least; weights, where single weights are masked.",
            COUNT(1, 65536), .default_text = "1", .offset = CELL(ranking.floor)),
    SETTING("ranking", "round-to", "Every layer keeps a multiple of this number of channels.", COUNT(1, 65536),
            .default_text = "1", .offset = CELL(ranking.round_to)),

    SETTING("calibration", "batches",
            "Batches of training images from which criteria compute activations and gradients.", COUNT(1, 1000000),
            .default_text = "10", .offset = CELL(calibration_batches)),
    SETTING("calibration", "batch", "Images per batch of a calibration; the word training takes the training's.",
            COUNT(1, 65536), .default_text = "training", .follow = "training", .offset = CELL(calibration_batch)),

    SETTING("latency", "batch", "Images per batch of the second measurement; the first has one image.", COUNT(1, 65536),
            .default_text = "16", .offset = CELL(latency_batch)),
    SETTING("latency", "runs", "Timed runs per network and batch; 0 measures no latency.", COUNT(0, 1000000),
            .default_text = "20", .offset = CELL(latency_runs)),

    SETTING("limits", "time",
            "Time after which a cell is ended and recorded as failed, in seconds or with s, m, h or d.",
            .type = PB_SETTING_TIME, .default_text = "none", .follow = "none", .offset = CELL(time_limit)),
    SETTING("limits", "memory",
            "Memory at which a cell is ended and recorded as failed, in bytes or with K, M, G or T.",
            .type = PB_SETTING_BYTES, .default_text = "none", .follow = "none", .offset = CELL(memory_limit)),

    SETTING("stages", "keep",
            "shared deletes networks that no other cell needs when a cell has ended; all keeps every one.",
            SWITCH(keep_names), .default_text = "shared", .offset = CELL(keep_stages)),

    SETTING("model", "image-size", "Height and width of the network's input in pixels.", COUNT(1, 16384),
            .default_text = "224", .offset = CELL(model.image_size)),
    SETTING("model", "width-multiplier", "Factor on the number of channels of every layer.", REAL(0, 64), .above = true,
            .default_text = "1", .offset = CELL(model.width_multiplier)),
    SETTING("model", "widths",
            "Channels of every convolution in order, of a model whose convolutions form one chain; or of any layers by "
            "name, as in "
            "conv1_1=32 fc6=1000. The multiplier holds for the others.",
            .type = PB_SETTING_WIDTHS, .default_text = "width-multiplier", .follow = "width-multiplier",
            .offset = CELL(model.widths)),
    SETTING(
        "model", "head",
        "What ends the network, from the trunk's last feature maps to the classes; own is what the model of that name "
        "ends in. 'prunebench help catalogue' lists the heads.",
        CHOICE(pb_head_names), .default_text = "own", .offset = CELL(model.head.choice)),
    SETTING("model", "head-dimension", "Values of a head's sketch or projection; head: what the head uses by default.",
            COUNT(1, 1 << 20), .default_text = "head", .follow = "head", .offset = CELL(model.head.dimension)),
    SETTING("model", "head-reduction",
            "Filters of the 1×1 convolution in front of a head's pooling; head: what the head uses by default.",
            COUNT(1, 1 << 16), .default_text = "head", .follow = "head", .offset = CELL(model.head.reduction)),
    SETTING("model", "head-rank", "Rank of a low-rank head; head: what the head uses by default.", COUNT(1, 1 << 16),
            .default_text = "head", .follow = "head", .offset = CELL(model.head.rank)),
    SETTING("model", "prunable",
            "Which layers may lose channels: convolutions alone; or all, so also the neurons of hidden fully connected "
            "layers; or those of the trunk alone. The classifier keeps its outputs.",
            CHOICE(pb_prunable_names), .default_text = "convolutions", .offset = CELL(model.prunable)),
    SETTING("model", "pretrained",
            "File of weights from which the network starts, under torchvision's names: safetensors, or a .pth file of "
            "PyTorch 1.6 or later.",
            .type = PB_SETTING_TEXT, .default_text = "none", .follow = "none", .offset = CELL(pretrained)),
    SETTING("model", "pretraining", "Label of the <pretraining> from which the network's trunk starts.",
            .type = PB_SETTING_TEXT, .default_text = "none", .follow = "none",
            .offset = offsetof(struct pb_cell_values, pretraining)),
    SETTING("model", "batch-norm", "Whether every convolution is followed by a batch norm.", .type = PB_SETTING_BOOL,
            .default_text = "true", .offset = CELL(model.batch_norm)),

    SETTING("dataset", "root", "Folder of the data set.", .also = "pretraining", .type = PB_SETTING_TEXT,
            .offset = CELL(dataset_root)),
};

const uint32_t pb_setting_count = sizeof pb_settings / sizeof *pb_settings;
_Static_assert(sizeof pb_settings / sizeof *pb_settings <= PB_SETTING_LIMIT, "arrays per setting are too short");

uint32_t pb_setting_find(const char *element, const char *name)
{
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        const struct pb_setting *setting = &pb_settings[i];
        const bool here =
            strcmp(setting->element, element) == 0 || (setting->also && strcmp(setting->also, element) == 0);
        if (here && strcmp(setting->name, name) == 0)
            return i;
    }
    return UINT32_MAX;
}

bool pb_setting_follows(const struct pb_setting *setting, const char *text)
{
    return setting->follow && strcmp(setting->follow, text) == 0;
}
