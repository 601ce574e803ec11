/* Names of the enumerations that a cell's settings use. */
#include "settings/names.h"

#include <stddef.h>

const char *const pb_lr_policy_names[] = {"plateau", "step", "cosine", "one-cycle", "constant", NULL};
const char *const pb_measure_names[] = {"channels", "params", "macs", "weights", "threshold", "gap", NULL};
const char *const pb_scope_names[] = {"global", "layer", NULL};
const char *const pb_normalise_names[] = {"none", "sum", "mean", "max", "l2", "lamp", NULL};
const char *const pb_coupling_names[] = {"sum", "mean", "max", NULL};
const char *const pb_repair_names[] = {"none", "criterion", "mean", NULL};
const char *const pb_count_rule_names[] = {"exact", "threshold", NULL};
const char *const pb_redraw_names[] = {"once", "each-scoring", NULL};
const char *const pb_soft_zero_names[] = {"none", "filters", "gamma-beta", NULL};
const char *const pb_soft_growth_names[] = {"constant", "asymptotic", NULL};
const char *const pb_soft_comeback_names[] = {"ranked", "grown", NULL};
const char *const pb_distillation_names[] = {"none", "soft-targets", "logits", NULL};
const char *const pb_prunable_names[] = {"convolutions", "all", "trunk", NULL};
