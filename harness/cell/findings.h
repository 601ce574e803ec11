/* From a finished session to a record. */
#ifndef PB_CELL_FINDINGS_H
#define PB_CELL_FINDINGS_H

#include "results/record.h"
#include "experiment/session.h"

/* Costs, accuracies on the test split, layers, epochs, equivalence: everything but settings and provenance. */
PB_MUST_CHECK enum pb_status pb_findings(struct pb_session *session, struct pb_record *record, struct pb_error *error);

/* Host, CPU, versions, kernel set, the weights that the network began with, the file that it learned from. */
PB_MUST_CHECK enum pb_status pb_provenance(const struct pb_session *session, struct pb_record *record,
                                           struct pb_error *error);

#endif
