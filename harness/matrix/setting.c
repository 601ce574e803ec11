/* The table of everything that a matrix can set. Defaults are the thesis's values where it gives one, but for its penalty on γ:
 * a training is penalised only where the document says so. */
#include "matrix/setting.h"

#include <string.h>

#include "settings/names.h"

#define CELL(member) offsetof(struct pb_cell_values, cell.member)
#define COUNT(low, high) .type = PB_SETTING_COUNT, .min = (low), .max = (high)
#define REAL(low, high) .type = PB_SETTING_REAL, .min = (low), .max = (high)
#define CHOICE(names) .type = PB_SETTING_CHOICE, .choices = (names)
#define SWITCH(names) .type = PB_SETTING_SWITCH, .choices = (names)

static const char *const selection_names[] = {"validation", "test", NULL};
static const char *const resize_names[] = {"square", "short-side", NULL};
/* Of the training images of ILSVRC-2012, scaled to 0 … 1, as pretrained networks everywhere have them. */
static const struct pb_known_three known_means[] = {{"imagenet", {0.485, 0.456, 0.406}}, {NULL, {0}}};
static const struct pb_known_three known_deviations[] = {{"imagenet", {0.229, 0.224, 0.225}}, {NULL, {0}}};
static const char *const keep_names[] = {"shared", "all", NULL};

/* Training and retraining have these alike; retraining follows training where it says nothing, but for the head's
 * own epochs, which belong to a head that is new. */
#define TRAIN(element_, spec, default_of)                                                                              \
    {.element = (element_),                                                                                            \
     .name = "epochs",                                                                                                 \
     COUNT(1, 1000000),                                                                                                \
     .default_text = default_of("60"),                                                                                 \
     .offset = spec(epochs)},                                                                                          \
        {.element = (element_),                                                                                        \
         .name = "lr",                                                                                                 \
         REAL(0, 1000),                                                                                                \
         .above = true,                                                                                                \
         .default_text = default_of("0.01"),                                                                           \
         .offset = spec(lr)},                                                                                          \
        {.element = (element_),                                                                                        \
         .name = "lr-policy",                                                                                          \
         CHOICE(pb_lr_policy_names),                                                                                   \
         .default_text = default_of("plateau"),                                                                        \
         .offset = spec(lr_policy)},                                                                                   \
        {.element = (element_),                                                                                        \
         .name = "lr-factor",                                                                                          \
         REAL(0, 1),                                                                                                   \
         .above = true,                                                                                                \
         .below = true,                                                                                                \
         .default_text = default_of("0.1"),                                                                            \
         .offset = spec(lr_factor)},                                                                                   \
        {.element = (element_),                                                                                        \
         .name = "lr-patience",                                                                                        \
         COUNT(0, 1000000),                                                                                            \
         .default_text = default_of("10"),                                                                             \
         .offset = spec(lr_patience)},                                                                                 \
        {.element = (element_),                                                                                        \
         .name = "lr-threshold",                                                                                       \
         REAL(0, 1),                                                                                                   \
         .default_text = default_of("1e-4"),                                                                           \
         .offset = spec(lr_threshold)},                                                                                \
        {.element = (element_),                                                                                        \
         .name = "lr-min",                                                                                             \
         REAL(0, 1000),                                                                                                \
         .default_text = default_of("1e-6"),                                                                           \
         .offset = spec(lr_min)},                                                                                      \
        {.element = (element_),                                                                                        \
         .name = "warmup",                                                                                             \
         COUNT(0, 1000000),                                                                                            \
         .default_text = default_of("0"),                                                                              \
         .offset = spec(warmup_epochs)},                                                                               \
        {.element = (element_),                                                                                        \
         .name = "early-stop",                                                                                         \
         COUNT(0, 1000000),                                                                                            \
         .default_text = default_of("0"),                                                                              \
         .offset = spec(early_stop)},                                                                                  \
        {.element = (element_),                                                                                        \
         .name = "momentum",                                                                                           \
         REAL(0, 1),                                                                                                   \
         .below = true,                                                                                                \
         .default_text = default_of("0.9"),                                                                            \
         .offset = spec(momentum)},                                                                                    \
        {.element = (element_),                                                                                        \
         .name = "nesterov",                                                                                           \
         .type = PB_SETTING_BOOL,                                                                                      \
         .default_text = default_of("true"),                                                                           \
         .offset = spec(nesterov)},                                                                                    \
        {.element = (element_),                                                                                        \
         .name = "weight-decay",                                                                                       \
         REAL(0, 1),                                                                                                   \
         .default_text = default_of("1e-5"),                                                                           \
         .offset = spec(weight_decay)},                                                                                \
        {.element = (element_),                                                                                        \
         .name = "head-epochs",                                                                                        \
         COUNT(0, 1000000),                                                                                            \
         .default_text = "0",                                                                                          \
         .offset = spec(head_epochs)},                                                                                 \
    {                                                                                                                  \
        .element = (element_), .name = "head-lr", REAL(0, 1000), .above = true, .default_text = default_of("1"),       \
        .offset = spec(head_lr)                                                                                        \
    }
#define OWN_DEFAULT(text) text
#define NO_DEFAULT(text) NULL
#define TRAINING(member) CELL(training.member)
#define RETRAINING(member) offsetof(struct pb_cell_values, retraining.member)

const struct pb_setting pb_settings[] = {
    TRAIN("training", TRAINING, OWN_DEFAULT),
    {.element = "training", .name = "batch", COUNT(1, 65536), .default_text = "48", .offset = CELL(batch)},
    {.element = "training",
     .name = "evaluate-batch",
     COUNT(1, 65536),
     .default_text = "batch",
     .follow = "batch",
     .offset = CELL(evaluate_batch)},
    {.element = "training",
     .name = "selection",
     SWITCH(selection_names),
     .default_text = "validation",
     .offset = CELL(select_on_test)},
    {.element = "training",
     .name = "validation",
     REAL(0, 1),
     .below = true,
     .default_text = "0.1",
     .offset = CELL(split.validation)},

    TRAIN("retraining", RETRAINING, NO_DEFAULT),

    {.element = "sparsity", .name = "lambda", REAL(0, 1), .default_text = "0", .offset = TRAINING(lambda)},
    {.element = "sparsity",
     .name = "lambda-last",
     REAL(0, 1),
     .default_text = "lambda",
     .follow = "lambda",
     .offset = TRAINING(lambda_last)},
    {.element = "sparsity",
     .name = "retraining",
     .type = PB_SETTING_BOOL,
     .default_text = "true",
     .offset = offsetof(struct pb_cell_values, sparse_retraining)},

    {.element = "augment", .name = "flip", REAL(0, 1), .default_text = "0.5", .offset = CELL(preprocess.flip)},
    {.element = "augment", .name = "rotate", REAL(0, 180), .default_text = "15", .offset = CELL(preprocess.rotate)},

    {.element = "preprocess",
     .name = "resize",
     SWITCH(resize_names),
     .default_text = "square",
     .offset = CELL(preprocess.short_side)},
    {.element = "preprocess",
     .name = "resize-to",
     COUNT(1, 16384),
     .default_text = "image-size",
     .follow = "image-size",
     .offset = CELL(preprocess.resize_to)},
    {.element = "preprocess",
     .name = "crop-box",
     .type = PB_SETTING_BOOL,
     .default_text = "false",
     .offset = CELL(preprocess.crop_box)},
    {.element = "preprocess",
     .name = "mean",
     .type = PB_SETTING_THREE,
     .known = known_means,
     .min = 0,
     .max = 1,
     .default_text = "0.5",
     .offset = CELL(preprocess.mean)},
    {.element = "preprocess",
     .name = "std",
     .type = PB_SETTING_THREE,
     .known = known_deviations,
     .min = 0,
     .max = 1,
     .above = true,
     .default_text = "0.5",
     .offset = CELL(preprocess.std)},

    {.element = "ranking",
     .also = "criterion",
     .name = "scope",
     CHOICE(pb_scope_names),
     .default_text = "global",
     .offset = CELL(ranking.scope)},
    {.element = "ranking",
     .also = "criterion",
     .name = "normalise",
     CHOICE(pb_normalise_names),
     .default_text = "criterion",
     .follow = "criterion",
     .offset = CELL(ranking.normalise)},
    {.element = "ranking",
     .also = "criterion",
     .name = "coupling",
     CHOICE(pb_coupling_names),
     .default_text = "criterion",
     .follow = "criterion",
     .offset = CELL(coupling)},
    {.element = "ranking",
     .also = "criterion",
     .name = "permute",
     .type = PB_SETTING_BOOL,
     .default_text = "false",
     .offset = CELL(ranking.permute)},
    {.element = "ranking",
     .also = "criterion",
     .name = "redraw",
     SWITCH(pb_redraw_names),
     .default_text = "once",
     .offset = CELL(ranking.redraw)},
    {.element = "ranking",
     .name = "count",
     CHOICE(pb_count_rule_names),
     .default_text = "exact",
     .offset = CELL(ranking.count)},
    {.element = "ranking", .name = "floor", COUNT(1, 65536), .default_text = "1", .offset = CELL(ranking.floor)},
    {.element = "ranking", .name = "round-to", COUNT(1, 65536), .default_text = "1", .offset = CELL(ranking.round_to)},

    {.element = "calibration",
     .name = "batches",
     COUNT(1, 1000000),
     .default_text = "10",
     .offset = CELL(calibration_batches)},
    {.element = "calibration",
     .name = "batch",
     COUNT(1, 65536),
     .default_text = "training",
     .follow = "training",
     .offset = CELL(calibration_batch)},

    {.element = "latency", .name = "batch", COUNT(1, 65536), .default_text = "16", .offset = CELL(latency_batch)},
    {.element = "latency", .name = "runs", COUNT(0, 1000000), .default_text = "20", .offset = CELL(latency_runs)},

    {.element = "limits",
     .name = "time",
     .type = PB_SETTING_TIME,
     .default_text = "none",
     .follow = "none",
     .offset = CELL(time_limit)},
    {.element = "limits",
     .name = "memory",
     .type = PB_SETTING_BYTES,
     .default_text = "none",
     .follow = "none",
     .offset = CELL(memory_limit)},

    {.element = "stages", .name = "keep", SWITCH(keep_names), .default_text = "shared", .offset = CELL(keep_stages)},

    {.element = "model",
     .name = "image-size",
     COUNT(1, 16384),
     .default_text = "224",
     .offset = CELL(model.image_size)},
    {.element = "model",
     .name = "width-multiplier",
     REAL(0, 64),
     .above = true,
     .default_text = "1",
     .offset = CELL(model.width_multiplier)},
    {.element = "model",
     .name = "widths",
     .type = PB_SETTING_WIDTHS,
     .default_text = "width-multiplier",
     .follow = "width-multiplier",
     .offset = CELL(model)},
    {.element = "model",
     .name = "pretrained",
     .type = PB_SETTING_TEXT,
     .default_text = "none",
     .follow = "none",
     .offset = CELL(pretrained)},
    {.element = "model",
     .name = "pretraining",
     .type = PB_SETTING_TEXT,
     .default_text = "none",
     .follow = "none",
     .offset = offsetof(struct pb_cell_values, pretraining)},
    {.element = "model",
     .name = "batch-norm",
     .type = PB_SETTING_BOOL,
     .default_text = "true",
     .offset = CELL(model.batch_norm)},

    {.element = "dataset",
     .also = "pretraining",
     .name = "root",
     .type = PB_SETTING_TEXT,
     .offset = CELL(dataset_root)},
};

const uint32_t pb_setting_count = sizeof pb_settings / sizeof *pb_settings;
_Static_assert(sizeof pb_settings / sizeof *pb_settings <= PB_SETTING_LIMIT, "arrays per setting are too short");

const char *const pb_setting_elements[] = {"training",    "retraining", "sparsity", "augment", "preprocess", "ranking",
                                           "calibration", "latency",    "limits",   "stages",  NULL};

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
