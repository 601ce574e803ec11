/* What a schedule measured on its way, as rows of the record. */
#ifndef PB_CELL_FINDINGS_TRIALS_H
#define PB_CELL_FINDINGS_TRIALS_H

#include "experiment/session.h"
#include "results/record.h"

PB_MUST_CHECK enum pb_status pb_findings_trials(struct pb_session *session, struct pb_record *record,
                                                struct pb_error *error);

#endif
