/* What the sources with the tables of the summary's records (summary_fields*.c) share. */
#ifndef PB_SUMMARY_SUMMARY_TABLES_H
#define PB_SUMMARY_SUMMARY_TABLES_H

#include "results/field_tables.h"
#include "summary/summary.h"

extern const struct pb_fields pb_row_fields, pb_baseline_fields; /* of struct pb_summary_row */
extern const struct pb_fields pb_comparison_fields; /* of struct pb_summary_comparison */
extern const struct pb_fields pb_compared_fields; /* of struct pb_summary_compared */
extern const struct pb_fields pb_board_fields; /* of struct pb_summary_board */
extern const struct pb_fields pb_cells_fields; /* of struct pb_summary */
extern const struct pb_fields pb_settings_fields, pb_published_fields; /* of structs of their own source */

/* Derive <training> and <retraining> of a row; <published> of a row's and of a baseline's published record, which may be
 * NULL. */
void pb_derive_training(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *row);
void pb_derive_retraining(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *row);
void pb_derive_published(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *record);
void pb_derive_published_base(struct pb_xml_writer *writer, const struct pb_inner *inner, const void *record);

/* Derive attributes: a row's anchor in the page; the ends of the 95 % interval of a struct pb_statistics. */
void pb_derive_anchor(struct pb_xml_writer *writer, const char *name, const void *row);
void pb_derive_low(struct pb_xml_writer *writer, const char *name, const void *statistics);
void pb_derive_high(struct pb_xml_writer *writer, const char *name, const void *statistics);

/* Fields of several records. IN(member) says where a member of struct pb_summary_row is. */
#define REMOVED_FIELDS(IN)                                                                                             \
    {"removed", PB_FIELD_REAL, IN(removed.mean),                                                                       \
     .help = "the share of the measure that was removed, mean over seeds; absent where it is not known"},              \
        {"removed-min", PB_FIELD_REAL, IN(removed.min), .known = offsetof(struct pb_summary_row, removed_varies),      \
         .help = "where the seeds differ by more than one channel: the smallest"},                                     \
        {"removed-max", PB_FIELD_REAL, IN(removed.max), .known = offsetof(struct pb_summary_row, removed_varies)},     \
    {                                                                                                                  \
        "off-target", PB_FIELD_FLAG, IN(off_target),                                                                   \
            .help = "the share removed differs from amount by more than one channel, or is not known"                  \
    }
#define ANCHOR_HELP "in the page: where the first of the cells is among <cells>"
#define SELECT_ON_TEST_HELP "epochs were chosen by the test images"
#define ZERO_GAMMA_BETA_HELP "soft pruning zeroed γ and β of masked channels, not their filters"

#endif
