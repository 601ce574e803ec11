/* What kind of network and training a cell is about, told by its options. */
#ifndef PB_SUMMARY_KIND_H
#define PB_SUMMARY_KIND_H

#include <stdbool.h>

#include "results/record.h"

struct pb_kind {
    bool bilinear; /* the head; else the model's ordinary one */
    bool replaced; /* by a head that is neither */
    bool batch_norm;
    bool pretrained; /* from a file, or within the run */
};

struct pb_kind pb_kind_of(const struct pb_record *record);
/* An option as a number; NaN where it is absent or none. */
double pb_config_real(const struct pb_record *record, const char *key);
/* A plugin's name ("dataset.plugin"); the label replaces it where a document lacks it. */
const char *pb_config_plugin(const struct pb_record *record, const char *axis);

/* Whether the criterion has a trait ("random", "scales"), as documents say since results state it. */
bool pb_config_trait(const struct pb_record *record, const char *trait);
/* Soft pruning zeroed γ and β of masked channels, which its published rule does not. */
bool pb_zeroed_gamma_beta(const struct pb_record *record);

#endif
