/* The elements of a matrix document, in the order in which a reader meets them. */
#include "matrix/element.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "settings/names.h"

#define LABEL(must, help_)                                                                                             \
    {                                                                                                                  \
        .name = "label", .form = PB_FORM_LABEL, .required = (must), .help = (help_),                                   \
        .values = "letters, digits, '-', '_' and '+', at most 64"                                                      \
    }
#define PLUGIN(values_, help_)                                                                                         \
    {                                                                                                                  \
        .name = "plugin", .form = PB_FORM_NAME, .required = true, .values = (values_), .help = (help_)                 \
    }
#define ANY_PLUGIN PLUGIN("a plugin's name", "Which plugin; 'prunebench plugins' lists them.")
#define LAMBDA(...)                                                                                                    \
    {                                                                                                                  \
        .name = "lambda", .form = PB_FORM_REAL, .max = INFINITY, .values = "a number from 0 up",                       \
        .help = "λ, by which the penalty is multiplied; 0 leaves it out.", __VA_ARGS__                                 \
    }
#define CONDITION(axis, values_, help_)                                                                                \
    {                                                                                                                  \
        .name = (axis), .form = PB_FORM_TEXT, .values = (values_), .help = (help_)                                     \
    }

static const struct pb_matrix_attribute matrix_attributes[] = {
    {.name = "name",
     .form = PB_FORM_TEXT,
     .required = true,
     .values = "a text",
     .help = "Name of the experiment, which its reports show."},
    {0}};
static const struct pb_matrix_attribute entry_attributes[] = {
    ANY_PLUGIN,
    LABEL(false,
          "Name in cell ids, conditions and tables, where it is not the plugin's. Two entries of one plugin need it."),
    {0}};
static const struct pb_matrix_attribute penalty_attributes[] = {
    ANY_PLUGIN,
    LABEL(false, "Name in variants, overrides and records, where it is not the plugin's."),
    LAMBDA(.required = true, .missing = "it says how much the penalty counts beside the loss, and 0 leaves it to "
                                        "variants and overrides to say so"),
    {0}};
static const struct pb_matrix_attribute changed_penalty_attributes[] = {
    {.name = "label", .form = PB_FORM_LABEL, .required = true, .missing = "it says which penalty changes"},
    LAMBDA(),
    {0}};
static const struct pb_matrix_attribute model_attributes[] = {
    {.name = "name",
     .form = PB_FORM_NAME,
     .required = true,
     .values = "a model's name",
     .help = "Which network; 'prunebench help catalogue' lists them."},
    LABEL(false, "Name in cell ids, conditions and tables, where it is not the model's."),
    {0}};
static const struct pb_matrix_attribute variant_attributes[] = {LABEL(true, "Name in cell ids, conditions and tables."),
                                                                {0}};
static const struct pb_matrix_attribute pretraining_attributes[] = {
    LABEL(true, "Name by which <model pretraining=\"…\"> asks for it."),
    PLUGIN("a dataset plugin's name", "Which plugin reads its images."),
    {.name = "model",
     .form = PB_FORM_NAME,
     .values = "a model's name",
     .help = "Which network, where it is not the cell's own."},
    {.name = "seed",
     .form = PB_FORM_SEED,
     .values = "a whole number from 0 up",
     .help = "Its seed, where it is not the cell's own."},
    {0}};
static const struct pb_matrix_attribute targets_attributes[] = {
    {.name = "measure",
     .form = PB_FORM_CHOICE,
     .choices = pb_measure_names,
     .values = "channels, params, macs, weights, threshold, gap",
     .help =
         "What the shares are shares of; default channels. Shares of single weights are masked, not removed: only by "
         "criteria that score weights. With threshold the numbers are no shares: every channel goes whose score is "
         "below "
         "the number. With gap they are widths of bins: every channel goes that is below the first gap in the "
         "histogram "
         "of the scores. What share that was is recorded."},
    {0}};
static const struct pb_matrix_attribute compare_attributes[] = {
    {.name = "variant",
     .form = PB_FORM_LABEL,
     .required = true,
     .values = "a variant's label",
     .help = "The variant whose networks are compared."},
    {.name = "with",
     .form = PB_FORM_LABEL,
     .required = true,
     .values = "a variant's label",
     .help = "The variant that they are compared with, by seed."},
    {.name = "equal-within",
     .form = PB_FORM_REAL,
     .required = true,
     .above = true,
     .max = 100,
     .values = "a number of points above 0 and up to 100",
     .help = "Top-1 counts as equal where the 95 % interval of the difference is inside ± so many points.",
     .missing = "it says how many points of top-1 count as equal"},
    {0}};
static const struct pb_matrix_attribute report_attributes[] = {
    {.name = "reference",
     .form = PB_FORM_TEXT,
     .required = true,
     .values = "a name or a file",
     .help = "Which published results: the name of a study that has them, or an XML file."},
    {0}};
static const struct pb_matrix_attribute condition_attributes[] = {
    CONDITION("dataset", "labels, separated by blanks", "Only cells of these data sets."),
    CONDITION("model", "labels, separated by blanks", "Only cells of these models."),
    CONDITION("criterion", "labels, separated by blanks", "Only cells of these criteria."),
    CONDITION("schedule", "labels, separated by blanks", "Only cells of these schedules."),
    CONDITION("backend", "labels, separated by blanks", "Only cells of these backends."),
    CONDITION("variant", "labels, separated by blanks", "Only cells of these variants."),
    CONDITION("target", "shares or labels, separated by blanks", "Only cells of these targets."),
    CONDITION("seed", "seeds, separated by blanks", "Only cells of these seeds."),
    {0}};
static const struct pb_matrix_attribute option_attributes[] = {{.name = "name", .form = PB_FORM_NAME, .required = true},
                                                               {.name = "value", .form = PB_FORM_ANY, .required = true},
                                                               {0}};

/* What a variant or an override may hold, as a list and in words. */
#define CHANGEABLE(FIRST, NEXT)                                                                                        \
    FIRST("training")                                                                                                  \
    NEXT("retraining")                                                                                                 \
    NEXT("sparsity")                                                                                                   \
    NEXT("augment")                                                                                                    \
    NEXT("preprocess")                                                                                                 \
    NEXT("ranking")                                                                                                    \
    NEXT("calibration")                                                                                                \
    NEXT("latency")                                                                                                    \
    NEXT("limits")                                                                                                     \
    NEXT("stages")                                                                                                     \
    NEXT("dataset") NEXT("model") NEXT("criterion") NEXT("schedule") NEXT("backend") NEXT("penalty")
#define ITEM(name) name,
#define WORD(name) name
#define NEXT_WORD(name) ", " name

static const char *const changeable[] = {CHANGEABLE(ITEM, ITEM) NULL};
static const char *const option_alone[] = {"option", NULL};
static const char *const of_pretraining[] = {"training", "sparsity", "augment", "preprocess", "option", NULL};

#define OPTION_WORDS "<option name=\"…\" value=\"…\"/>"
#define OPTIONS .children = option_alone, .content = OPTION_WORDS " for the plugin's options"
#define CHANGES                                                                                                        \
    .children = changeable, .content = "any of " CHANGEABLE(WORD, NEXT_WORD) ", with settings and options alone"
#define ELEMENT(name_, kind_, help_, ...)                                                                              \
    {                                                                                                                  \
        .name = (name_), .kind = PB_ELEMENT_##kind_, .help = (help_), __VA_ARGS__                                      \
    }
#define VALUES(name_, help_) ELEMENT(name_, VALUES, help_, .once = true)

const struct pb_element pb_elements[] = {
    ELEMENT(
        "matrix", MATRIX,
        "The document's root, in the namespace urn:prunebench:matrix:1. Its elements may come in any order. Those that "
        "set values come at most once; dataset, model, criterion, schedule, backend, penalty, variant, pretraining, "
        "override and exclude may be repeated. There is one cell for every combination of data set, model, criterion, "
        "schedule, "
        "backend, variant, target and seed.",
        .content = "the elements below", .attributes = matrix_attributes),
    ELEMENT("dataset", ENTRY, "A data set to train, prune and test on.", OPTIONS, .attributes = entry_attributes),
    ELEMENT("model", ENTRY, "A network to prune.", .attributes = model_attributes),
    ELEMENT("criterion", ENTRY, "A criterion that scores channels.", OPTIONS, .attributes = entry_attributes),
    ELEMENT("schedule", ENTRY, "A schedule: when to train, to prune and to retrain.", OPTIONS,
            .attributes = entry_attributes),
    ELEMENT("backend", ENTRY,
            "A backend that computes. Without this element it is the default that 'prunebench plugins' marks.", OPTIONS,
            .attributes = entry_attributes),
    ELEMENT(
        "penalty", ENTRY,
        "A penalty that every training and retraining adds to its loss: lambda times what the plugin computes. In a "
        "variant or override, label says which penalty gets another lambda or other options.",
        OPTIONS, .attributes = penalty_attributes, .changed = changed_penalty_attributes),
    ELEMENT("targets", TARGETS,
            "Shares to remove, each above 0 and below 1, in ascending order. A schedule with several rounds prunes "
            "along the smaller targets first. measure=\"threshold\" and \"gap\" take numbers above 0 instead.",
            .words = true, .content = "shares, separated by blanks or commas: 0.2 0.4",
            .attributes = targets_attributes),
    ELEMENT("seeds", SEEDS, "One cell for each seed. Without this element the seed is 1.", .once = true, .words = true,
            .content = "whole numbers, separated by blanks or commas: 1 2 3"),
    VALUES("training", "How the unpruned network is trained."),
    VALUES(
        "retraining",
        "How a network is trained after it was pruned. What is not set here follows <training>, except head-epochs."),
    VALUES("sparsity", "A penalty on the batch norms' scales during training."),
    VALUES("augment", "Random changes of training images."),
    VALUES("preprocess", "How images become inputs of the network."),
    VALUES("ranking", "How scores become a choice of channels; docs/pruning.md explains it."),
    VALUES("calibration", "Images that criteria see."),
    VALUES("latency", "How latency is measured, after all cells have run."),
    VALUES("limits", "Limits of one cell's process."),
    VALUES("stages", "What is kept of the networks that cells store."),
    ELEMENT("variant", VARIANT, "One more axis: named sets of changed values.", CHANGES,
            .attributes = variant_attributes),
    ELEMENT("compare", COMPARE, "Two variants that the report compares: parameters at equal top-1.",
            .attributes = compare_attributes),
    ELEMENT(
        "override", OVERRIDE,
        "Changes values for the cells that its attributes name. The most specific change wins: the matrix's own value, "
        "then that of an entry of an axis, then overrides by the number of axes that they name; a variant counts as an "
        "override that names one. Two equally specific changes that differ are an error.",
        CHANGES, .attributes = condition_attributes),
    ELEMENT("exclude", EXCLUDE, "Leaves out the cells that its attributes name.", .attributes = condition_attributes),
    ELEMENT(
        "pretraining", PRETRAINING,
        "A trunk that the run trains first, on a data set of its own, and from which models start. The matrix's own "
        "settings apply to it unless it has its own; axes, variants and overrides do not, and it has no penalty but "
        "its "
        "own.",
        .children = of_pretraining, .content = "training, sparsity, augment, preprocess and " OPTION_WORDS,
        .attributes = pretraining_attributes),
    ELEMENT("report", REPORT, "Published results that the report shows beside one's own.", .once = true,
            .attributes = report_attributes),
    {0}};

_Static_assert(sizeof pb_elements / sizeof *pb_elements <= PB_ELEMENTS_MAX + 2,
               "lists of the names of elements are too short");

const struct pb_element pb_option_element =
    ELEMENT("option", OPTION, "A value for one of the plugin's options.", .attributes = option_attributes);

const struct pb_element *pb_element_find(const char *name)
{
    for (const struct pb_element *element = pb_elements + 1; element->name; element++)
        if (strcmp(element->name, name) == 0)
            return element;
    return NULL;
}
