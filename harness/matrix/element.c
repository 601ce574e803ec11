/* The elements of a matrix document in words, in the order in which a reader meets them. */
#include "matrix/element.h"

#include <stddef.h>

static const struct pb_attribute_help matrix_attributes[] = {
    {"name", "a text", "Name of the experiment, which its reports show.", true}, {0}};
static const struct pb_attribute_help entry_attributes[] = {
    {"plugin", "a plugin's name", "Which plugin; 'prunebench plugins' lists them.", true},
    {"label", "letters, digits, '-', '_' and '+', at most 64",
     "Name in cell ids, conditions and tables, where it is not the plugin's. Two entries of one plugin need it.",
     false},
    {0}};
static const struct pb_attribute_help penalty_attributes[] = {
    {"plugin", "a plugin's name", "Which plugin; 'prunebench plugins' lists them.", true},
    {"label", "letters, digits, '-', '_' and '+', at most 64",
     "Name in variants, overrides and records, where it is not the plugin's.", false},
    {"lambda", "a number from 0 up", "λ, by which the penalty is multiplied; 0 leaves it out.", true},
    {0}};
static const struct pb_attribute_help model_attributes[] = {
    {"name", "a model's name", "Which network; 'prunebench help catalogue' lists them.", true},
    {"label", "letters, digits, '-', '_' and '+', at most 64",
     "Name in cell ids, conditions and tables, where it is not the model's.", false},
    {0}};
static const struct pb_attribute_help variant_attributes[] = {
    {"label", "letters, digits, '-', '_' and '+', at most 64", "Name in cell ids, conditions and tables.", true}, {0}};
static const struct pb_attribute_help pretraining_attributes[] = {
    {"label", "letters, digits, '-', '_' and '+', at most 64", "Name by which <model pretraining=\"…\"> asks for it.",
     true},
    {"plugin", "a dataset plugin's name", "Which plugin reads its images.", true},
    {"model", "a model's name", "Which network, where it is not the cell's own.", false},
    {"seed", "a whole number from 0 up", "Its seed, where it is not the cell's own.", false},
    {0}};
static const struct pb_attribute_help targets_attributes[] = {
    {"measure", "channels, params, macs, weights",
     "What the shares are shares of; default channels. Shares of single weights are masked, not removed: only by "
     "criteria that score weights.",
     false},
    {0}};
static const struct pb_attribute_help compare_attributes[] = {
    {"variant", "a variant's label", "The variant whose networks are compared.", true},
    {"with", "a variant's label", "The variant that they are compared with, by seed.", true},
    {"equal-within", "a number of points",
     "Top-1 counts as equal where the 95 % interval of the difference is inside ± so many points.", true},
    {0}};
static const struct pb_attribute_help report_attributes[] = {
    {"reference", "a name or a file", "Which published results: the name of a study that has them, or an XML file.",
     true},
    {0}};
static const struct pb_attribute_help condition_attributes[] = {
    {"dataset", "labels, separated by blanks", "Only cells of these data sets.", false},
    {"model", "labels, separated by blanks", "Only cells of these models.", false},
    {"criterion", "labels, separated by blanks", "Only cells of these criteria.", false},
    {"schedule", "labels, separated by blanks", "Only cells of these schedules.", false},
    {"backend", "labels, separated by blanks", "Only cells of these backends.", false},
    {"variant", "labels, separated by blanks", "Only cells of these variants.", false},
    {"target", "shares or labels, separated by blanks", "Only cells of these targets.", false},
    {"seed", "seeds, separated by blanks", "Only cells of these seeds.", false},
    {0}};

#define OPTIONS "<option name=\"…\" value=\"…\"/> for the plugin's options"
#define CHANGES                                                                                                        \
    "any of training, retraining, sparsity, augment, preprocess, ranking, calibration, latency, limits, stages, "      \
    "dataset, model, criterion, schedule, backend, penalty, with settings and options alone"

const struct pb_element_help pb_element_helps[] = {
    {"matrix",
     "The document's root, in the namespace urn:prunebench:matrix:1. Its elements may come in any order. Those that "
     "set values come at most once; dataset, model, criterion, schedule, backend, penalty, variant, pretraining, "
     "override and exclude may be repeated. There is one cell for every combination of data set, model, criterion, "
     "schedule, "
     "backend, variant, target and seed.",
     "the elements below", matrix_attributes},
    {"dataset", "A data set to train, prune and test on.", OPTIONS, entry_attributes},
    {"model", "A network to prune.", NULL, model_attributes},
    {"criterion", "A criterion that scores channels.", OPTIONS, entry_attributes},
    {"schedule", "A schedule: when to train, to prune and to retrain.", OPTIONS, entry_attributes},
    {"backend", "A backend that computes. Without this element it is the default that 'prunebench plugins' marks.",
     OPTIONS, entry_attributes},
    {"penalty",
     "A penalty that every training and retraining adds to its loss: lambda times what the plugin computes. In a "
     "variant or override, label says which penalty gets another lambda or other options.",
     OPTIONS, penalty_attributes},
    {"targets",
     "Shares to remove, each above 0 and below 1, in ascending order. A schedule with several rounds prunes along the "
     "smaller targets first.",
     "shares, separated by blanks or commas: 0.2 0.4", targets_attributes},
    {"seeds", "One cell for each seed. Without this element the seed is 1.",
     "whole numbers, separated by blanks or commas: 1 2 3", NULL},
    {"training", "How the unpruned network is trained.", NULL, NULL},
    {"retraining",
     "How a network is trained after it was pruned. What is not set here follows <training>, except head-epochs.", NULL,
     NULL},
    {"sparsity", "A penalty on the batch norms' scales during training.", NULL, NULL},
    {"augment", "Random changes of training images.", NULL, NULL},
    {"preprocess", "How images become inputs of the network.", NULL, NULL},
    {"ranking", "How scores become a choice of channels; docs/pruning.md explains it.", NULL, NULL},
    {"calibration", "Images that criteria see.", NULL, NULL},
    {"latency", "How latency is measured, after all cells have run.", NULL, NULL},
    {"limits", "Limits of one cell's process.", NULL, NULL},
    {"stages", "What is kept of the networks that cells store.", NULL, NULL},
    {"variant", "One more axis: named sets of changed values.", CHANGES, variant_attributes},
    {"compare", "Two variants that the report compares: parameters at equal top-1.", NULL, compare_attributes},
    {"override",
     "Changes values for the cells that its attributes name. The most specific change wins: the matrix's own value, "
     "then that of an entry of an axis, then overrides by the number of axes that they name; a variant counts as an "
     "override that names one. Two equally specific changes that differ are an error.",
     CHANGES, condition_attributes},
    {"exclude", "Leaves out the cells that its attributes name.", NULL, condition_attributes},
    {"pretraining",
     "A trunk that the run trains first, on a data set of its own, and from which models start. The matrix's own "
     "settings apply to it unless it has its own; axes, variants and overrides do not, and it has no penalty but its "
     "own.",
     "training, sparsity, augment, preprocess and <option name=\"…\" value=\"…\"/>", pretraining_attributes},
    {"report", "Published results that the report shows beside one's own.", NULL, report_attributes},
    {0}};
