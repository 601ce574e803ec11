/* Names of the enumerations that a cell's settings use, as matrix documents, records and keys spell them. */
#ifndef PB_SETTINGS_NAMES_H
#define PB_SETTINGS_NAMES_H

/* NULL-terminated, indexed by the enumeration's values. */
extern const char *const pb_lr_policy_names[]; /* enum pb_lr_policy */
extern const char *const pb_measure_names[]; /* enum pb_measure */
extern const char *const pb_scope_names[]; /* enum pb_scope */
extern const char *const pb_normalise_names[]; /* enum pb_normalise */
extern const char *const pb_coupling_names[]; /* enum pb_coupling */
extern const char *const pb_repair_names[]; /* enum pb_repair_rule */
extern const char *const pb_count_rule_names[]; /* enum pb_count_rule */
extern const char *const pb_redraw_names[]; /* struct pb_ranking's redraw */
extern const char *const pb_soft_zero_names[]; /* enum pb_soft_zero */
extern const char *const pb_soft_growth_names[]; /* enum pb_soft_growth */
extern const char *const pb_soft_comeback_names[]; /* enum pb_soft_comeback */
extern const char *const pb_distillation_names[]; /* enum pb_distillation */
extern const char *const pb_prunable_names[]; /* enum pb_prunable */

#endif
