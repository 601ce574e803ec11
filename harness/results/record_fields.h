/* A cell's record as tables of fields. */
#ifndef PB_RESULTS_RECORD_FIELDS_H
#define PB_RESULTS_RECORD_FIELDS_H

#include "results/fields.h"

extern const struct pb_fields pb_record_fields; /* the whole <cell> */
extern const struct pb_fields pb_data_fields; /* members of struct pb_record */
extern const struct pb_fields pb_gamma_fields, pb_pruning_fields, pb_masking_fields;

/* By enum pb_cell_status, up to NULL. */
extern const char *const pb_cell_status_names[];

struct pb_gamma_record;
/* Share of the γ in the first bin; NaN without any. */
double pb_gamma_near_zero(const struct pb_gamma_record *gamma);

#endif
